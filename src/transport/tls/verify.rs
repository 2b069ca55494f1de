//! Checking the server's certificate: what rustls does, and then what deployed systems
//! need beyond it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::Certificate;

use super::config::anchors;

#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` accepts any certificate.
    webpki: Option<Arc<WebPkiServerVerifier>>,
    /// What was named as trusted, for servers that show just that.
    trusted: Vec<CertificateDer<'static>>,
    /// The name is not compared.
    insecure: bool,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// Checks chains up to one of `trusted`, and names unless `insecure`.
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        insecure: bool,
        provider: &Arc<CryptoProvider>,
    ) -> crate::error::Result<Self> {
        let webpki = WebPkiServerVerifier::builder_with_provider(
            Arc::new(anchors(&trusted)?),
            Arc::clone(provider),
        )
        .build()
        .map_err(|error| crate::error::Error::Tls(error.to_string()))?;
        Ok(Verifier {
            webpki: Some(webpki),
            trusted,
            insecure,
            provider: Arc::clone(provider),
        })
    }

    /// Accepts any certificate.
    pub(super) fn accepting_all(provider: &Arc<CryptoProvider>) -> Self {
        Verifier {
            webpki: None,
            trusted: Vec::new(),
            insecure: true,
            provider: Arc::clone(provider),
        }
    }

    /// A certificate that is itself among the trusted ones needs no chain, only to be
    /// valid now and for this name.
    fn verify_trusted_itself(
        &self,
        certificate: &CertificateDer<'_>,
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = parse(certificate)?;
        let validity = parsed.tbs_certificate().validity();
        let at = now.as_secs();
        if at < validity.not_before.to_unix_duration().as_secs() {
            return Err(CertificateError::NotValidYet.into());
        }
        if at > validity.not_after.to_unix_duration().as_secs() {
            return Err(CertificateError::Expired.into());
        }
        if self.insecure {
            return Ok(());
        }
        let parsed_for_webpki = rustls::server::ParsedCertificate::try_from(certificate)?;
        match rustls::client::verify_server_name(&parsed_for_webpki, name) {
            Err(error) if is_name_mismatch(&error) && common_name_fits(certificate, name) => Ok(()),
            outcome => outcome,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(webpki) = &self.webpki else {
            return Ok(ServerCertVerified::assertion());
        };
        if self.trusted.iter().any(|trusted| trusted == end_entity) {
            return self
                .verify_trusted_itself(end_entity, server_name, now)
                .map(|()| ServerCertVerified::assertion());
        }
        match webpki.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        {
            // rustls compares the name last: the chain is good.
            Err(error)
                if is_name_mismatch(&error)
                    && (self.insecure || common_name_fits(end_entity, server_name)) =>
            {
                Ok(ServerCertVerified::assertion())
            }
            outcome => outcome,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

fn is_name_mismatch(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

fn parse(certificate: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding.into())
}

/// Home-made certificates often carry only a common name. Where, and only where, there is
/// no subject alternative name at all, the common name is compared instead.
fn common_name_fits(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> bool {
    let Ok(parsed) = parse(certificate) else {
        return false;
    };
    let body = parsed.tbs_certificate();
    // An extension that cannot be read counts as one that is there.
    if !matches!(body.get_extension::<SubjectAltName>(), Ok(None)) {
        return false;
    }
    let common_names = body.subject().common_name();
    let wanted = name.to_str();
    matches!(common_names, Ok(Some(common)) if fits(&common.value(), &wanted))
}

/// Whether a name pattern of a certificate stands for `name`: equal but for case, or a `*`
/// for the first label.
fn fits(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    let (Some(rest), Some((first, name_rest))) = (pattern.strip_prefix("*."), name.split_once('.'))
    else {
        return false;
    };
    !first.is_empty() && rest.contains('.') && rest.eq_ignore_ascii_case(name_rest)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_one_label_below_a_domain() {
        assert!(fits("Broker.Example.org", "broker.example.org"));
        assert!(fits("*.example.org", "broker.example.org"));
        assert!(!fits("*.example.org", "a.b.example.org"));
        assert!(!fits("*.org", "example.org"));
        assert!(!fits("*", "example"));
    }
}
