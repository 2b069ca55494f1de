//! Private keys encrypted the way OpenSSL did before PKCS#8: RFC 1421's headers above the
//! base64, and a key made of the password by MD5.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use cbc::Decryptor;
use data_encoding::HEXUPPER_PERMISSIVE;
use des::TdesEde3;
use md5::{Digest, Md5};

use super::material::Outcome;

/// Padding that is wrong after decryption says no more than this.
pub(super) const WRONG_PASSWORD: &str = "it cannot be decrypted: the password is wrong";

/// An encrypted key.
pub(super) struct Encrypted {
    cipher: Cipher,
    iv: Vec<u8>,
    data: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TdesEde3,
}

impl Encrypted {
    /// `None` when the headers speak of no encryption.
    pub(super) fn new(headers: &[(&str, &str)], data: &[u8]) -> Outcome<Option<Self>> {
        let value = |wanted: &str| {
            let named = headers.iter().find(|(name, _)| *name == wanted);
            named.map(|(_, value)| *value)
        };
        if !value("Proc-Type").is_some_and(|kind| kind.ends_with("ENCRYPTED")) {
            return Ok(None);
        }
        let info = value("DEK-Info").ok_or("it is encrypted, and DEK-Info is missing")?;
        let (name, iv) = info.split_once(',').unwrap_or((info, ""));
        let cipher = match name.trim() {
            "AES-128-CBC" => Cipher::Aes128,
            "AES-192-CBC" => Cipher::Aes192,
            "AES-256-CBC" => Cipher::Aes256,
            "DES-EDE3-CBC" => Cipher::TdesEde3,
            other => return Err(format!("it is encrypted with {other}, not supported")),
        };
        let iv = HEXUPPER_PERMISSIVE
            .decode(iv.trim().as_bytes())
            .ok()
            .filter(|iv| iv.len() == cipher.block())
            .ok_or("DEK-Info is malformed")?;
        Ok(Some(Encrypted {
            cipher,
            iv,
            data: data.to_vec(),
        }))
    }

    /// The key in PKCS#1 or SEC1.
    pub(super) fn decrypt(&self, password: &[u8]) -> Outcome<Vec<u8>> {
        let decrypt = match self.cipher {
            Cipher::Aes128 => decrypt::<Aes128>,
            Cipher::Aes192 => decrypt::<Aes192>,
            Cipher::Aes256 => decrypt::<Aes256>,
            Cipher::TdesEde3 => decrypt::<TdesEde3>,
        };
        let key = derive(password, &self.iv[..8], self.cipher.key());
        decrypt(&key, &self.iv, &self.data)
            // A wrong password's padding may be right by chance, but not all the rest.
            .filter(|der| der.first() == Some(&0x30))
            .ok_or_else(|| WRONG_PASSWORD.to_owned())
    }
}

impl Cipher {
    const fn key(self) -> usize {
        match self {
            Cipher::Aes128 => 16,
            Cipher::Aes192 | Cipher::TdesEde3 => 24,
            Cipher::Aes256 => 32,
        }
    }

    const fn block(self) -> usize {
        match self {
            Cipher::TdesEde3 => 8,
            _ => 16,
        }
    }
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one round.
fn derive(password: &[u8], salt: &[u8], length: usize) -> Vec<u8> {
    let mut key = Vec::new();
    let mut last = Vec::new();
    while key.len() < length {
        let digest = Md5::new()
            .chain_update(&last)
            .chain_update(password)
            .chain_update(salt)
            .finalize();
        last = digest.to_vec();
        key.extend_from_slice(&last);
    }
    key.truncate(length);
    key
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut data = data.to_vec();
    let cipher = Decryptor::<C>::new_from_slices(key, iv).ok()?;
    let plain = cipher.decrypt_padded::<Pkcs7>(&mut data).ok()?;
    Some(plain.to_vec())
}
