//! From settings to what rustls needs. A configuration is read and parsed once, and
//! shared by all clients with the same settings; so are its TLS sessions, which a client
//! resumes when it connects again.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use once_cell::sync::Lazy;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, SupportedProtocolVersion};

use super::super::TlsSettings;
use super::key::KeyPassword;
use super::key_log::KeyLogFile;
use super::verify::{Authority, Verifier};
use super::{certificate, ciphers, key, material, provider, reason};
use crate::error::{CallerError, Error, Result};

/// What connections are made with.
#[derive(Debug)]
pub struct TlsConfiguration {
    pub(super) rustls: Arc<ClientConfig>,
    /// The client certificate, for error messages.
    pub(super) certificate: Option<String>,
}

/// A configuration made by [`client_config`].
pub type TlsConfig = Arc<TlsConfiguration>;

/// A file that was read, and what it was then.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

/// Settings, and the files they name.
type CacheKey = (TlsSettings, Vec<Stamp>);

static CACHE: Lazy<Mutex<HashMap<CacheKey, Weak<TlsConfiguration>>>> = Lazy::new(Mutex::default);

/// The configuration for these settings. Nothing wrong with them ever leads to a
/// configuration that checks less.
pub fn client_config(settings: &TlsSettings, password: KeyPassword<'_>) -> Result<TlsConfig> {
    if let Some(why) = settings.refused.values().next() {
        let what = "TLS was asked for, and its settings were refused";
        return Err(Error::Tls(format!("{what}: {why}")));
    }
    let cache_key = (settings.clone(), stamps(settings));
    let lock = || CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(config) = lock().get(&cache_key).and_then(Weak::upgrade) {
        return Ok(config);
    }
    let config = Arc::new(build(settings, password)?);
    let mut cache = lock();
    cache.retain(|_, config| config.strong_count() > 0);
    cache.insert(cache_key, Arc::downgrade(&config));
    Ok(config)
}

fn stamps(settings: &TlsSettings) -> Vec<Stamp> {
    let named = [
        &settings.ca_file,
        &settings.cert_file,
        &settings.key_file,
        &settings.crl_file,
        &settings.key_log_file,
    ];
    let mut files: Vec<PathBuf> = named.into_iter().flatten().map(PathBuf::from).collect();
    if let Some(folder) = &settings.ca_path {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut inside: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        inside.sort();
        files.append(&mut inside);
    }
    let logged = settings.key_log_file.as_deref().map(Path::new);
    let stamp = |file: PathBuf| {
        let found = fs::metadata(&file).ok();
        // A log is no input: that it is there is enough.
        let stamp = match logged == Some(&file) {
            true => found.map(|_| (SystemTime::UNIX_EPOCH, 0)),
            false => found.and_then(|found| Some((found.modified().ok()?, found.len()))),
        };
        (file, stamp)
    };
    files.into_iter().map(stamp).collect()
}

