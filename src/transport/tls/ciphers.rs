//! Cipher lists in OpenSSL's and IANA's names.

use rustls::SupportedCipherSuite;

use super::provider::cipher_suite as suite;
use crate::error::{Error, Result};

/// IANA's name, OpenSSL's name, the suite.
struct Row(&'static str, &'static str, &'static SupportedCipherSuite);

static TABLE: &[Row] = &[
    Row(
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_256_GCM_SHA384",
        &suite::TLS13_AES_256_GCM_SHA384,
    ),
    Row(
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_128_GCM_SHA256",
        &suite::TLS13_AES_128_GCM_SHA256,
    ),
    Row(
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        &suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    Row(
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    Row(
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    Row(
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    Row(
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        &suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    Row(
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        &suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    Row(
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        &suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The suites a list names, as OpenSSL reads such lists (`man openssl-ciphers`): names and
/// groups, put together with `+`; `!` takes away for good, `-` until named again, `+` puts at
/// the end, `@` orders. The suites of TLS 1.3 stand apart: all of them, or those named.
///
/// What OpenSSL knows and is not supported here is passed over, since lists have many such
/// names; where nothing else is named TLS 1.3 is left. What is not known to anybody is an
/// error, as is a list with nothing in it.
pub(super) fn parse(list: &str) -> Result<Vec<SupportedCipherSuite>> {
    let mut chosen: Vec<&Row> = Vec::new();
    let mut forbidden: Vec<&Row> = Vec::new();
    let mut passed_over = false;
    for element in list.split([':', ',', ' ', ';']) {
        let (operation, name) = match element.chars().next() {
            None | Some('@') => continue,
            Some(sign @ ('!' | '-' | '+')) => (sign, &element[1..]),
            Some(_) => (' ', element),
        };
        let Some(meant) = rows(name) else {
            return Err(Error::Tls(format!("unknown cipher \"{name}\"")));
        };
        let is_meant = |row: &&Row| meant.iter().any(|one| std::ptr::eq(*one, *row));
        match operation {
            '!' | '-' => {
                chosen.retain(|row| !is_meant(row));
                if operation == '!' {
                    forbidden.extend(&meant);
                }
            }
            '+' => {
                let (last, first): (Vec<_>, Vec<_>) = chosen.into_iter().partition(is_meant);
                chosen = first;
                chosen.extend(last);
            }
            _ if meant.is_empty() => passed_over = true,
            _ => {
                let known: Vec<&Row> = chosen.iter().chain(&forbidden).copied().collect();
                let is_new = |row: &&Row| !known.iter().any(|one| std::ptr::eq(*one, *row));
                chosen.extend(meant.into_iter().filter(is_new));
            }
        }
    }
    if chosen.is_empty() && !passed_over {
        let what = format!("the cipher list \"{list}\" has nothing in it");
        return Err(Error::Tls(what));
    }
    if !chosen.iter().any(|row| row.is_13()) {
        let all_13 = TABLE.iter().filter(|row| row.is_13());
        chosen.extend(all_13.filter(|row| !forbidden.iter().any(|one| std::ptr::eq(*one, *row))));
    }
    Ok(chosen.into_iter().map(|row| *row.2).collect())
}

/// IANA's name of a suite that a connection has.
pub(super) fn name(suite: SupportedCipherSuite) -> &'static str {
    let row = TABLE.iter().find(|row| *row.2 == suite);
    row.map_or("", |row| row.0)
}

impl Row {
    fn is_13(&self) -> bool {
        self.2.tls13().is_some()
    }
}

/// The rows that a name stands for, or several groups with `+` between them; `None` when
/// nobody knows it.
fn rows(name: &str) -> Option<Vec<&'static Row>> {
    if let Some(row) = TABLE.iter().find(|row| row.0 == name || row.1 == name) {
        return Some(vec![row]);
    }
    let groups: Option<Vec<Group>> = name.split('+').map(group).collect();
    match groups {
        Some(groups) => {
            let fits = |row: &&Row| !row.is_13() && groups.iter().all(|group| group(row.1));
            Some(TABLE.iter().filter(fits).collect())
        }
        None => is_openssls(name).then(Vec::new),
    }
}

/// Whether a suite, by OpenSSL's name, belongs to a group.
type Group = fn(&str) -> bool;

fn group(name: &str) -> Option<Group> {
    let group: Group = match name {
        "DEFAULT" | "ALL" | "HIGH" | "TLSv1.2" | "FIPS" => |_| true,
        "ECDHE" | "EECDH" | "kECDHE" | "kEECDH" => |_| true,
        "ECDSA" | "aECDSA" => |suite| suite.contains("ECDSA"),
        "aRSA" => |suite| suite.contains("RSA"),
        "AES" => |suite| suite.contains("AES"),
        "AESGCM" => |suite| suite.contains("GCM"),
        "AES128" => |suite| suite.contains("AES128"),
        "AES256" => |suite| suite.contains("AES256"),
        "CHACHA20" => |suite| suite.contains("CHACHA20"),
        // Groups of which there is nothing here.
        "COMPLEMENTOFDEFAULT"
        | "COMPLEMENTOFALL"
        | "MEDIUM"
        | "LOW"
        | "EXP"
        | "EXPORT"
        | "EXPORT40"
        | "EXPORT56"
        | "eNULL"
        | "NULL"
        | "aNULL"
        | "kRSA"
        | "RSA"
        | "kDHr"
        | "kDHd"
        | "kDH"
        | "kDHE"
        | "kEDH"
        | "DH"
        | "DHE"
        | "EDH"
        | "ADH"
        | "kECDHr"
        | "kECDHe"
        | "kECDH"
        | "ECDH"
        | "AECDH"
        | "aDSS"
        | "DSS"
        | "aDH"
        | "aECDH"
        | "TLSv1"
        | "TLSv1.0"
        | "SSLv3"
        | "SSLv2"
        | "AESCCM"
        | "AESCCM8"
        | "ARIA"
        | "ARIA128"
        | "ARIA256"
        | "CAMELLIA"
        | "CAMELLIA128"
        | "CAMELLIA256"
        | "3DES"
        | "DES"
        | "RC4"
        | "RC2"
        | "IDEA"
        | "SEED"
        | "MD5"
        | "SHA"
        | "SHA1"
        | "SHA256"
        | "SHA384"
        | "kGOST"
        | "aGOST"
        | "aGOST01"
        | "GOST94"
        | "GOST89MAC"
        | "PSK"
        | "kPSK"
        | "kECDHEPSK"
        | "kDHEPSK"
        | "kRSAPSK"
        | "aPSK"
        | "SRP"
        | "kSRP"
        | "aSRP"
        | "kKRB5"
        | "KRB5"
        | "CBC"
        | "SUITEB128"
        | "SUITEB128ONLY"
        | "SUITEB192" => |_| false,
        _ => return None,
    };
    Some(group)
}

/// Whether a name looks like a suite's that is not in the table: all its parts are what
/// such names are made of.
fn is_openssls(name: &str) -> bool {
    let mut parts = name.split(['-', '_']);
    let is_part = |part: &str| {
        matches!(
            part,
            "TLS"
                | "SSL"
                | "WITH"
                | "ECDHE"
                | "ECDH"
                | "DHE"
                | "EDH"
                | "DH"
                | "ADH"
                | "AECDH"
                | "RSA"
                | "ECDSA"
                | "DSS"
                | "anon"
                | "PSK"
                | "SRP"
                | "KRB5"
                | "EXP"
                | "EXPORT"
                | "AES"
                | "AES128"
                | "AES256"
                | "128"
                | "256"
                | "ARIA"
                | "ARIA128"
                | "ARIA256"
                | "CAMELLIA"
                | "CAMELLIA128"
                | "CAMELLIA256"
                | "CHACHA20"
                | "POLY1305"
                | "SEED"
                | "IDEA"
                | "DES"
                | "3DES"
                | "CBC3"
                | "EDE"
                | "RC4"
                | "RC2"
                | "40"
                | "GCM"
                | "CCM"
                | "CCM8"
                | "8"
                | "CBC"
                | "SHA"
                | "SHA256"
                | "SHA384"
                | "MD5"
                | "NULL"
        )
    };
    name.contains(['-', '_']) && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OpenSSL's names of what a list means, without those of TLS 1.3.
    fn names(list: &str) -> Vec<&'static str> {
        let suites = parse(list).unwrap();
        let name = |suite: &SupportedCipherSuite| {
            let row = TABLE.iter().find(|row| *row.2 == *suite).unwrap();
            (!row.is_13()).then_some(row.1)
        };
        suites.iter().filter_map(name).collect()
    }

    #[test]
    fn both_names_of_a_suite_are_known_and_tls_13_stays_on() {
        for name in [
            "ECDHE-RSA-AES128-GCM-SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        ] {
            let suites = parse(name).unwrap();
            assert_eq!(suites[0], suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256);
            assert_eq!(suites.len(), 4);
        }
        assert_eq!(parse("TLS_AES_128_GCM_SHA256").unwrap().len(), 1);
        assert_eq!(parse("DEFAULT:!aNULL:!MD5").unwrap().len(), 9);
    }

    #[test]
    fn an_unknown_name_is_told() {
        for list in ["ECDHE-RSA-AES128-GCM-SHA256:RC5-MD5", "HIGH:!RC5-MD5"] {
            let error = parse(list).unwrap_err().to_string();
            assert_eq!(error, "TLS: unknown cipher \"RC5-MD5\"");
        }
    }

    #[test]
    fn lists_mean_what_they_mean_to_openssl() {
        let first = "ECDHE-RSA-AES256-GCM-SHA384";
        let all = names("ALL");
        assert_eq!(all.len(), 6);
        let mut reordered = vec![first];
        reordered.extend(all.iter().filter(|name| **name != first));
        assert_eq!(names(&format!("{first}:HIGH:!aNULL:!kRSA")), reordered);
        assert_eq!(
            names("EECDH+ECDSA+AESGCM:EECDH+CHACHA20:!AES128:@STRENGTH"),
            [
                "ECDHE-ECDSA-AES256-GCM-SHA384",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
                "ECDHE-RSA-CHACHA20-POLY1305",
            ]
        );
        assert_eq!(
            names("AES128:!aRSA:ALL:-AES:-CHACHA20:aRSA+AES128:aECDSA+AES128").len(),
            1
        );
        assert_eq!(names("ALL:+ECDSA")[..3], all[3..]);
    }

    #[test]
    fn what_openssl_knows_beside_is_passed_over() {
        let list = "AES256-SHA:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES256-GCM-SHA384:DES-CBC3-SHA";
        assert_eq!(names(list), ["ECDHE-RSA-AES256-GCM-SHA384"]);
        // TLS 1.3, whose ciphers such a list does not speak of, is left.
        let only_13 = parse("AES256-SHA:TLS_RSA_WITH_AES_128_CBC_SHA").unwrap();
        assert!(only_13.iter().all(|suite| suite.tls13().is_some()));
        assert_eq!(only_13.len(), 3);
        assert!(parse("HIGH:!ALL").is_err());
        assert!(parse("").is_err());
    }
}
