//! What a program can set about TLS.

/// TLS settings of one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct TlsSettings {
    /// Whether connections use TLS.
    pub enabled: bool,
    /// File with trusted certificates, PEM.
    pub ca_file: Option<String>,
    /// Folder with trusted certificates.
    pub ca_path: Option<String>,
    /// The client's certificate chain, PEM.
    pub cert_file: Option<String>,
    /// The client's private key, PEM.
    pub key_file: Option<String>,
    /// Trust the operating system's certificates.
    pub use_os_certs: bool,
    /// Do not check the certificate chain: accepts anything.
    pub no_verification: bool,
    /// Do not compare the host name with the certificate.
    pub insecure: bool,
    /// `tlsv1.2` or `tlsv1.3`; both when not set.
    pub version: Option<String>,
    /// Cipher list as the program wrote it.
    pub ciphers: Option<String>,
    /// Application protocol to offer.
    pub alpn: Option<String>,
    /// Whether a stapled OCSP answer is required.
    pub ocsp_required: bool,
}
