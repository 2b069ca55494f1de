//! The client's private key.

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::error::{Error, Result};

/// Supplies the password of an encrypted key; `None` when there is none.
pub type KeyPassword<'a> = &'a dyn Fn() -> Option<Vec<u8>>;

/// The first private key in a PEM file: PKCS#8 (also encrypted, PBES2), PKCS#1 or SEC1.
pub(super) fn load(file: &str, password: KeyPassword<'_>) -> Result<PrivateKeyDer<'static>> {
    let failed = |what: &str| Error::Tls(format!("client key file {file}: {what}"));
    let pem = std::fs::read(file).map_err(|error| failed(&error.to_string()))?;
    let text = String::from_utf8_lossy(&pem);
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(failed(
            "the old encrypted format is not supported; convert it to PKCS#8",
        ));
    }
    if let Some(begin) = text.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        let password =
            password().ok_or_else(|| failed("it is encrypted, and no password given"))?;
        let (_, document) = pkcs8::Document::from_pem(text[begin..].trim_end())
            .map_err(|error| failed(&error.to_string()))?;
        let encrypted = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
            .map_err(|error| failed(&error.to_string()))?;
        let key = encrypted
            .decrypt(password)
            .map_err(|error| failed(&format!("it cannot be decrypted ({error})")))?;
        return Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into());
    }
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| failed(&error.to_string()))
}
