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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{IsCa, SerialNumber};
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::CertificateDer;

    use super::super::certificate::{is_version_1, parse};
    use super::super::config::TlsConfiguration;
    use super::super::provider;
    use super::super::testing::*;
    use super::super::verify::Verifier;
    use super::*;

    fn server_of(ca: &Ca) -> Pair {
        let mut params = params("localhost", &[]);
        params.serial_number = Some(SerialNumber::from(7u64));
        let pair = Pair::new(&params, ca).in_version_1(ca.key());
        assert!(is_version_1(&parse(&pair.der).unwrap()));
        pair
    }

    fn verdict(verifier: &Verifier, der: &CertificateDer<'static>, host: &str) -> String {
        match judge(verifier, &[der], host) {
            Ok(()) => "good".to_owned(),
            Err((_, text)) => text,
        }
    }

    #[test]
    fn a_certificate_of_a_trusted_issuer_is_good_for_its_common_name() {
        let ca = ca("CA");
        let pair = server_of(&ca);
        let mut verifier = verifier(&[ca.der()], &[]);
        assert_eq!(verdict(&verifier, &pair.der, "localhost"), "good");
        assert_eq!(
            verdict(&verifier, &pair.der, "broker.test"),
            "server certificate \"CN=localhost\": name \"broker.test\" is not among \
             \"localhost\" (common name)"
        );
        verifier.insecure = true;
        assert_eq!(verdict(&verifier, &pair.der, "broker.test"), "good");
    }

    #[test]
    fn another_issuer_is_unknown_and_one_of_the_same_name_has_not_signed() {
        let (ca, other, namesake) = (ca("CA"), ca("Other CA"), ca("CA"));
        let pair = server_of(&ca);
        let by_other = verifier(&[other.der()], &[]);
        assert!(verdict(&by_other, &pair.der, "localhost").contains("unknown issuer \"CN=CA\""));
        let by_namesake = verifier(&[namesake.der()], &[]);
        let text = verdict(&by_namesake, &pair.der, "localhost");
        assert!(
            text.contains("signature is not that of \"CN=CA\""),
            "{text}"
        );
        // Nor does it help to show the issuer.
        let shown = judge(&by_other, &[&pair.der, ca.der()], "localhost");
        assert!(shown.is_err());
    }

    #[test]
    fn a_byte_changed_anywhere_is_refused() {
        let ca = ca("CA");
        let pair = server_of(&ca);
        let verifier = verifier(&[ca.der()], &[]);
        for place in 0..pair.der.len() {
            let mut bytes = pair.der.to_vec();
            bytes[place] ^= 1;
            let changed = CertificateDer::from(bytes);
            let verdict = judge(&verifier, &[&changed], "localhost");
            assert!(verdict.is_err(), "byte {place}");
        }
    }

    #[test]
    fn an_issuer_that_may_not_issue_certificates_does_not() {
        let root = ca("Root");
        for is_ca in [IsCa::ExplicitNoCa, IsCa::NoCa] {
            let mut no_ca = params("Not a CA", &[]);
            no_ca.is_ca = is_ca;
            let key = rcgen::KeyPair::generate().unwrap();
            let no_ca = Ca::signed_by(no_ca, key, &root).unwrap();
            let pair = server_of(&no_ca);
            let verifier = verifier(&[root.der(), no_ca.der()], &[]);
            let text = verdict(&verifier, &pair.der, "localhost");
            assert!(text.contains("unknown issuer"), "{text}");
        }
    }

    #[test]
    fn dates_of_the_certificate_and_of_its_issuer_count() {
        let good = ca("CA");
        let mut late = params("localhost", &[]);
        late.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let late = Pair::new(&late, &good).in_version_1(good.key());
        let text = verdict(&verifier(&[good.der()], &[]), &late.der, "localhost");
        assert!(text.contains("expired on 2020-01-01"), "{text}");
        let mut old = ca_params("Old CA");
        old.not_after = rcgen::date_time_ymd(2010, 1, 1);
        let old = Ca::self_signed(old, rcgen::KeyPair::generate().unwrap()).unwrap();
        let pair = server_of(&old);
        let text = verdict(&verifier(&[old.der()], &[]), &pair.der, "localhost");
        assert!(
            text.contains("\"CN=Old CA\": expired on 2010-01-01"),
            "{text}"
        );
    }

    #[test]
    fn revocation_lists_count() {
        let (ca, namesake) = (ca("CA"), ca("CA"));
        let pair = server_of(&ca);
        let with = |lists: &[_]| verdict(&verifier(&[ca.der()], lists), &pair.der, "localhost");
        assert_eq!(with(&[revocation_list(&ca, &[8], 2100)]), "good");
        assert!(with(&[revocation_list(&ca, &[7], 2100)]).contains("revoked"));
        assert!(with(&[revocation_list(&ca, &[], 2020)]).contains("expired on 2020"));
        assert!(with(&[revocation_list(&namesake, &[], 2100)]).contains("signature"));
    }

    #[test]
    fn one_that_issued_itself_is_good_where_it_is_trusted_itself() {
        let ca = ca("localhost");
        let itself = version_1(ca.der(), ca.key());
        let by_itself = verifier(&[&itself], &[]);
        assert_eq!(verdict(&by_itself, &itself, "localhost"), "good");
        assert_ne!(verdict(&by_itself, &itself, "broker.test"), "good");
        // As OpenSSL has it, it may issue others, of any version.
        let pair = server_of(&ca);
        assert_eq!(verdict(&by_itself, &pair.der, "localhost"), "good");
        assert!(verdict(
            &verifier(&[self::ca("CA").der()], &[]),
            &itself,
            "localhost"
        )
        .contains("self-signed"));
    }

    /// A client that trusts `ca`.
    fn client(ca: &Ca) -> super::super::TlsConfig {
        let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier(&[ca.der()], &[]));
        let provider = Arc::new(provider::default_provider());
        let rustls = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::ALL_VERSIONS)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Arc::new(TlsConfiguration {
            rustls: Arc::new(rustls),
            certificate: None,
        })
    }

    #[test]
    fn handshakes_are_signed_with_the_certificates_key_in_both_versions_of_tls() {
        let ca = ca("CA");
        let pair = server_of(&ca);
        let impostor = Pair {
            der: pair.der.clone(),
            key: rcgen::KeyPair::generate().unwrap(),
        };
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let server_config = server(&pair, &[version]);
            Talk::new(&client(&ca), &server_config, "localhost")
                .shake_hands()
                .unwrap();
            let server_config = server(&impostor, &[version]);
            let error = Talk::new(&client(&ca), &server_config, "localhost")
                .shake_hands()
                .unwrap_err();
            assert_eq!(
                error,
                Error::InvalidCertificate(CertificateError::BadSignature)
            );
        }
    }
}
