//! What a program can set about TLS.
//!
//! A setting that was refused is remembered: the program evidently wanted a protected
//! connection, so there is none at all until the setting is made good. It is never left out.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;

/// TLS settings of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Whether connections use TLS.
    pub enabled: bool,
    /// File with trusted certificates, PEM.
    pub ca_file: Option<String>,
    /// Folder with trusted certificates.
    pub ca_path: Option<String>,
    /// Trusted certificates, PEM or one in DER, besides those of file and folder.
    pub ca: Option<Data>,
    /// Trust the operating system's certificates.
    pub use_os_certs: bool,
    /// The client's certificate chain, PEM.
    pub cert_file: Option<String>,
    /// The client's private key, PEM.
    pub key_file: Option<String>,
    /// The client's certificate chain and private key, in place of the files: PEM or DER.
    pub certificate: Option<(Data, Data)>,
    /// File with certificate revocation lists, PEM or one in DER.
    pub crl_file: Option<String>,
    /// Certificate revocation lists, PEM or one in DER.
    pub crl: Option<Data>,
    /// SHA-256 of the `SubjectPublicKeyInfo` of servers; any server's key will do when empty.
    pub pins: Vec<[u8; 32]>,
    /// Do not check the certificate chain: accepts anything.
    pub no_verification: bool,
    /// Do not compare the host name with the certificate.
    pub insecure: bool,
    /// The least version, `tlsv1.1`, `tlsv1.2` or `tlsv1.3`; there is none below 1.2.
    pub version: Option<String>,
    /// Cipher list as the program wrote it.
    pub ciphers: Option<String>,
    /// Application protocols to offer, the preferred one first.
    pub alpn: Vec<String>,
    /// File to which the secrets of connections are written, for whoever debugs them.
    pub key_log_file: Option<String>,
    /// Whether a stapled OCSP answer is required.
    pub ocsp_required: bool,
    /// What was refused and not set successfully since, and why.
    pub refused: BTreeMap<TlsPart, String>,
}

/// What belongs together among the settings: the next success makes up for a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsPart {
    /// Whom to trust.
    Trust,
    /// Who we are.
    Certificate,
    /// Which certificates are revoked, in memory.
    Revocation,
    /// Which certificates are revoked, in a file.
    RevocationFile,
    /// Which keys servers have.
    Pins,
    /// How TLS is spoken.
    Protocol,
    /// Application protocols.
    Alpn,
    /// The key log file.
    KeyLog,
}

/// Bytes a program gave us, which may be secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Data(Arc<[u8]>);

/// Why a setting was refused.
pub type Refusal = String;

/// The files of `mosquitto_tls_set`, which could be opened.
#[derive(Debug, Default)]
pub struct TlsFiles {
    ca_file: Option<String>,
    ca_path: Option<String>,
    pair: Option<(String, String)>,
}

impl TlsFiles {
    /// Opens each to see that it can be done; not the folder, which need not exist while the
    /// file serves.
    pub fn open(
        ca_file: Option<String>,
        ca_path: Option<String>,
        cert_file: Option<String>,
        key_file: Option<String>,
    ) -> Result<Self, Refusal> {
        if ca_file.is_none() && ca_path.is_none() {
            return Err("neither a file nor a folder of trusted certificates".to_owned());
        }
        for (what, file) in [
            ("CA file", &ca_file),
            ("certificate file", &cert_file),
            ("key file", &key_file),
        ] {
            readable(file.clone()).map_err(|why| format!("{what} {why}"))?;
        }
        let pair = match (cert_file, key_file) {
            (Some(cert_file), Some(key_file)) => Some((cert_file, key_file)),
            (None, None) => None,
            (Some(file), None) => return Err(format!("certificate file {file} without a key")),
            (None, Some(file)) => return Err(format!("key file {file} without a certificate")),
        };
        Ok(TlsFiles {
            ca_file,
            ca_path,
            pair,
        })
    }
}

