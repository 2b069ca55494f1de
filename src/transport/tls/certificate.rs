//! What certificates and revocation lists say, where rustls does not tell: read with
//! x509-cert, and compared and verified here by hand.

use std::fmt::Write;
use std::net::IpAddr;

use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{AlgorithmIdentifier, ServerName, UnixTime};
use rustls::CertificateError;
use x509_cert::certificate::{CertificateInner, Raw, Version};
use x509_cert::crl::CertificateList;
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{DateTime, Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};
use x509_cert::name::Name;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::Time;

/// A certificate, read leniently: what is wrong with it is judged elsewhere.
pub(super) type Parsed = CertificateInner<Raw>;
/// A revocation list.
pub(super) type ParsedList = CertificateList<Raw>;

pub(super) fn parse(der: &[u8]) -> Option<Parsed> {
    Parsed::from_der(der).ok()
}

pub(super) fn parse_list(der: &[u8]) -> Option<ParsedList> {
    ParsedList::from_der(der).ok()
}

/// Version 1, which has no extensions.
pub(super) fn is_version_1(certificate: &Parsed) -> bool {
    let body = certificate.tbs_certificate();
    body.version() == Version::V1 && body.extensions().is_none()
}

/// Whether a trusted certificate may issue others: version 3 says so in its extensions;
/// version 1 cannot say it and does when it issued itself.
pub(super) fn may_issue(certificate: &Parsed) -> bool {
    let body = certificate.tbs_certificate();
    if is_version_1(certificate) {
        return body.issuer() == body.subject();
    }
    let signs_certificates = match body.get_extension::<KeyUsage>() {
        Ok(Some((_, usage))) => Some(usage.key_cert_sign()),
        Ok(None) => None,
        Err(_) => return false,
    };
    match body.get_extension::<BasicConstraints>() {
        Ok(Some((_, constraints))) => constraints.ca && signs_certificates != Some(false),
        Ok(None) => signs_certificates == Some(true),
        Err(_) => false,
    }
}

/// Whether it is neither too early nor too late for a certificate.
pub(super) fn check_dates(certificate: &Parsed, now: UnixTime) -> Result<(), CertificateError> {
    let validity = certificate.tbs_certificate().validity();
    if now.as_secs() < seconds(validity.not_before) {
        return Err(CertificateError::NotValidYet);
    }
    if now.as_secs() > seconds(validity.not_after) {
        return Err(CertificateError::Expired);
    }
    Ok(())
}

pub(super) fn seconds(time: Time) -> u64 {
    time.to_unix_duration().as_secs()
}

/// Whether `der`, a certificate or a revocation list, is signed with the key `issuer`.
pub(super) fn check_signature(
    der: &[u8],
    issuer: &SubjectPublicKeyInfoOwned,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Result<(), CertificateError> {
    let bad = CertificateError::BadEncoding;
    let Some((body, named, signature)) = signed_parts(der) else {
        return Err(bad);
    };
    let (Some(named), Some(key_kind)) = (identifier(&named), identifier(&issuer.algorithm)) else {
        return Err(bad);
    };
    let Some(key) = issuer.subject_public_key.as_bytes() else {
        return Err(bad);
    };
    let mut fitting = algorithms.all.iter().filter(|algorithm| {
        algorithm.signature_alg_id().as_ref() == named
            && algorithm.public_key_alg_id().as_ref() == key_kind
    });
    let Some(algorithm) = fitting.next() else {
        return Err(CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: named,
            supported_algorithms: supported(algorithms),
        });
    };
    algorithm
        .verify_signature(key, body, &signature)
        .map_err(|_| CertificateError::BadSignature)
}

fn supported(algorithms: &WebPkiSupportedAlgorithms) -> Vec<AlgorithmIdentifier> {
    let ids = algorithms.all.iter();
    ids.map(|algorithm| algorithm.signature_alg_id()).collect()
}

/// What is signed, byte for byte as it arrived, how, and the signature.
fn signed_parts(der: &[u8]) -> Option<(&[u8], AlgorithmIdentifierOwned, Vec<u8>)> {
    let mut reader = SliceReader::new(AnyRef::from_der(der).ok()?.value()).ok()?;
    let body = reader.tlv_bytes().ok()?;
    let algorithm = reader.decode::<AlgorithmIdentifierOwned>().ok()?;
    let signature = reader.decode::<x509_cert::der::asn1::BitString>().ok()?;
    // The same algorithm stands inside, where it is signed too (RFC 5280 section 4.1.1.2);
    // the two differ only when somebody changed one.
    let inside = match (parse(der), parse_list(der)) {
        (Some(certificate), _) => certificate.tbs_certificate().signature().clone(),
        (None, Some(list)) => list.tbs_cert_list.signature.clone(),
        (None, None) => return None,
    };
    (inside == algorithm).then_some(())?;
    Some((body, algorithm, signature.as_bytes()?.to_vec()))
}

/// An algorithm's identifier as pki-types has it: what is inside the SEQUENCE.
pub(super) fn identifier(algorithm: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let der = algorithm.to_der().ok()?;
    Some(AnyRef::from_der(&der).ok()?.value().to_vec())
}

