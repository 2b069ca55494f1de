//! The cryptographic library behind rustls: `ring`, or `aws-lc-rs` where that feature is on.

#[cfg(feature = "aws-lc-rs")]
pub(super) use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider};
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(super) use rustls::crypto::ring::{cipher_suite, default_provider};

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("the feature `tls` needs one of the features `ring` and `aws-lc-rs`");

/// SHA-256.
pub(super) fn sha256(data: &[u8]) -> Vec<u8> {
    use rustls::SupportedCipherSuite::{Tls12, Tls13};
    // The hash of this suite, which all libraries have.
    let common = match cipher_suite::TLS13_AES_128_GCM_SHA256 {
        Tls13(suite) => &suite.common,
        Tls12(suite) => &suite.common,
    };
    common.hash_provider.hash(data).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::sha256;

    #[test]
    fn the_hash_is_sha_256() {
        let hex = data_encoding::HEXLOWER.encode(&sha256(b"abc"));
        assert_eq!(
            hex,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
