//! The client's private key: PKCS#8, PKCS#1 or SEC1, in PEM or DER, also encrypted.

use data_encoding::BASE64;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::PrivateKeyDer;

use super::material::{is_pem, Outcome};
use super::{old_key, provider};

/// Supplies the password of an encrypted key; `None` when there is none.
pub type KeyPassword<'a> = &'a dyn Fn() -> Option<Vec<u8>>;

/// The first private key in `data`.
pub(super) fn load(data: &[u8], password: KeyPassword<'_>) -> Outcome<PrivateKeyDer<'static>> {
    let found = find(data)?;
    let ask = || password().ok_or("it is encrypted, and no password was given");
    let der = match found {
        Found::Plain(der) => der,
        Found::Encrypted(der) => {
            let encrypted = parse_encrypted(&der)?;
            let key = encrypted.decrypt(ask()?).map_err(cannot_decrypt)?;
            key.as_bytes().to_vec()
        }
        Found::OldEncrypted(encrypted) => encrypted.decrypt(&ask()?)?,
    };
    parse(&der)
}

/// Whether there is a key in `data`; what is inside an encrypted one is not known yet.
pub(super) fn check(data: &[u8]) -> Outcome<()> {
    match find(data)? {
        Found::Plain(der) => provider::default_provider()
            .key_provider
            .load_private_key(parse(&der)?)
            .map(drop)
            .map_err(|error| error.to_string()),
        Found::Encrypted(der) => parse_encrypted(&der).map(drop),
        Found::OldEncrypted(_) => Ok(()),
    }
}

enum Found {
    Plain(Vec<u8>),
    /// PKCS#8's `EncryptedPrivateKeyInfo`.
    Encrypted(Vec<u8>),
    /// "Proc-Type: 4,ENCRYPTED".
    OldEncrypted(old_key::Encrypted),
}

fn find(data: &[u8]) -> Outcome<Found> {
    if !is_pem(data) {
        return Ok(match PrivateKeyDer::try_from(data) {
            Ok(_) => Found::Plain(data.to_vec()),
            Err(_) => Found::Encrypted(data.to_vec()),
        });
    }
    let text = String::from_utf8_lossy(data);
    // Certificates and parameters may stand in the same file.
    const BEGIN: &str = "-----BEGIN ";
    let mut rest = text.as_ref();
    while let Some(begin) = rest.find(BEGIN) {
        rest = &rest[begin + BEGIN.len()..];
        let Some((label, body)) = rest.split_once("-----") else {
            break;
        };
        if !matches!(
            label,
            "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "ENCRYPTED PRIVATE KEY"
        ) {
            continue;
        }
        let Some((body, _)) = body.split_once(&format!("-----END {label}-----")) else {
            return Err(format!("{label} without an end"));
        };
        let (headers, base64) = split_headers(body);
        let base64: String = base64.split_ascii_whitespace().collect();
        let der = BASE64
            .decode(base64.as_bytes())
            .map_err(|error| format!("{label}: {error}"))?;
        return Ok(match old_key::Encrypted::new(&headers, &der)? {
            Some(encrypted) => Found::OldEncrypted(encrypted),
            None if label == "ENCRYPTED PRIVATE KEY" => Found::Encrypted(der),
            None => Found::Plain(der),
        });
    }
    Err("no private key in it".to_owned())
}

/// RFC 1421's headers, which end at an empty line, and what follows them.
fn split_headers(body: &str) -> (Vec<(&str, &str)>, &str) {
    let mut headers = Vec::new();
    let mut rest = body.trim_start();
    while let Some((line, after)) = rest.split_once('\n') {
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        headers.push((name.trim(), value.trim()));
        rest = after;
    }
    (headers, rest)
}

fn parse_encrypted(der: &[u8]) -> Outcome<EncryptedPrivateKeyInfoRef<'_>> {
    EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| "it is no private key".to_owned())
}

fn parse(der: &[u8]) -> Outcome<PrivateKeyDer<'static>> {
    PrivateKeyDer::try_from(der)
        .map(|key| key.clone_key())
        .map_err(|_| "it is no PKCS#8, PKCS#1 or SEC1 private key".to_owned())
}

fn cannot_decrypt(error: pkcs8::Error) -> String {
    match error {
        pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::UnsupportedAlgorithm { oid }) => {
            format!("it is encrypted with an algorithm that is not supported ({oid})")
        }
        _ => old_key::WRONG_PASSWORD.to_owned(),
    }
}