fn build(settings: &TlsSettings, password: KeyPassword<'_>) -> Result<TlsConfiguration> {
    if settings.ocsp_required {
        return Err(CallerError::NotSupported("required OCSP answers").into());
    }
    let mut provider: CryptoProvider = provider::default_provider();
    if let Some(list) = &settings.ciphers {
        provider.cipher_suites = ciphers::parse(list)?;
    }
    let provider = Arc::new(provider);
    let verifier = Verifier {
        authority: match settings.no_verification {
            true => None,
            false => Some(authority(settings, &provider)?),
        },
        insecure: settings.insecure,
        pins: settings.pins.clone(),
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions(settings)?)
        .map_err(|error| {
            let list = settings.ciphers.as_deref().unwrap_or("the default");
            Error::Tls(format!("ciphers {list}: {error}"))
        })?
        // Ours does all that rustls's own does and then listens to the settings.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut certificate = None;
    let mut config = match client_certificate(settings, &provider, password)? {
        Some((key, description)) => {
            certificate = Some(description);
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = settings
        .alpn
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    if let Some(file) = &settings.key_log_file {
        let log = KeyLogFile::open(file);
        let log = log.map_err(|error| Error::Tls(format!("key log file {file}: {error}")))?;
        config.key_log = Arc::new(log);
    }
    Ok(TlsConfiguration {
        rustls: Arc::new(config),
        certificate,
    })
}

fn versions(settings: &TlsSettings) -> Result<&'static [&'static SupportedProtocolVersion]> {
    static TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    match settings.version.as_deref() {
        // The least one: programs set "tlsv1.2" and talk to servers that have TLS 1.3 alone.
        None | Some("tlsv1.1" | "tlsv1.2") => Ok(rustls::ALL_VERSIONS),
        Some("tlsv1.3") => Ok(TLS13),
        Some(other) => Err(Error::Tls(format!("protocol {other} is not supported"))),
    }
}

/// The client's chain and key, and what to call it.
fn client_certificate(
    settings: &TlsSettings,
    provider: &CryptoProvider,
    password: KeyPassword<'_>,
) -> Result<Option<(CertifiedKey, String)>> {
    let files = settings.cert_file.as_ref().zip(settings.key_file.as_ref());
    let (chain, key, place) = match (files, &settings.certificate) {
        (None, None) => return Ok(None),
        (Some((cert_file, key_file)), _) => (
            read(cert_file, "client certificate")?,
            read(key_file, "client key")?,
            format!(" in {cert_file}"),
        ),
        (None, Some((chain, key))) => (
            Input::memory(chain.bytes(), "client certificate"),
            Input::memory(key.bytes(), "client key"),
            String::new(),
        ),
    };
    let certificates = chain.parse(material::certificates)?;
    let subject = certificates.first().and_then(|der| certificate::parse(der));
    let subject = subject.map_or("\"\"".to_owned(), |parsed| reason::subject(&parsed));
    let description = subject + &place;
    let private = key.parse(|data| key::load(data, password))?;
    let private = key.parse(|_| {
        let loaded = provider.key_provider.load_private_key(private.clone_key());
        loaded.map_err(|error| error.to_string())
    })?;
    let certified = CertifiedKey::new(certificates, private);
    // A certificate whose version rustls cannot read is the server's to judge.
    if let Err(rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) =
        certified.keys_match()
    {
        return Err(Error::Tls(format!(
            "client certificate {description}: {} has another key",
            key.what
        )));
    }
    Ok(Some((certified, description)))
}

/// Whom to believe, from all the places named.
fn authority(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Authority> {
    let mut origins = Vec::new();
    let mut all = Vec::new();
    if let Some(file) = &settings.ca_file {
        all.extend(read(file, "CA")?.parse(material::certificates)?);
        origins.push(format!("file {file}"));
    }
    if let Some(folder) = &settings.ca_path {
        match folder_certificates(folder) {
            Ok(certificates) => all.extend(certificates),
            // A folder that is not there is no matter while something else serves.
            Err(error) if settings.ca_file.is_none() && settings.ca.is_none() => return Err(error),
            Err(_) => {}
        }
        origins.push(format!("folder {folder}"));
    }
    if let Some(ca) = &settings.ca {
        all.extend(Input::memory(ca.bytes(), "CA").parse(material::certificates)?);
        origins.push("certificates in memory".to_owned());
    }
    if settings.use_os_certs {
        all.extend(rustls_native_certs::load_native_certs().certs);
        origins.push("the system's certificates".to_owned());
    }
    let origin = match origins.is_empty() {
        true => "nothing".to_owned(),
        false => origins.join(", "),
    };
    let failed = |why| Error::Tls(format!("{why} (trusted: {origin})"));
    Authority::new(all, revocation_lists(settings)?, origin.clone(), provider).map_err(failed)
}

fn revocation_lists(settings: &TlsSettings) -> Result<Vec<CertificateRevocationListDer<'static>>> {
    let mut all = Vec::new();
    if let Some(file) = &settings.crl_file {
        all.extend(read(file, "revocation list")?.parse(material::revocation_lists)?);
    }
    if let Some(crl) = &settings.crl {
        let input = Input::memory(crl.bytes(), "revocation list");
        all.extend(input.parse(material::revocation_lists)?);
    }
    Ok(all)
}

/// The certificates of a folder: those OpenSSL finds there have names like `12ab34cd.0`, and
/// here any name does.
fn folder_certificates(folder: &str) -> Result<Vec<CertificateDer<'static>>> {
    let entries =
        fs::read_dir(folder).map_err(|error| Error::Tls(format!("CA folder {folder}: {error}")))?;
    let mut all = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        // Keys, lists and folders may lie there too; a pipe would keep us waiting.
        if !path.is_file() {
            continue;
        }
        let Ok(data) = fs::read(&path) else { continue };
        all.extend(material::certificates(&data).into_iter().flatten());
    }
    // The same certificate lies there under its own name and, linked, under its hash.
    all.sort_by(|one: &CertificateDer<'_>, other| one.as_ref().cmp(other.as_ref()));
    all.dedup();
    Ok(all)
}

/// Bytes to parse, and what to call them when that fails.
struct Input {
    what: String,
    data: Vec<u8>,
}

impl Input {
    fn memory(data: &[u8], what: &str) -> Self {
        Input {
            what: format!("{what} in memory"),
            data: data.to_vec(),
        }
    }

    fn parse<T>(&self, parse: impl FnOnce(&[u8]) -> material::Outcome<T>) -> Result<T> {
        parse(&self.data).map_err(|why| Error::Tls(format!("{}: {why}", self.what)))
    }
}

fn read(file: &str, what: &str) -> Result<Input> {
    let what = format!("{what} file {file}");
    match fs::read(file) {
        Ok(data) => Ok(Input { what, data }),
        Err(error) => Err(Error::Tls(format!("{what}: {error}"))),
    }
}