/// Home-made certificates often carry only a common name. Where, and only where, there is
/// no subject alternative name at all, the common name is compared instead.
pub(super) fn common_name_fits(certificate: &Parsed, name: &ServerName<'_>) -> bool {
    let body = certificate.tbs_certificate();
    // An extension that cannot be read counts as one that is there.
    if !matches!(body.get_extension::<SubjectAltName>(), Ok(None)) {
        return false;
    }
    let Ok(Some(common)) = body.subject().common_name() else {
        return false;
    };
    let wildcards = matches!(name, ServerName::DnsName(_));
    fits(&common.value(), &name.to_str(), wildcards)
}

/// Whether a name pattern of a certificate stands for `name`: equal but for case, or a `*`
/// for the first label.
fn fits(pattern: &str, name: &str, wildcards: bool) -> bool {
    if pattern.eq_ignore_ascii_case(name) {
        return true;
    }
    let (Some(rest), Some((first, name_rest))) = (pattern.strip_prefix("*."), name.split_once('.'))
    else {
        return false;
    };
    wildcards && !first.is_empty() && rest.contains('.') && rest.eq_ignore_ascii_case(name_rest)
}

/// The names a certificate is for, as a person reads them.
pub(super) fn names(certificate: &Parsed) -> String {
    let body = certificate.tbs_certificate();
    let mut all = Vec::new();
    match body.get_extension::<SubjectAltName>() {
        Ok(Some((_, names))) => {
            for name in &names.0 {
                match name {
                    GeneralName::DnsName(name) => all.push(quoted(name.as_str())),
                    GeneralName::IpAddress(bytes) => all.extend(address(bytes.as_bytes())),
                    _ => {}
                }
            }
        }
        Ok(None) => {
            if let Ok(Some(common)) = body.subject().common_name() {
                all.push(format!("{} (common name)", quoted(&common.value())));
            }
        }
        Err(_) => {}
    }
    const SHOWN: usize = 10;
    let more = all.len().saturating_sub(SHOWN);
    all.truncate(SHOWN);
    let mut text = all.join(", ");
    if more > 0 {
        let _ = write!(text, " and {more} more");
    }
    match text.is_empty() {
        true => "no names at all".to_owned(),
        false => text,
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    Some(address.to_string())
}

/// A distinguished name as a person reads it, in quotes.
pub(super) fn shown(name: &Name) -> String {
    match name.is_empty() {
        true => "\"\" (without a name)".to_owned(),
        false => quoted(&spelled(name)),
    }
}

/// A distinguished name as RFC 4514 spells it, but for escapes. The crate's own spelling
/// brings a table of every attribute there is.
fn spelled(name: &Name) -> String {
    let mut parts: Vec<String> = name
        .iter()
        .map(|attribute| {
            let oid = attribute.oid.to_string();
            let key = match oid.as_str() {
                "2.5.4.3" => "CN",
                "2.5.4.5" => "serialNumber",
                "2.5.4.6" => "C",
                "2.5.4.7" => "L",
                "2.5.4.8" => "ST",
                "2.5.4.10" => "O",
                "2.5.4.11" => "OU",
                "0.9.2342.19200300.100.1.1" => "UID",
                "0.9.2342.19200300.100.1.25" => "DC",
                "1.2.840.113549.1.9.1" => "emailAddress",
                other => other,
            };
            format!("{key}={}", String::from_utf8_lossy(attribute.value.value()))
        })
        .collect();
    parts.reverse();
    parts.join(",")
}

/// A text of the peer's, which may be long and have anything in it.
fn quoted(text: &str) -> String {
    const SHOWN: usize = 200;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    let printable = shown.chars().map(|c| if c.is_control() { '?' } else { c });
    format!("\"{}\"", printable.collect::<String>())
}

/// A point in time as a person reads it.
pub(super) fn date(time: Time) -> String {
    let Ok(at) = DateTime::from_unix_duration(time.to_unix_duration()) else {
        return "an unknown date".to_owned();
    };
    format!(
        "{}-{:02}-{:02} {:02}:{:02}:{:02} UTC",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minutes(),
        at.seconds()
    )
}

#[cfg(test)]
mod tests {
    use super::{fits, quoted};

    #[test]
    fn a_star_stands_for_one_label_below_a_domain() {
        assert!(fits("Broker.Example.org", "broker.example.org", true));
        assert!(fits("*.example.org", "broker.example.org", true));
        assert!(!fits("*.example.org", "a.b.example.org", true));
        assert!(!fits("*.org", "example.org", true));
        assert!(!fits("*", "example", true));
    }

    #[test]
    fn a_star_stands_for_no_part_of_an_address() {
        assert!(fits("127.0.0.1", "127.0.0.1", false));
        assert!(!fits("*.0.0.1", "127.0.0.1", false));
    }

    #[test]
    fn what_a_peer_says_is_one_short_line() {
        assert_eq!(quoted("a\nb\u{1b}[2J"), "\"a?b?[2J\"");
        assert!(quoted(&"x".repeat(100_000)).len() < 220);
    }
}
