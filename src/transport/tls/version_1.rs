//! Server certificates of X.509 version 1, which `openssl x509 -req` made for decades, and
//! which webpki does not read. They have no extensions, and so nothing to say but a common
//! name, a key and dates; what can be checked is checked as for others. None of them can stand
//! between the server's and a trusted certificate: the issuer must be trusted itself.

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{verify_tls13_signature_with_raw_key, WebPkiSupportedAlgorithms};
use rustls::pki_types::{SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, PeerMisbehaved};
use x509_cert::der::Encode;

use super::certificate::{check_dates, check_signature, identifier, may_issue, Parsed};
use super::revocation::{self, RevocationList};

/// Whether one of `trusted` issued this certificate, which is valid and not revoked.
pub(super) fn check_issuer<'a>(
    der: &[u8],
    certificate: &Parsed,
    trusted: impl Iterator<Item = &'a Parsed>,
    lists: &[RevocationList],
    now: UnixTime,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), CertificateError> {
    let wanted = certificate.tbs_certificate().issuer();
    // The verdict of whichever issuer came furthest.
    let mut verdict = CertificateError::UnknownIssuer;
    for issuer in trusted {
        let body = issuer.tbs_certificate();
        if body.subject() != wanted || wanted.is_empty() || !may_issue(issuer) {
            continue;
        }
        let key = body.subject_public_key_info();
        match check_signature(der, key, algorithms) {
            Ok(()) => {
                check_dates(certificate, now)?;
                check_dates(issuer, now)?;
                return revocation::check(certificate, issuer, lists, now, algorithms);
            }
            Err(error) => verdict = error,
        }
    }
    Err(verdict)
}

/// The signature of a TLS 1.3 handshake.
pub(super) fn verify_tls13(
    message: &[u8],
    certificate: &Parsed,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = certificate.tbs_certificate().subject_public_key_info();
    let key = key.to_der().map_err(|_| CertificateError::BadEncoding)?;
    let key = SubjectPublicKeyInfoDer::from(key.as_slice());
    verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
}

/// The signature of a TLS 1.2 handshake, where one scheme may go with several kinds of keys.
pub(super) fn verify_tls12(
    message: &[u8],
    certificate: &Parsed,
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<HandshakeSignatureValid, Error> {
    let key = certificate.tbs_certificate().subject_public_key_info();
    let (Some(kind), Some(bits)) = (
        identifier(&key.algorithm),
        key.subject_public_key.as_bytes(),
    ) else {
        return Err(CertificateError::BadEncoding.into());
    };
    let mut schemes = algorithms.mapping.iter();
    let Some((_, candidates)) = schemes.find(|(scheme, _)| *scheme == signature.scheme) else {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    };
    let mut fitting = candidates.iter();
    let Some(algorithm) = fitting.find(|one| one.public_key_alg_id().as_ref() == kind) else {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    };
    algorithm
        .verify_signature(bits, message, signature.signature())
        .map(|()| HandshakeSignatureValid::assertion())
        .map_err(|_| CertificateError::BadSignature.into())
}
