//! Failures in words: which certificate failed which check and why, and what an alert of
//! the server's means.
//!
//! What rustls is told decides which alert it sends, and has no room for a text. So the
//! text goes beside it, in a place of the thread's own: the verifier is called by
//! `process_new_packets`, and who called that takes the text when it returns an error. On the
//! way out the thread does nothing else, so the text is always that of this error.

use std::cell::RefCell;

use rustls::pki_types::CertificateDer;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::certificate::{date, may_issue, names, parse, seconds, shown, Parsed};
use super::verify::{Authority, Shown};

thread_local! {
    static NOTED: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Leaves what the verifier thinks of a certificate for [`text`], or that it likes it.
pub(super) fn note(reason: Option<String>) {
    NOTED.with_borrow_mut(|noted| *noted = reason);
}

/// What the words need to know about the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Connection<'a> {
    /// The client certificate, if there is one.
    pub(super) certificate: Option<&'a str>,
    /// Whether the server's first words were TLS, as far as we know.
    pub(super) answered: bool,
}

/// Why a connection failed.
pub(super) fn text(error: &Error, connection: Connection<'_>) -> String {
    match error {
        Error::InvalidCertificate(_) => NOTED
            .with_borrow_mut(Option::take)
            .unwrap_or_else(|| error.to_string()),
        Error::AlertReceived(alert) => alert_text(*alert, connection),
        Error::InvalidMessage(_) if !connection.answered => {
            "server answers no TLS (plain text on this port?)".to_owned()
        }
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => "no TLS version in common with the server".to_owned(),
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon) => {
            "no cipher in common with the server".to_owned()
        }
        Error::NoApplicationProtocol => {
            "no application protocol (ALPN) in common with the server".to_owned()
        }
        _ => error.to_string(),
    }
}

fn alert_text(alert: AlertDescription, connection: Connection<'_>) -> String {
    let why = match alert {
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "certificate of a kind it does not support",
        AlertDescription::CertificateRevoked => "our certificate is revoked",
        AlertDescription::CertificateExpired => "our certificate has expired",
        AlertDescription::CertificateUnknown => "certificate not accepted",
        AlertDescription::UnknownCA => "our certificate's issuer is unknown to it",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::HandshakeFailure => {
            "handshake failure: no cipher in common, or a certificate is required"
        }
        AlertDescription::ProtocolVersion => "no TLS version in common",
        AlertDescription::InsufficientSecurity => "our ciphers are too weak",
        AlertDescription::UnrecognisedName => "it does not know the host name",
        AlertDescription::NoApplicationProtocol => "no application protocol (ALPN) in common",
        AlertDescription::InternalError => "internal error",
        other => return format!("the server refused us: alert {other:?}"),
    };
    let about_us = matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::HandshakeFailure
    );
    match (about_us, connection.certificate) {
        (false, _) => format!("the server refused us: {why}"),
        (true, None) => {
            format!("the server refused us: {why} (no client certificate was given)")
        }
        (true, Some(certificate)) => {
            format!("the server refused us: {why} (client certificate {certificate})")
        }
    }
}

/// What is wrong with a server's certificate.
pub(super) fn of_certificate(
    error: &Error,
    chain: Shown<'_, '_>,
    authority: Option<&Authority>,
) -> String {
    let Some(end_entity) = parse(chain.end_entity) else {
        return "server certificate: it cannot be read".to_owned();
    };
    let Error::InvalidCertificate(error) = error else {
        return format!("{}: {error}", the_server(&end_entity));
    };
    let issuers: Vec<Parsed> = chain.intermediates.iter().filter_map(der_parse).collect();
    let now = chain.now.as_secs();
    let trusted = authority.map_or(&[][..], |authority| &authority.trusted);
    // In a chain it may be any of them, or who stands above it.
    let mut all = std::iter::once(&end_entity).chain(&issuers).chain(
        trusted.iter().map(|one| &one.parsed).filter(|anchor| {
            let above =
                |one: &Parsed| one.tbs_certificate().issuer() == anchor.tbs_certificate().subject();
            above(&end_entity) || issuers.iter().any(above)
        }),
    );
    let name = |one: &Parsed| match std::ptr::eq(one, &raw const end_entity) {
        true => the_server(one),
        false => format!("{}'s issuer {}", the_server(&end_entity), subject(one)),
    };
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => {
            let until = |one: &Parsed| one.tbs_certificate().validity().not_after;
            match all.find(|one| seconds(until(one)) < now) {
                Some(one) => format!("{}: expired on {}", name(one), date(until(one))),
                None => format!("{}: expired", the_server(&end_entity)),
            }
        }
        E::NotValidYet | E::NotValidYetContext { .. } => {
            let from = |one: &Parsed| one.tbs_certificate().validity().not_before;
            match all.find(|one| seconds(from(one)) > now) {
                Some(one) => format!("{}: not valid before {}", name(one), date(from(one))),
                None => format!("{}: not valid yet", the_server(&end_entity)),
            }
        }
        E::UnknownIssuer => unknown_issuer(&end_entity, &issuers, authority),
        E::BadSignature => format!(
            "{}: the signature is not that of {}, or its key is shorter than 2048 bits",
            the_server(&end_entity),
            shown(end_entity.tbs_certificate().issuer())
        ),
        E::Revoked => {
            let lists = authority.map_or(&[][..], |authority| &authority.lists);
            match all.find(|one| lists.iter().any(|list| list.names(one))) {
                Some(one) => format!("{}: revoked by its issuer", name(one)),
                None => format!("{}: revoked", the_server(&end_entity)),
            }
        }
        E::UnknownRevocationStatus => format!(
            "{}: no revocation list of its issuer {}",
            the_server(&end_entity),
            shown(end_entity.tbs_certificate().issuer())
        ),
        E::ExpiredRevocationList | E::ExpiredRevocationListContext { .. } => {
            expired_list(&end_entity, authority, now)
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => format!(
            "{}: name \"{}\" is not among {}",
            the_server(&end_entity),
            chain.name.to_str(),
            names(&end_entity)
        ),
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => format!(
            "{}: it is not for servers (extended key usage)",
            the_server(&end_entity)
        ),
        E::ApplicationVerificationFailure => format!(
            "{}: its key is not among the pinned ones",
            the_server(&end_entity)
        ),
        E::UnsupportedSignatureAlgorithmContext { .. } => format!(
            "{}: signed with an algorithm that is not supported, as SHA-1 or MD5",
            the_server(&end_entity)
        ),
        E::Other(_) if may_issue(&end_entity) => format!(
            "{}: it is for issuing certificates (CA:TRUE), not for servers",
            the_server(&end_entity)
        ),
        other => format!("{}: {other}", the_server(&end_entity)),
    }
}

