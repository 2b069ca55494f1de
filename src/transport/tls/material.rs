//! Certificates and revocation lists, as files and programs bring them.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::certificate;

/// What went wrong, to follow the name of what it went wrong with.
pub(super) type Outcome<T> = Result<T, String>;

/// Certificates in PEM, at least one, or one in DER.
pub(super) fn certificates(data: &[u8]) -> Outcome<Vec<CertificateDer<'static>>> {
    let all = if is_pem(data) {
        CertificateDer::pem_slice_iter(data)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?
    } else {
        vec![CertificateDer::from(data.to_vec())]
    };
    if all.is_empty() {
        return Err("no certificate in it".to_owned());
    }
    // Some bundles have one that nobody can read among many good ones.
    if !all.iter().any(|one| certificate::parse(one).is_some()) {
        return Err("it is no X.509 certificate".to_owned());
    }
    Ok(all)
}

/// Revocation lists in PEM, at least one, or one in DER.
pub(super) fn revocation_lists(data: &[u8]) -> Outcome<Vec<CertificateRevocationListDer<'static>>> {
    let all = if is_pem(data) {
        CertificateRevocationListDer::pem_slice_iter(data)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?
    } else {
        vec![CertificateRevocationListDer::from(data.to_vec())]
    };
    if all.is_empty() {
        return Err("no revocation list in it".to_owned());
    }
    // One that is left out would be revocations nobody sees. Version 1 is not read: rustls takes none.
    if !all
        .iter()
        .all(|list| certificate::parse_list(list).is_some())
    {
        return Err("it is no X.509 revocation list of version 2".to_owned());
    }
    Ok(all)
}

/// Whether this is PEM rather than DER, which begins with a SEQUENCE.
pub(super) fn is_pem(data: &[u8]) -> bool {
    data.first() != Some(&0x30) || data.windows(11).any(|bytes| bytes == b"-----BEGIN ")
}
