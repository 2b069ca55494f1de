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

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::CertificateDer;

    use super::*;

    /// What the `openssl` command (Debian package openssl) writes to its output.
    fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
        use std::io::Write;
        let mut child = Command::new("openssl")
            .args(arguments.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl (Debian package openssl)");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "openssl {arguments}");
        output.stdout
    }

    fn loads(data: &[u8], password: Option<&str>) -> Outcome<()> {
        let bytes = || password.map(|text| text.as_bytes().to_vec());
        let key = load(data, &bytes)?;
        let provider = provider::default_provider().key_provider;
        let loaded = provider.load_private_key(key);
        loaded.map(drop).map_err(|error| error.to_string())
    }

    const NEW: [&str; 2] = [
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256",
    ];

    #[test]
    fn keys_in_every_format_are_read() {
        for new in NEW {
            let pem = openssl(new, b"");
            for format in [
                "pkey -outform PEM",
                "pkey -outform DER",
                "pkey -traditional -outform PEM",
                "pkey -traditional -outform DER",
            ] {
                let key = openssl(format, &pem);
                check(&key).unwrap();
                loads(&key, None).unwrap();
            }
        }
    }

    #[test]
    fn encrypted_keys_are_read_with_their_password_and_no_other() {
        for new in NEW {
            let pem = openssl(new, b"");
            for format in [
                "pkcs8 -topk8 -v2 aes-256-cbc -passout pass:secret",
                "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -passout pass:secret",
                "pkcs8 -topk8 -v2 des3 -passout pass:secret",
                "pkcs8 -topk8 -scrypt -passout pass:secret",
                "pkcs8 -topk8 -v2 aes-256-cbc -outform DER -passout pass:secret",
                "pkey -traditional -aes-128-cbc -passout pass:secret",
                "pkey -traditional -aes-192-cbc -passout pass:secret",
                "pkey -traditional -aes-256-cbc -passout pass:secret",
                "pkey -traditional -des3 -passout pass:secret",
            ] {
                let key = openssl(format, &pem);
                check(&key).unwrap();
                loads(&key, Some("secret")).unwrap_or_else(|why| panic!("{format}: {why}"));
                let none = loads(&key, None).unwrap_err();
                assert_eq!(
                    none, "it is encrypted, and no password was given",
                    "{format}"
                );
                let wrong = loads(&key, Some("Secret")).unwrap_err();
                assert_eq!(wrong, old_key::WRONG_PASSWORD, "{format}");
            }
        }
    }

    #[test]
    fn an_encryption_that_is_not_supported_is_named() {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                   DEK-Info: DES-CBC,0011223344556677\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(
            check(pem.as_bytes()).unwrap_err(),
            "it is encrypted with DES-CBC, not supported"
        );
    }

    #[test]
    fn what_is_no_key_is_an_error() {
        let begin = "-----BEGIN PRIVATE KEY-----";
        let end = "-----END PRIVATE KEY-----";
        for text in [
            String::new(),
            "nonsense".to_owned(),
            begin.to_owned(),
            "-----BEGIN ".to_owned(),
            format!("{begin}\nAAAA"),
            format!("{begin}\n!!!!\n{end}"),
            format!("{begin}\nAAAA\n{end}"),
            format!("{begin}\nProc-Type: 4,ENCRYPTED\n\nAAAA\n{end}"),
            format!("{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n{end}"),
            format!("{begin}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,\n\nAAAA\n{end}"),
        ] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(check(&[0x30]).is_err());
        assert!(check(&[0x30, 0xff, 0x02]).is_err());
    }

    #[test]
    fn a_key_behind_its_certificate_is_found() {
        let ca = super::super::testing::ca("CA");
        let both = format!("{}{}", ca.pem(), ca.key().serialize_pem());
        loads(both.as_bytes(), None).unwrap();
        assert!(CertificateDer::from_pem_slice(both.as_bytes()).is_ok());
    }
}
