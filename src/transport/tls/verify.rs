//! Checking the server's certificate: what rustls does, and then what deployed systems
//! need beyond it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{
    verify_tls12_signature, verify_tls13_signature, CryptoProvider, WebPkiSupportedAlgorithms,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::Encode;
use x509_cert::ext::pkix::ExtendedKeyUsage;

use super::certificate::{check_dates, common_name_fits, is_version_1, may_issue, parse, Parsed};
use super::revocation::{self, RevocationList};
use super::{provider, reason, version_1};

#[derive(Debug)]
pub(super) struct Verifier {
    /// `None` accepts any certificate, if its key is right.
    pub(super) authority: Option<Authority>,
    /// The name is not compared.
    pub(super) insecure: bool,
    /// SHA-256 of the keys a server may have; empty for any.
    pub(super) pins: Vec<[u8; 32]>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

/// Whom to believe.
#[derive(Debug)]
pub(super) struct Authority {
    /// webpki's judgement of chains; a chain has to stand before all of them. None where
    /// nobody trusted may issue certificates.
    chains: Vec<Arc<WebPkiServerVerifier>>,
    /// What was named as trusted, also servers that show just that.
    pub(super) trusted: Vec<Trusted>,
    pub(super) lists: Vec<RevocationList>,
    /// Where the trusted certificates came from, for error messages.
    pub(super) origin: String,
}

#[derive(Debug)]
pub(super) struct Trusted {
    der: CertificateDer<'static>,
    pub(super) parsed: Parsed,
}

impl Authority {
    /// Believes what `trusted` say, but for what `lists` revoke.
    pub(super) fn new(
        trusted: Vec<CertificateDer<'static>>,
        lists: Vec<CertificateRevocationListDer<'static>>,
        origin: String,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, String> {
        // Some bundles have one that nobody can read among many good ones.
        let trusted: Vec<Trusted> = trusted
            .into_iter()
            .filter_map(|der| parse(&der).map(|parsed| Trusted { der, parsed }))
            .collect();
        if trusted.is_empty() {
            return Err("no trusted certificates".to_owned());
        }
        let parsed_lists: Option<Vec<_>> = lists.iter().map(RevocationList::new).collect();
        Ok(Authority {
            chains: chains(&trusted, &lists, provider)?,
            trusted,
            lists: parsed_lists.ok_or("a revocation list cannot be read")?,
            origin,
        })
    }

    /// Whether one of the trusted certificates stands for this one; the name was not
    /// compared, or was if the error says so.
    fn check(
        &self,
        parsed: &Parsed,
        shown: Shown<'_, '_>,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        let now = shown.now;
        if let Some(itself) = self.trusted.iter().find(|one| one.der == *shown.end_entity) {
            self.check_trusted_itself(&itself.parsed, now, algorithms)?;
        } else if is_version_1(parsed) {
            let trusted = self.trusted.iter().map(|one| &one.parsed);
            let der = shown.end_entity;
            version_1::check_issuer(der, parsed, trusted, &self.lists, now, algorithms)?;
        } else {
            return self.check_chain(parsed, shown);
        }
        // webpki compares the names of what it can read.
        match is_version_1(parsed) {
            true => Err(CertificateError::NotValidForName.into()),
            false => rustls::client::verify_server_name(
                &rustls::server::ParsedCertificate::try_from(shown.end_entity)?,
                shown.name,
            ),
        }
    }

    /// A certificate that is itself among the trusted ones needs no chain, only to be valid
    /// now, for a server.
    fn check_trusted_itself(
        &self,
        certificate: &Parsed,
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), Error> {
        check_dates(certificate, now)?;
        let body = certificate.tbs_certificate();
        match body.get_extension::<ExtendedKeyUsage>() {
            Ok(None) => {}
            Ok(Some((_, usage))) if usage.0.iter().any(is_for_servers) => {}
            _ => return Err(CertificateError::InvalidPurpose.into()),
        }
        let mut issuers = self.trusted.iter().map(|one| &one.parsed);
        let issuer = issuers.find(|one| one.tbs_certificate().subject() == body.issuer());
        let revoked = match issuer {
            Some(issuer) => revocation::check(certificate, issuer, &self.lists, now, algorithms),
            None if self.lists.iter().any(|list| list.names(certificate)) => {
                Err(CertificateError::Revoked)
            }
            None => Ok(()),
        };
        match revoked {
            // It is in nobody's list that it is trusted.
            Err(CertificateError::UnknownRevocationStatus) => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    fn check_chain(&self, parsed: &Parsed, shown: Shown<'_, '_>) -> Result<(), Error> {
        if self.chains.is_empty() {
            return Err(CertificateError::UnknownIssuer.into());
        }
        let mut outcome = Ok(());
        for chain in &self.chains {
            let judged = chain.verify_server_cert(
                shown.end_entity,
                shown.intermediates,
                shown.name,
                &[],
                shown.now,
            );
            match judged {
                Ok(_) => {}
                // rustls compares the name last: the chain is good.
                Err(error) if is_name_mismatch(&error) => outcome = Err(error),
                // webpki minds first that it is an authority's.
                Err(Error::InvalidCertificate(CertificateError::Other(_)))
                    if parsed.tbs_certificate().issuer() == parsed.tbs_certificate().subject() =>
                {
                    return Err(CertificateError::UnknownIssuer.into());
                }
                Err(error) => return Err(error),
            }
        }
        self.check_anchor_dates(parsed, shown)?;
        outcome
    }

    /// webpki takes trusted certificates for good as they are; here those that could stand
    /// above this chain must not all be out of date.
    fn check_anchor_dates(&self, parsed: &Parsed, shown: Shown<'_, '_>) -> Result<(), Error> {
        let mut issuers = vec![parsed.tbs_certificate().issuer().clone()];
        for der in shown.intermediates {
            issuers.extend(parse(der).map(|one| one.tbs_certificate().issuer().clone()));
        }
        let mut verdict = Ok(());
        for anchor in self.trusted.iter().map(|one| &one.parsed) {
            if !issuers.contains(anchor.tbs_certificate().subject()) || !may_issue(anchor) {
                continue;
            }
            match check_dates(anchor, shown.now) {
                Ok(()) => return Ok(()),
                Err(error) => verdict = Err(error.into()),
            }
        }
        verdict
    }
}

/// webpki's judges: one for chains, and with revocation lists another, since each
/// certificate a list is about is looked up there, but only the server's own has to be found.
fn chains(
    trusted: &[Trusted],
    lists: &[CertificateRevocationListDer<'static>],
    provider: &Arc<CryptoProvider>,
) -> Result<Vec<Arc<WebPkiServerVerifier>>, String> {
    let mut roots = RootCertStore::empty();
    let issuers = trusted.iter().filter(|one| may_issue(&one.parsed));
    roots.add_parsable_certificates(issuers.map(|one| one.der.clone()));
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let roots = Arc::new(roots);
    let builder = || {
        WebPkiServerVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .with_crls(lists.iter().cloned())
            .enforce_revocation_expiration()
    };
    let mut all = vec![builder().allow_unknown_revocation_status().build()];
    if !lists.is_empty() {
        all.push(builder().only_check_end_entity_revocation().build());
    }
    all.into_iter()
        .map(|chain| chain.map_err(|error| error.to_string()))
        .collect()
}

/// What a server shows, and what it is held against.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a, 'b> {
    pub(super) end_entity: &'a CertificateDer<'b>,
    pub(super) intermediates: &'a [CertificateDer<'b>],
    pub(super) name: &'a ServerName<'b>,
    pub(super) now: UnixTime,
}

impl Verifier {
    fn check(&self, shown: Shown<'_, '_>) -> Result<(), Error> {
        if let Some(authority) = &self.authority {
            let parsed = parse(shown.end_entity).ok_or(CertificateError::BadEncoding)?;
            match authority.check(&parsed, shown, &self.algorithms) {
                Err(error)
                    if is_name_mismatch(&error)
                        && (self.insecure || common_name_fits(&parsed, shown.name)) => {}
                outcome => outcome?,
            }
        }
        self.check_pins(shown.end_entity)
    }

    fn check_pins(&self, end_entity: &CertificateDer<'_>) -> Result<(), Error> {
        if self.pins.is_empty() {
            return Ok(());
        }
        let parsed = parse(end_entity).ok_or(CertificateError::BadEncoding)?;
        let key = parsed.tbs_certificate().subject_public_key_info();
        let key = key.to_der().map_err(|_| CertificateError::BadEncoding)?;
        let digest = provider::sha256(&key);
        match self.pins.iter().any(|pin| pin[..] == digest[..]) {
            true => Ok(()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Shown {
            end_entity,
            intermediates,
            name: server_name,
            now,
        };
        let checked = self.check(shown);
        reason::note(
            checked
                .as_ref()
                .err()
                .map(|error| reason::of_certificate(error, shown, self.authority.as_ref())),
        );
        checked.map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match parse(cert).filter(is_version_1) {
            Some(parsed) => version_1::verify_tls12(message, &parsed, dss, &self.algorithms),
            None => verify_tls12_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match parse(cert).filter(is_version_1) {
            Some(parsed) => version_1::verify_tls13(message, &parsed, dss, &self.algorithms),
            None => verify_tls13_signature(message, cert, dss, &self.algorithms),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// `serverAuth` and `anyExtendedKeyUsage` (RFC 5280 section 4.2.1.12).
fn is_for_servers(usage: &ObjectIdentifier) -> bool {
    const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
    const ANY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
    *usage == SERVER || *usage == ANY
}

fn is_name_mismatch(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        )
    )
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, IsCa, SerialNumber};

    use super::super::testing::*;
    use super::*;

    fn refused(
        verifier: &Verifier,
        chain: &[&CertificateDer<'static>],
        host: &str,
    ) -> (CertificateError, String) {
        match judge(verifier, chain, host) {
            Err((Error::InvalidCertificate(error), text)) => (error, text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_chain_to_a_trusted_certificate_is_good_for_its_names() {
        let ca = ca("CA");
        let pair = Pair::new(&params("server", &["localhost", "127.0.0.1", "::1"]), &ca);
        let verifier = verifier(&[ca.der()], &[]);
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "::1"] {
            judge(&verifier, &[&pair.der], host).unwrap();
        }
        let (error, text) = refused(&verifier, &[&pair.der], "broker.test");
        assert!(matches!(
            error,
            CertificateError::NotValidForNameContext { .. }
        ));
        assert_eq!(
            text,
            "server certificate \"CN=server\": name \"broker.test\" is not among \
             \"localhost\", 127.0.0.1, ::1"
        );
    }

    #[test]
    fn an_unknown_issuer_is_named_with_what_is_trusted() {
        let (trusted, other) = (ca("CA"), ca("Other CA"));
        let pair = Pair::for_host("localhost", &other);
        let verifier = verifier(&[trusted.der()], &[]);
        let (error, text) = refused(&verifier, &[&pair.der], "localhost");
        assert_eq!(error, CertificateError::UnknownIssuer);
        assert_eq!(
            text,
            "server certificate \"CN=localhost\": unknown issuer \"CN=Other CA\" \
             (trusted: file ca.crt)"
        );
        let (error, text) = refused(&verifier, &[other.der()], "localhost");
        assert_eq!(error, CertificateError::UnknownIssuer);
        assert!(text.contains("self-signed by \"CN=Other CA\""), "{text}");
    }

    #[test]
    fn an_issuer_of_the_right_name_with_another_key_is_unknown() {
        let (trusted, other) = (ca("CA"), ca("CA"));
        let pair = Pair::for_host("localhost", &other);
        let (error, text) = refused(&verifier(&[trusted.der()], &[]), &[&pair.der], "localhost");
        // webpki says that the signature is bad where names match.
        assert!(
            matches!(
                error,
                CertificateError::BadSignature | CertificateError::UnknownIssuer
            ),
            "{error:?}"
        );
        assert!(text.contains("\"CN=CA\""), "{text}");
    }

    #[test]
    fn a_missing_intermediate_certificate_is_named() {
        let root = ca("Root");
        let key = rcgen::KeyPair::generate().unwrap();
        let between = Ca::signed_by(ca_params("Between"), key, &root).unwrap();
        let pair = Pair::for_host("localhost", &between);
        let verifier = verifier(&[root.der()], &[]);
        judge(&verifier, &[&pair.der, between.der()], "localhost").unwrap();
        let (_, text) = refused(&verifier, &[&pair.der], "localhost");
        assert!(text.contains("unknown issuer \"CN=Between\""), "{text}");
    }

    #[test]
    fn the_certificate_that_is_out_of_date_is_named_wherever_it_stands() {
        let good = ca("CA");
        let mut late = params("localhost", &["localhost"]);
        late.not_after = rcgen::date_time_ymd(2020, 1, 1);
        let late = Pair::new(&late, &good);
        let by_good = verifier(&[good.der()], &[]);
        let (error, text) = refused(&by_good, &[&late.der], "localhost");
        assert!(
            matches!(error, CertificateError::ExpiredContext { .. }),
            "{error:?}"
        );
        assert_eq!(
            text,
            "server certificate \"CN=localhost\": expired on 2020-01-01 00:00:00 UTC"
        );
        let mut early = params("localhost", &["localhost"]);
        early.not_before = rcgen::date_time_ymd(2030, 1, 1);
        let early = Pair::new(&early, &good);
        let (_, text) = refused(&by_good, &[&early.der], "localhost");
        assert!(
            text.ends_with("not valid before 2030-01-01 00:00:00 UTC"),
            "{text}"
        );

        let mut expired = ca_params("Old CA");
        expired.not_after = rcgen::date_time_ymd(2010, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let expired = Ca::self_signed(expired, key).unwrap();
        let pair = Pair::for_host("localhost", &expired);
        let (error, text) = refused(&verifier(&[expired.der()], &[]), &[&pair.der], "localhost");
        assert_eq!(error, CertificateError::Expired);
        assert!(
            text.contains("issuer \"CN=Old CA\": expired on 2010-01-01"),
            "{text}"
        );
    }

    #[test]
    fn the_common_name_counts_only_where_there_is_no_other_name() {
        let ca = ca("CA");
        let alone = Pair::new(&params("localhost", &[]), &ca);
        let verifier = verifier(&[ca.der()], &[]);
        judge(&verifier, &[&alone.der], "localhost").unwrap();
        let (_, text) = refused(&verifier, &[&alone.der], "broker.test");
        assert!(
            text.ends_with("not among \"localhost\" (common name)"),
            "{text}"
        );
        let beside = Pair::new(&params("localhost", &["other.example"]), &ca);
        refused(&verifier, &[&beside.der], "localhost");
    }

    #[test]
    fn without_comparing_names_everything_else_is_still_checked() {
        let (trusted, other) = (ca("CA"), ca("Other CA"));
        let mut verifier = verifier(&[trusted.der()], &[]);
        verifier.insecure = true;
        let pair = Pair::for_host("localhost", &trusted);
        judge(&verifier, &[&pair.der], "broker.test").unwrap();
        let pair = Pair::for_host("localhost", &other);
        refused(&verifier, &[&pair.der], "localhost");
    }

    #[test]
    fn a_certificate_that_is_trusted_itself_stands_for_itself_and_no_other() {
        let key = rcgen::KeyPair::generate().unwrap();
        let itself = params("localhost", &["localhost"])
            .self_signed(&key)
            .unwrap();
        let of_it = rcgen::Issuer::new(params("localhost", &[]), key);
        let other_key = rcgen::KeyPair::generate().unwrap();
        let issued = params("localhost", &["localhost"])
            .signed_by(&other_key, &of_it)
            .unwrap();
        let verifier = verifier(&[itself.der()], &[]);
        judge(&verifier, &[itself.der()], "localhost").unwrap();
        refused(&verifier, &[itself.der()], "broker.test");
        let (error, _) = refused(&verifier, &[issued.der()], "localhost");
        assert_eq!(
            error,
            CertificateError::UnknownIssuer,
            "it may not issue others"
        );
    }

    #[test]
    fn a_trusted_certificate_that_may_not_issue_others_does_not_beside_one_that_may() {
        let ca = ca("CA");
        let mut no_ca = params("Not a CA", &[]);
        no_ca.is_ca = IsCa::ExplicitNoCa;
        let key = rcgen::KeyPair::generate().unwrap();
        let no_ca = Ca::signed_by(no_ca, key, &ca).unwrap();
        let pair = Pair::for_host("localhost", &no_ca);
        let verifier = verifier(&[ca.der(), no_ca.der()], &[]);
        assert!(judge(&verifier, &[&pair.der], "localhost").is_err());
        assert!(judge(&verifier, &[&pair.der, no_ca.der()], "localhost").is_err());
    }

    #[test]
    fn a_certificate_for_clients_is_not_for_servers() {
        let ca = ca("CA");
        let mut for_clients = params("localhost", &["localhost"]);
        for_clients.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let pair = Pair::new(&for_clients, &ca);
        for trusted in [ca.der(), &pair.der] {
            let (_, text) = refused(&verifier(&[trusted], &[]), &[&pair.der], "localhost");
            assert!(text.contains("not for servers"), "{text}");
        }
    }

    fn numbered(serial: u64) -> CertificateParams {
        let mut params = params("localhost", &["localhost"]);
        params.serial_number = Some(SerialNumber::from(serial));
        params
    }

    #[test]
    fn a_revoked_certificate_is_refused_and_another_is_not() {
        let ca = ca("CA");
        let (bad, good) = (Pair::new(&numbered(7), &ca), Pair::new(&numbered(8), &ca));
        let list = revocation_list(&ca, &[7], 2100);
        let verifier = verifier(&[ca.der()], &[list]);
        judge(&verifier, &[&good.der], "localhost").unwrap();
        let (error, text) = refused(&verifier, &[&bad.der], "localhost");
        assert_eq!(error, CertificateError::Revoked);
        assert_eq!(
            text,
            "server certificate \"CN=localhost\": revoked by its issuer"
        );
    }

    #[test]
    fn with_revocation_lists_one_has_to_be_about_the_server_and_in_date() {
        let (ca, other) = (ca("CA"), ca("Other CA"));
        let pair = Pair::new(&numbered(8), &ca);
        let elsewhere = verifier(&[ca.der()], &[revocation_list(&other, &[], 2100)]);
        let (error, text) = refused(&elsewhere, &[&pair.der], "localhost");
        assert_eq!(error, CertificateError::UnknownRevocationStatus);
        assert!(
            text.ends_with("no revocation list of its issuer \"CN=CA\""),
            "{text}"
        );
        let expired = verifier(&[ca.der()], &[revocation_list(&ca, &[], 2020)]);
        let (_, text) = refused(&expired, &[&pair.der], "localhost");
        assert!(
            text.ends_with("list of \"CN=CA\" expired on 2020-01-01 00:00:00 UTC"),
            "{text}"
        );
    }

    #[test]
    fn a_revoked_intermediate_certificate_is_refused_where_a_list_says_so() {
        let root = ca("Root");
        let key = rcgen::KeyPair::generate().unwrap();
        let mut between = ca_params("Between");
        between.serial_number = Some(SerialNumber::from(5u64));
        let between = Ca::signed_by(between, key, &root).unwrap();
        let pair = Pair::for_host("localhost", &between);
        let chain = [&pair.der, between.der()];
        let about_server = revocation_list(&between, &[], 2100);
        judge(
            &verifier(&[root.der()], std::slice::from_ref(&about_server)),
            &chain,
            "localhost",
        )
        .unwrap();
        let lists = [about_server, revocation_list(&root, &[5], 2100)];
        let (error, text) = refused(&verifier(&[root.der()], &lists), &chain, "localhost");
        assert_eq!(error, CertificateError::Revoked);
        assert!(text.contains("issuer \"CN=Between\": revoked"), "{text}");
    }

    #[test]
    fn a_key_that_is_not_pinned_is_refused_however_good_its_certificate() {
        let ca = ca("CA");
        let (pinned, other) = (
            Pair::for_host("localhost", &ca),
            Pair::for_host("localhost", &ca),
        );
        let key = parse(&pinned.der).unwrap();
        let key = key
            .tbs_certificate()
            .subject_public_key_info()
            .to_der()
            .unwrap();
        let mut verifier = verifier(&[ca.der()], &[]);
        verifier.pins = vec![[0; 32], provider::sha256(&key).try_into().unwrap()];
        judge(&verifier, &[&pinned.der], "localhost").unwrap();
        let (_, text) = refused(&verifier, &[&other.der], "localhost");
        assert!(
            text.ends_with("its key is not among the pinned ones"),
            "{text}"
        );
        // A good key is not enough either, unless nothing else is checked.
        refused(&verifier, &[&pinned.der], "broker.test");
        verifier.authority = None;
        judge(&verifier, &[&pinned.der], "broker.test").unwrap();
        refused(&verifier, &[&other.der], "localhost");
    }
}
