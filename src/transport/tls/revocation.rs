//! Revocation lists, for the certificates that webpki does not judge.

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateRevocationListDer, UnixTime};
use rustls::CertificateError;

use super::certificate::{check_signature, parse_list, seconds, Parsed, ParsedList};

#[derive(Debug)]
pub(super) struct RevocationList {
    der: CertificateRevocationListDer<'static>,
    pub(super) parsed: ParsedList,
}

impl RevocationList {
    pub(super) fn new(der: &CertificateRevocationListDer<'static>) -> Option<Self> {
        Some(RevocationList {
            parsed: parse_list(der)?,
            der: der.clone(),
        })
    }

    /// Whether it is the issuer of this certificate that made the list.
    pub(super) fn is_about(&self, certificate: &Parsed) -> bool {
        self.parsed.tbs_cert_list.issuer == *certificate.tbs_certificate().issuer()
    }

    pub(super) fn names(&self, certificate: &Parsed) -> bool {
        let serial = certificate.tbs_certificate().serial_number();
        let revoked = self.parsed.tbs_cert_list.revoked_certificates.iter();
        self.is_about(certificate)
            && revoked
                .flatten()
                .any(|entry| entry.serial_number == *serial)
    }

    fn is_expired(&self, now: UnixTime) -> bool {
        let until = self.parsed.tbs_cert_list.next_update;
        until.is_none_or(|until| seconds(until) < now.as_secs())
    }
}

/// Whether a certificate of `issuer`'s is not revoked. Where there are lists at all, one has
/// to be about it.
pub(super) fn check(
    certificate: &Parsed,
    issuer: &Parsed,
    lists: &[RevocationList],
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), CertificateError> {
    let key = issuer.tbs_certificate().subject_public_key_info();
    let mut known = lists.is_empty();
    for list in lists.iter().filter(|list| list.is_about(certificate)) {
        check_signature(&list.der, key, algorithms)?;
        if list.names(certificate) {
            return Err(CertificateError::Revoked);
        }
        if list.is_expired(now) {
            return Err(CertificateError::ExpiredRevocationList);
        }
        // One that is for some certificates only says so in a critical extension.
        let extensions = list.parsed.tbs_cert_list.crl_extensions.iter();
        known |= !extensions.flatten().any(|extension| extension.critical);
    }
    match known {
        true => Ok(()),
        false => Err(CertificateError::UnknownRevocationStatus),
    }
}