/// The file again, if it can be opened.
pub fn readable(file: Option<String>) -> Result<Option<String>, Refusal> {
    if let Some(file) = &file {
        File::open(file).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(file)
}

/// The file again, if it can be appended to. A new one is for nobody else to read.
pub fn appendable(file: Option<String>) -> Result<Option<String>, Refusal> {
    if let Some(file) = &file {
        append(file).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(file)
}

pub(super) fn append(file: &str) -> io::Result<File> {
    let mut options = File::options();
    options.append(true).create(true).mode(0o600).open(file)
}

impl TlsSettings {
    /// Switches TLS on with these files. Makes up for whatever was refused about whom to trust
    /// and who we are.
    pub fn set_files(&mut self, files: Result<TlsFiles, Refusal>) -> Result<(), Refusal> {
        self.enabled = true;
        let files = self.judge(TlsPart::Trust, files)?;
        self.refused.remove(&TlsPart::Certificate);
        (self.ca_file, self.ca_path) = (files.ca_file, files.ca_path);
        (self.cert_file, self.key_file) = files.pair.clone().unzip();
        if files.pair.is_some() {
            self.certificate = None;
        }
        Ok(())
    }

    /// Switches TLS on, trusting also the certificates given; `None` takes them back.
    pub fn set_ca(&mut self, ca: Option<&[u8]>) -> Result<(), Refusal> {
        self.enabled |= ca.is_some();
        let checked = ca.map_or(Ok(()), check::certificates);
        self.judge(TlsPart::Trust, checked.map_err(|why| format!("CA: {why}")))?;
        self.ca = ca.map(Data::new);
        Ok(())
    }

    /// Trusts what the system trusts: switches TLS on, or off where nothing else asks for it.
    pub fn set_os_certs(&mut self, value: bool) {
        self.use_os_certs = value;
        if value {
            self.refused.remove(&TlsPart::Trust);
        }
        self.enabled = value
            || self.ca_file.is_some()
            || self.ca_path.is_some()
            || self.ca.is_some()
            || self.certificate.is_some()
            || self.crl.is_some()
            || self.crl_file.is_some()
            || !self.pins.is_empty()
            || !self.refused.is_empty();
    }

    /// Switches TLS on with this certificate chain and key, in place of any other; `None` takes
    /// them back.
    pub fn set_certificate(&mut self, pair: Option<(&[u8], &[u8])>) -> Result<(), Refusal> {
        self.enabled |= pair.is_some();
        let checked = pair.map_or(Ok(()), |(chain, key)| {
            check::certificates(chain)
                .map_err(|why| format!("client certificate: {why}"))
                .and_then(|()| check::key(key).map_err(|why| format!("client key: {why}")))
        });
        self.judge(TlsPart::Certificate, checked)?;
        self.certificate = pair.map(|(chain, key)| (Data::new(chain), Data::new(key)));
        if pair.is_some() {
            (self.cert_file, self.key_file) = (None, None);
        }
        Ok(())
    }

    /// Switches TLS on with these revocation lists; `None` takes them back.
    pub fn set_crl(&mut self, crl: Option<&[u8]>) -> Result<(), Refusal> {
        self.enabled |= crl.is_some();
        let checked = crl.map_or(Ok(()), check::revocation_lists);
        let checked = checked.map_err(|why| format!("revocation lists: {why}"));
        self.judge(TlsPart::Revocation, checked)?;
        self.crl = crl.map(Data::new);
        Ok(())
    }

    /// Switches TLS on with the revocation lists in a [`readable`] file; `None` takes it back.
    pub fn set_crl_file(&mut self, file: Result<Option<String>, Refusal>) -> Result<(), Refusal> {
        self.enabled |= !matches!(file, Ok(None));
        self.crl_file = self.judge(TlsPart::RevocationFile, file)?;
        Ok(())
    }

    /// Switches TLS on, with servers that have one of these keys only: `sha256//` and base64,
    /// separated by `;`. `None` takes them back.
    pub fn set_pins(&mut self, pins: Option<&str>) -> Result<(), Refusal> {
        self.enabled |= pins.is_some();
        let pins = pins.map_or(Ok(Vec::new()), parse_pins);
        self.pins = self.judge(TlsPart::Pins, pins)?;
        Ok(())
    }

    /// Offers these application protocols.
    pub fn set_alpn(&mut self, names: Vec<String>) -> Result<(), Refusal> {
        // RFC 7301 section 3.1: a name has 1 to 255 bytes, all of them together 65535.
        let wrong = names.iter().find(|name| !(1..=255).contains(&name.len()));
        let total: usize = names.iter().map(|name| name.len() + 1).sum();
        let checked = match wrong {
            Some(name) => Err(format!(
                "ALPN name of {} bytes, and 1 to 255 are possible",
                name.len()
            )),
            None if total > 4096 => Err("more ALPN names than a handshake has room for".to_owned()),
            None => Ok(()),
        };
        self.judge(TlsPart::Alpn, checked)?;
        self.alpn = names;
        Ok(())
    }

    /// Writes the secrets of connections to an [`appendable`] file.
    pub fn set_key_log_file(
        &mut self,
        file: Result<Option<String>, Refusal>,
    ) -> Result<(), Refusal> {
        self.key_log_file = self.judge(TlsPart::KeyLog, file)?;
        Ok(())
    }

    /// How TLS is spoken; `version` in lower case.
    pub fn set_protocol(
        &mut self,
        verify: bool,
        version: Option<String>,
        ciphers: Option<String>,
    ) -> Result<(), Refusal> {
        let checked = match version.as_deref() {
            None | Some("tlsv1.1" | "tlsv1.2" | "tlsv1.3") => Ok(()),
            Some(other) => Err(format!(
                "TLS version {other} is not tlsv1.1, tlsv1.2 or tlsv1.3"
            )),
        };
        self.judge(TlsPart::Protocol, checked)?;
        self.no_verification = !verify;
        self.version = version;
        self.ciphers = ciphers;
        Ok(())
    }

    /// Remembers that TLS was asked for in a way that cannot be.
    pub fn refuse(&mut self, part: TlsPart, why: Refusal) {
        self.enabled = true;
        self.refused.insert(part, why);
    }

    fn judge<T>(&mut self, part: TlsPart, outcome: Result<T, Refusal>) -> Result<T, Refusal> {
        match &outcome {
            Ok(_) => self.refused.remove(&part),
            Err(why) => self.refused.insert(part, why.clone()),
        };
        outcome
    }
}

impl Data {
    fn new(bytes: &[u8]) -> Self {
        Data(bytes.into())
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

fn parse_pins(pins: &str) -> Result<Vec<[u8; 32]>, Refusal> {
    let parse = |pin: &str| {
        let base64 = pin.trim().strip_prefix("sha256//")?;
        let digest = data_encoding::BASE64.decode(base64.as_bytes()).ok()?;
        digest.try_into().ok()
    };
    pins.split(';')
        .map(|pin| {
            parse(pin)
                .ok_or_else(|| format!("pin \"{pin}\" is not sha256// and 32 bytes in base64"))
        })
        .collect()
}

#[cfg(feature = "tls")]
use super::tls::check;

/// Without TLS nothing can be judged, and nothing connects with such settings.
#[cfg(not(feature = "tls"))]
mod check {
    pub(super) fn certificates(_: &[u8]) -> Result<(), super::Refusal> {
        Ok(())
    }
    pub(super) fn key(_: &[u8]) -> Result<(), super::Refusal> {
        Ok(())
    }
    pub(super) fn revocation_lists(_: &[u8]) -> Result<(), super::Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_written_as_curl_writes_them() {
        let zeros = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let ones = "sha256//AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let mut tls = TlsSettings::default();
        tls.set_pins(Some(&format!("{zeros};{ones}"))).unwrap();
        assert_eq!(tls.pins, [[0; 32], [1; 32]]);
        for wrong in ["", "sha256//", "sha256//AAAA", "sha1//AAAA", &zeros[8..]] {
            assert!(tls.set_pins(Some(wrong)).is_err(), "{wrong}");
            assert_eq!(tls.pins.len(), 2, "what was set stays");
            assert!(tls.refused.contains_key(&TlsPart::Pins));
        }
        tls.set_pins(None).unwrap();
        assert!(tls.pins.is_empty() && tls.refused.is_empty());
    }

    #[test]
    fn a_refused_setting_switches_tls_on_and_stays_refused_until_it_is_made_good() {
        let mut tls = TlsSettings::default();
        let missing = || Some("/nonexistent/ca.crt".to_owned());
        let why = tls.set_files(TlsFiles::open(missing(), None, None, None));
        assert!(why.unwrap_err().contains("/nonexistent/ca.crt"));
        tls.set_os_certs(false);
        tls.set_pins(None).unwrap();
        assert!(tls.enabled && tls.refused.contains_key(&TlsPart::Trust));
        let folder = Some("/nonexistent".to_owned());
        tls.set_files(TlsFiles::open(None, folder, None, None))
            .unwrap();
        assert!(tls.enabled && tls.refused.is_empty());
    }

    #[test]
    fn names_of_application_protocols_have_1_to_255_bytes() {
        let mut tls = TlsSettings::default();
        tls.set_alpn(vec!["mqtt".to_owned(), "x".repeat(255)])
            .unwrap();
        assert!(tls.set_alpn(vec![String::new()]).is_err());
        assert!(tls.set_alpn(vec!["x".repeat(256)]).is_err());
        assert!(tls.set_alpn(vec!["x".repeat(255); 17]).is_err());
        assert_eq!(tls.alpn.len(), 2);
    }

    #[test]
    fn secrets_are_not_shown() {
        assert_eq!(format!("{:?}", Data::new(b"secret")), "6 bytes");
    }
}
