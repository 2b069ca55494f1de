//! Cipher lists in OpenSSL's and IANA's names.

use rustls::SupportedCipherSuite;

use super::provider::cipher_suite as suite;
use crate::error::{Error, Result};

/// IANA's name, OpenSSL's name, the suite.
static TABLE: &[(&str, &str, &SupportedCipherSuite)] = &[
    (
        "TLS_AES_256_GCM_SHA384",
        "TLS_AES_256_GCM_SHA384",
        &suite::TLS13_AES_256_GCM_SHA384,
    ),
    (
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_128_GCM_SHA256",
        &suite::TLS13_AES_128_GCM_SHA256,
    ),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        &suite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        &suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        &suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        &suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        &suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        &suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        &suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// The suites a list names, in its order; TLS 1.3's are added where it names none of
/// them, as OpenSSL sets those apart. `DEFAULT`, `HIGH` and `ALL` stand for all, and
/// what a list excludes (`!`, `-`) is nothing we had.
pub(super) fn parse(list: &str) -> Result<Vec<SupportedCipherSuite>> {
    let mut chosen: Vec<SupportedCipherSuite> = Vec::new();
    let mut add = |wanted: &dyn Fn(&str, &str, bool) -> bool| {
        let before = chosen.len();
        for (iana, openssl, suite) in TABLE {
            let is_13 = suite.tls13().is_some();
            if wanted(iana, openssl, is_13) && !chosen.contains(suite) {
                chosen.push(**suite);
            }
        }
        chosen.len() > before
    };
    let mut names_13 = false;
    for name in list.split([':', ',', ' ']).filter(|name| !name.is_empty()) {
        if name.starts_with(['!', '-', '+', '@']) {
            continue;
        }
        if matches!(name, "DEFAULT" | "HIGH" | "ALL") {
            add(&|_, _, is_13| !is_13);
            continue;
        }
        let known = TABLE
            .iter()
            .find(|(iana, openssl, _)| name == *iana || name == *openssl);
        let Some((_, _, suite)) = known else {
            return Err(Error::Tls(format!(
                "unknown or unsupported cipher \"{name}\""
            )));
        };
        names_13 |= suite.tls13().is_some();
        add(&|iana, openssl, _| name == iana || name == openssl);
    }
    if !names_13 {
        add(&|_, _, is_13| is_13);
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let error = parse("ECDHE-RSA-AES128-GCM-SHA256:RC4-MD5").unwrap_err();
        assert!(error.to_string().contains("RC4-MD5"), "{error}");
    }
}