/// The issuer that is missing above the chain.
fn unknown_issuer(
    end_entity: &Parsed,
    issuers: &[Parsed],
    authority: Option<&Authority>,
) -> String {
    let body = |one: &'_ Parsed| -> (String, String) {
        let body = one.tbs_certificate();
        (shown(body.subject()), shown(body.issuer()))
    };
    let mut top = end_entity;
    // As many steps as certificates: they may name each other in a circle.
    for _ in 0..issuers.len() {
        let wanted = top.tbs_certificate().issuer();
        let above = |one: &&Parsed| one.tbs_certificate().subject() == wanted;
        match issuers.iter().find(above) {
            Some(issuer) => top = issuer,
            None => break,
        }
    }
    let (subject, issuer) = body(top);
    let origin = authority.map_or("nothing", |authority| &authority.origin);
    let alone = std::ptr::eq(top, end_entity);
    let what = match subject == issuer && alone {
        true => format!("self-signed by {issuer}, which is not trusted"),
        false => format!("unknown issuer {issuer}"),
    };
    let trusted = authority.map_or(&[][..], |authority| &authority.trusted);
    let namesake = trusted
        .iter()
        .any(|one| one.parsed.tbs_certificate().subject() == top.tbs_certificate().issuer());
    let hint = match namesake {
        true => ": a trusted certificate of this name has another key or may not issue others",
        false => "",
    };
    format!(
        "{}: {what} (trusted: {origin}{hint})",
        the_server(end_entity)
    )
}

fn expired_list(end_entity: &Parsed, authority: Option<&Authority>, now: u64) -> String {
    let lists = authority.map_or(&[][..], |authority| &authority.lists);
    for list in lists {
        let list = &list.parsed.tbs_cert_list;
        if let Some(until) = list.next_update {
            if seconds(until) < now {
                return format!(
                    "{}: the revocation list of {} expired on {}",
                    the_server(end_entity),
                    shown(&list.issuer),
                    date(until)
                );
            }
        }
    }
    format!(
        "{}: the revocation list has expired",
        the_server(end_entity)
    )
}

fn the_server(certificate: &Parsed) -> String {
    format!("server certificate {}", subject(certificate))
}

/// A certificate's subject.
pub(super) fn subject(certificate: &Parsed) -> String {
    shown(certificate.tbs_certificate().subject())
}

fn der_parse(der: &CertificateDer<'_>) -> Option<Parsed> {
    parse(der)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::InvalidMessage;

    const ALONE: Connection<'_> = Connection {
        certificate: None,
        answered: true,
    };

    #[test]
    fn alerts_are_put_in_words() {
        let alert = |alert| text(&Error::AlertReceived(alert), ALONE);
        assert_eq!(
            alert(AlertDescription::CertificateRequired),
            "the server refused us: certificate required (no client certificate was given)"
        );
        assert_eq!(
            alert(AlertDescription::ProtocolVersion),
            "the server refused us: no TLS version in common"
        );
        let alice = Connection {
            certificate: Some("\"CN=alice\" in alice.crt"),
            ..ALONE
        };
        assert_eq!(
            text(&Error::AlertReceived(AlertDescription::UnknownCA), alice),
            "the server refused us: our certificate's issuer is unknown to it (client \
             certificate \"CN=alice\" in alice.crt)"
        );
    }

    #[test]
    fn plain_text_is_called_so_only_as_the_first_answer() {
        let error = Error::InvalidMessage(InvalidMessage::InvalidContentType);
        let first = Connection {
            answered: false,
            ..ALONE
        };
        assert!(text(&error, first).contains("plain text"));
        assert!(!text(&error, ALONE).contains("plain text"));
    }
}
