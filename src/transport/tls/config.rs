//! From settings to what rustls needs. A configuration is read and parsed once, and
//! shared by all clients with the same settings.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use once_cell::sync::Lazy;
use rustls::crypto::{ring, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::CertificateDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, SupportedProtocolVersion};

use super::super::TlsSettings;
pub use super::key::KeyPassword;
use super::verify::Verifier;
use super::{ciphers, key};
use crate::error::{CallerError, Error, Result};

/// Settings, and what the files they name were when they were read.
type CacheKey = (TlsSettings, Vec<Option<(SystemTime, u64)>>);

static CACHE: Lazy<Mutex<HashMap<CacheKey, Weak<ClientConfig>>>> = Lazy::new(Mutex::default);

/// The configuration for these settings. Nothing wrong with them ever leads to a
/// configuration that checks less.
pub fn client_config(
    settings: &TlsSettings,
    password: KeyPassword<'_>,
) -> Result<Arc<ClientConfig>> {
    let stamp = |file: &Option<String>| {
        let meta = fs::metadata(file.as_ref()?).ok()?;
        Some((meta.modified().ok()?, meta.len()))
    };
    let files = [
        &settings.ca_file,
        &settings.ca_path,
        &settings.cert_file,
        &settings.key_file,
    ];
    let cache_key = (settings.clone(), files.map(stamp).to_vec());
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

fn build(settings: &TlsSettings, password: KeyPassword<'_>) -> Result<ClientConfig> {
    if settings.ocsp_required {
        return Err(CallerError::NotSupported("required OCSP answers").into());
    }
    let mut provider: CryptoProvider = ring::default_provider();
    if let Some(list) = &settings.ciphers {
        provider.cipher_suites = ciphers::parse(list)?;
    }
    let provider = Arc::new(provider);
    let key_provider = provider.key_provider;
    let verifier = match settings.no_verification {
        true => Verifier::accepting_all(&provider),
        false => Verifier::new(trusted(settings)?, settings.insecure, &provider)?,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions(settings)?)
        .map_err(|error| Error::Tls(error.to_string()))?
        // Ours does all that rustls's own does and then listens to the settings.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match (&settings.cert_file, &settings.key_file) {
        (Some(cert_file), Some(key_file)) => {
            let chain = certificates(cert_file)?;
            let key = key::load(key_file, password)?;
            let failed = |error| Error::Tls(format!("client key file {key_file}: {error}"));
            let key = key_provider.load_private_key(key).map_err(failed)?;
            let certified = CertifiedKey::new(chain, key);
            // A certificate whose version rustls cannot read is the server's to judge.
            if let Err(error @ rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) =
                certified.keys_match()
            {
                let what = format!("client certificate {cert_file} with {key_file}: {error}");
                return Err(Error::Tls(what));
            }
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
        }
        _ => builder.with_no_client_auth(),
    };
    if let Some(alpn) = &settings.alpn {
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
    }
    Ok(config)
}

fn versions(settings: &TlsSettings) -> Result<&'static [&'static SupportedProtocolVersion]> {
    static TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
    static TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];
    match settings.version.as_deref() {
        None => Ok(rustls::ALL_VERSIONS),
        Some("tlsv1.3") => Ok(TLS13),
        Some("tlsv1.2") => Ok(TLS12),
        Some(other) => Err(Error::Tls(format!("protocol {other} is not supported"))),
    }
}

/// The certificates to trust, from all the places named.
fn trusted(settings: &TlsSettings) -> Result<Vec<CertificateDer<'static>>> {
    let mut all = Vec::new();
    if let Some(file) = &settings.ca_file {
        all.extend(certificates(file)?);
    }
    if let Some(folder) = &settings.ca_path {
        match folder_certificates(folder) {
            Ok(certificates) => all.extend(certificates),
            // A folder that is not there is no matter while the file serves.
            Err(error) if settings.ca_file.is_none() => return Err(error),
            Err(_) => {}
        }
    }
    if settings.use_os_certs {
        all.extend(rustls_native_certs::load_native_certs().certs);
    }
    if all.is_empty() {
        return Err(Error::Tls("no trusted certificates".to_owned()));
    }
    Ok(all)
}

fn folder_certificates(folder: &str) -> Result<Vec<CertificateDer<'static>>> {
    let entries =
        fs::read_dir(folder).map_err(|error| Error::Tls(format!("CA folder {folder}: {error}")))?;
    let mut all = Vec::new();
    for entry in entries.flatten() {
        // Other files than certificates may lie there.
        if let Ok(certificates) = read_certificates(&entry.path()) {
            all.extend(certificates);
        }
    }
    Ok(all)
}

/// The certificates in a PEM file, at least one.
fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>> {
    let failed = |what: String| Error::Tls(format!("certificate file {file}: {what}"));
    let all = read_certificates(Path::new(file)).map_err(failed)?;
    if all.is_empty() {
        return Err(failed("no certificate in it".to_owned()));
    }
    Ok(all)
}

fn read_certificates(path: &Path) -> std::result::Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_file_iter(path)
        .map_err(|error| error.to_string())?
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| error.to_string())
}

/// Trust anchors from certificates; one that cannot be an anchor is left out, as long as
/// another can.
pub(super) fn anchors(certificates: &[CertificateDer<'static>]) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates.iter().cloned());
    if added == 0 {
        return Err(Error::Tls(
            "none of the trusted certificates can be read".to_owned(),
        ));
    }
    Ok(store)
}
