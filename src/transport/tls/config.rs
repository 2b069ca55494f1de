//! From settings to what rustls needs. A configuration is read and parsed once, and
//! shared by all clients with the same settings; so are its TLS sessions, which a client
//! resumes when it connects again.

use std::collections::{BinaryHeap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
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

type Cache = HashMap<CacheKey, Weak<TlsConfiguration>>;

static CACHE: Lazy<Mutex<Cache>> = Lazy::new(Mutex::default);

/// The configurations that clients share, while nobody else may look one up.
pub type Configurations = MutexGuard<'static, Cache>;

/// Keeps the configurations for this thread.
pub fn hold_configurations() -> Configurations {
    CACHE.lock().unwrap_or_else(PoisonError::into_inner)
}

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
        let inside: BinaryHeap<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.append(&mut inside.into_sorted_vec());
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
    let mut seen = HashSet::new();
    all.retain(|certificate: &CertificateDer<'_>| seen.insert(certificate.to_vec()));
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

#[cfg(test)]
mod tests {
    use std::fs::FileTimes;
    use std::time::Duration;

    use rustls::HandshakeKind;

    use super::super::testing::*;
    use super::*;

    const NO_PASSWORD: KeyPassword<'_> = &|| None;

    /// A folder that goes away.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Folder {
            let name = format!("mqttrs-tls-config-{test}-{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir(&folder).unwrap();
            Folder(folder)
        }

        fn path(&self, name: &str) -> String {
            self.0.join(name).to_str().unwrap().to_owned()
        }

        fn write(&self, name: &str, content: &str) -> String {
            fs::write(self.0.join(name), content).unwrap();
            self.path(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn with_ca(file: &str) -> TlsSettings {
        TlsSettings {
            enabled: true,
            ca_file: Some(file.to_owned()),
            ..TlsSettings::default()
        }
    }

    fn failure(settings: &TlsSettings) -> String {
        client_config(settings, NO_PASSWORD)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn clients_with_the_same_settings_share_a_configuration() {
        let folder = Folder::new("shared");
        let settings = with_ca(&folder.write("ca.crt", &ca("CA").pem()));
        let one = client_config(&settings, NO_PASSWORD).unwrap();
        let same = client_config(&settings.clone(), NO_PASSWORD).unwrap();
        assert!(Arc::ptr_eq(&one, &same));
        let mut others = settings.clone();
        others.insecure = true;
        let other = client_config(&others, NO_PASSWORD).unwrap();
        assert!(!Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn a_file_or_folder_that_changed_is_read_again() {
        let folder = Folder::new("changed");
        let (old, new) = (ca("Old"), ca("New"));
        let file = folder.write("ca.crt", &old.pem());
        let settings = with_ca(&file);
        let inside = TlsSettings {
            ca_file: None,
            ca_path: Some(folder.path("")),
            ..settings.clone()
        };
        let trusts = |settings: &TlsSettings, ca: &Ca| {
            let config = client_config(settings, NO_PASSWORD).unwrap();
            let server = server(&Pair::for_host("localhost", ca), rustls::ALL_VERSIONS);
            Talk::new(&config, &server, "localhost")
                .shake_hands()
                .is_ok()
        };
        // Alive, so that they could be found again.
        let _kept = [&settings, &inside].map(|one| client_config(one, NO_PASSWORD).unwrap());
        assert!(trusts(&settings, &old) && trusts(&inside, &old));
        folder.write("ca.crt", &new.pem());
        let changed = SystemTime::now() + Duration::from_secs(10);
        let times = FileTimes::new().set_modified(changed);
        fs::File::options()
            .append(true)
            .open(&file)
            .unwrap()
            .set_times(times)
            .unwrap();
        assert!(trusts(&settings, &new) && trusts(&inside, &new));
        assert!(!trusts(&settings, &old) && !trusts(&inside, &old));
    }

    #[test]
    fn a_second_connection_resumes_the_session_of_the_first() {
        let folder = Folder::new("resumed");
        let ca = ca("CA");
        let mut settings = with_ca(&folder.write("ca.crt", &ca.pem()));
        let pair = Pair::for_host("localhost", &ca);
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let server = server(&pair, &[version]);
            // Sessions are the configuration's, so a fresh one for each version.
            settings.alpn = vec![format!("{:?}", version.version), "mqtt".to_owned()];
            let first = client_config(&settings, NO_PASSWORD).unwrap();
            let talk = || {
                let config = client_config(&settings, NO_PASSWORD).unwrap();
                Talk::new(&config, &server, "localhost").shake_hands()
            };
            assert_eq!(talk(), Ok(HandshakeKind::Full));
            assert_eq!(talk(), Ok(HandshakeKind::Resumed));
            drop(first);
            assert_eq!(talk(), Ok(HandshakeKind::Full));
        }
    }

    #[test]
    fn what_was_refused_is_told_by_every_attempt_to_connect() {
        let mut settings = TlsSettings::default();
        settings.set_pins(Some("sha1//")).unwrap_err();
        let why = failure(&settings);
        assert!(
            why.starts_with("TLS: TLS was asked for, and its settings were refused"),
            "{why}"
        );
        settings.set_pins(None).unwrap();
        assert_eq!(
            failure(&settings),
            "TLS: no trusted certificates (trusted: nothing)"
        );
    }

    #[test]
    fn a_folder_need_not_exist_while_a_file_serves() {
        let folder = Folder::new("folder");
        let mut settings = with_ca(&folder.write("ca.crt", &ca("CA").pem()));
        settings.ca_path = Some(folder.path("missing"));
        client_config(&settings, NO_PASSWORD).unwrap();
        settings.ca_file = None;
        assert!(failure(&settings).contains("missing: No such file"));
        settings.ca_path = Some(folder.path(""));
        client_config(&settings, NO_PASSWORD).unwrap();
    }

    #[test]
    fn a_folder_that_openssl_hashed_has_other_files_and_links_too() {
        let folder = Folder::new("hashed");
        let ca = ca("CA");
        folder.write("mine.pem", &ca.pem());
        folder.write("README", "no certificate");
        fs::create_dir(folder.path("sub")).unwrap();
        std::os::unix::fs::symlink("mine.pem", folder.path("12ab34cd.0")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path("12ab34cd.1")).unwrap();
        let settings = TlsSettings {
            enabled: true,
            ca_path: Some(folder.path("")),
            ..TlsSettings::default()
        };
        let config = client_config(&settings, NO_PASSWORD).unwrap();
        let server = server(&Pair::for_host("localhost", &ca), rustls::ALL_VERSIONS);
        Talk::new(&config, &server, "localhost")
            .shake_hands()
            .unwrap();
    }

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let folder = Folder::new("named");
        let empty = folder.write("empty.crt", "");
        assert_eq!(
            failure(&with_ca(&empty)),
            format!("TLS: CA file {empty}: no certificate in it")
        );
        let broken = folder.write("broken.crt", &ca("CA").pem().replace("MII", "M!!"));
        assert!(failure(&with_ca(&broken)).starts_with(&format!("TLS: CA file {broken}: ")));
        let mut settings = with_ca(&folder.write("ca.crt", &ca("CA").pem()));
        settings.crl_file = Some(empty.clone());
        assert_eq!(
            failure(&settings),
            format!("TLS: revocation list file {empty}: no revocation list in it")
        );
    }

    #[test]
    fn a_certificate_with_another_key_is_an_error() {
        let ca = ca("CA");
        let (one, other) = (Pair::for_host("one", &ca), Pair::for_host("other", &ca));
        let mut settings = TlsSettings::default();
        settings.set_ca(Some(ca.der())).unwrap();
        settings
            .set_certificate(Some((&one.der, &other.key.serialize_der())))
            .unwrap();
        assert_eq!(
            failure(&settings),
            "TLS: client certificate \"CN=one\": client key in memory has another key"
        );
        settings
            .set_certificate(Some((&one.der, &one.key.serialize_der())))
            .unwrap();
        let config = client_config(&settings, NO_PASSWORD).unwrap();
        assert_eq!(config.certificate.as_deref(), Some("\"CN=one\""));
    }

    #[test]
    fn several_application_protocols_are_offered_and_one_is_agreed_on() {
        let ca = ca("CA");
        let mut settings = TlsSettings::default();
        settings.set_ca(Some(ca.pem().as_bytes())).unwrap();
        settings
            .set_alpn(vec!["x-amzn-mqtt-ca".to_owned(), "mqtt".to_owned()])
            .unwrap();
        let config = client_config(&settings, NO_PASSWORD).unwrap();
        let server = server(&Pair::for_host("localhost", &ca), rustls::ALL_VERSIONS);
        let mut talk = Talk::new(&config, &server, "localhost");
        talk.shake_hands().unwrap();
        assert_eq!(talk.client.alpn_protocol(), Some(&b"mqtt"[..]));
    }

    #[cfg(feature = "aws-lc-rs")]
    #[test]
    fn the_key_exchange_withstands_quantum_computers() {
        let ca = ca("CA");
        let mut settings = TlsSettings::default();
        settings.set_ca(Some(ca.der())).unwrap();
        let config = client_config(&settings, NO_PASSWORD).unwrap();
        let server = server(&Pair::for_host("localhost", &ca), rustls::ALL_VERSIONS);
        let mut talk = Talk::new(&config, &server, "localhost");
        talk.shake_hands().unwrap();
        let group = talk.client.negotiated_key_exchange_group().unwrap();
        assert_eq!(group.name(), rustls::NamedGroup::X25519MLKEM768);
    }

    #[test]
    fn secrets_are_logged_where_the_program_asks_for_it() {
        let folder = Folder::new("key-log");
        let ca = ca("CA");
        let pair = Pair::for_host("localhost", &ca);
        let log = folder.path("keys.log");
        let mut settings = TlsSettings::default();
        settings.set_ca(Some(ca.der())).unwrap();
        settings
            .set_key_log_file(super::super::super::appendable(Some(log.clone())))
            .unwrap();
        let config = client_config(&settings, NO_PASSWORD).unwrap();
        for (version, label) in [
            (&rustls::version::TLS12, "CLIENT_RANDOM "),
            (&rustls::version::TLS13, "CLIENT_TRAFFIC_SECRET_0 "),
        ] {
            let server = server(&pair, &[version]);
            Talk::new(&config, &server, "localhost")
                .shake_hands()
                .unwrap();
            let logged = fs::read_to_string(&log).unwrap();
            let line = logged.lines().find(|line| line.starts_with(label)).unwrap();
            let fields: Vec<&str> = line.split(' ').collect();
            assert_eq!((fields.len(), fields[1].len()), (3, 64));
            assert!(line.is_ascii() && fields[2].len() >= 64);
        }
        // Writing to it does not make it another configuration.
        assert!(Arc::ptr_eq(
            &config,
            &client_config(&settings, NO_PASSWORD).unwrap()
        ));
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&log).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }

    #[test]
    fn required_ocsp_answers_are_not_supported() {
        let mut settings = TlsSettings::default();
        settings.set_ca(Some(ca("CA").der())).unwrap();
        settings.ocsp_required = true;
        let error = client_config(&settings, NO_PASSWORD).unwrap_err();
        assert!(matches!(error, Error::Caller(CallerError::NotSupported(_))));
    }
}
