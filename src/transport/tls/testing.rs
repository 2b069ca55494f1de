//! For the tests of TLS: certificates made on the spot, and a server in memory.

use std::io::Read;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber, SigningKey,
};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{
    CertificateDer, CertificateRevocationListDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName,
    UnixTime,
};
use rustls::{ClientConnection, HandshakeKind, ServerConfig, ServerConnection};
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode, Encode, Reader, SliceReader, Tag};

use super::config::TlsConfig;
use super::verify::{Authority, Verifier};
use super::{provider, reason};

/// An authority with everything valid from 2000 to 2100, and a revocation list.
pub(super) type Ca = CertifiedIssuer<'static, KeyPair>;

/// The time at which certificates are judged: 2026-01-01.
pub(super) const NOW: u64 = 1_767_225_600;

pub(super) fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(2100, 1, 1);
    params
}

pub(super) fn ca_params(name: &str) -> CertificateParams {
    let mut params = params(name, &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(super) fn ca(name: &str) -> Ca {
    Ca::self_signed(ca_params(name), KeyPair::generate().unwrap()).unwrap()
}

/// A certificate and its key.
pub(super) struct Pair {
    pub(super) der: CertificateDer<'static>,
    pub(super) key: KeyPair,
}

impl Pair {
    pub(super) fn new(params: &CertificateParams, ca: &Ca) -> Pair {
        let key = KeyPair::generate().unwrap();
        let der = params.signed_by(&key, ca).unwrap().der().clone();
        Pair { der, key }
    }

    pub(super) fn for_host(host: &str, ca: &Ca) -> Pair {
        Pair::new(&params(host, &[host]), ca)
    }

    pub(super) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    /// The same in X.509 version 1: without extensions, signed anew by `issuer`.
    pub(super) fn in_version_1(self, issuer: &KeyPair) -> Pair {
        Pair {
            der: version_1(&self.der, issuer),
            key: self.key,
        }
    }
}

/// A certificate again, in X.509 version 1: without extensions, signed anew by `issuer`.
pub(super) fn version_1(der: &[u8], issuer: &KeyPair) -> CertificateDer<'static> {
    let mut whole = SliceReader::new(AnyRef::from_der(der).unwrap().value()).unwrap();
    let body = whole.decode::<AnyRef<'_>>().unwrap();
    let algorithm = whole.tlv_bytes().unwrap();
    let mut fields = SliceReader::new(body.value()).unwrap();
    let mut kept = Vec::new();
    while !fields.is_finished() {
        let field = fields.tlv_bytes().unwrap();
        // Context-specific: [0] is the version, which is 1 when left out, [3] the extensions.
        if field[0] & 0xc0 == 0 {
            kept.extend_from_slice(field);
        }
    }
    let body = sequence(&kept);
    let mut bits = vec![0];
    bits.extend(issuer.sign(&body).unwrap());
    let signature = AnyRef::new(Tag::BitString, &bits)
        .unwrap()
        .to_der()
        .unwrap();
    sequence(&[body, algorithm.to_vec(), signature].concat()).into()
}

fn sequence(inside: &[u8]) -> Vec<u8> {
    AnyRef::new(Tag::Sequence, inside)
        .unwrap()
        .to_der()
        .unwrap()
}

/// A revocation list, valid from 2000 to `until`, with these serial numbers.
pub(super) fn revocation_list(
    ca: &Ca,
    revoked: &[u64],
    until: i32,
) -> CertificateRevocationListDer<'static> {
    let revoked = revoked.iter().map(|&serial| RevokedCertParams {
        serial_number: SerialNumber::from(serial),
        revocation_time: rcgen::date_time_ymd(2001, 1, 1),
        reason_code: None,
        invalidity_date: None,
    });
    let list = CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2000, 1, 1),
        next_update: rcgen::date_time_ymd(until, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: revoked.collect(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    list.signed_by(ca).unwrap().der().clone()
}

/// A verifier that trusts these, from "file ca.crt".
pub(super) fn verifier(
    trusted: &[&CertificateDer<'static>],
    lists: &[CertificateRevocationListDer<'static>],
) -> Verifier {
    let provider = Arc::new(provider::default_provider());
    let trusted = trusted.iter().map(|&der| der.clone()).collect();
    let origin = "file ca.crt".to_owned();
    Verifier {
        authority: Some(Authority::new(trusted, lists.to_vec(), origin, &provider).unwrap()),
        insecure: false,
        pins: Vec::new(),
        algorithms: provider.signature_verification_algorithms,
    }
}

/// What the verifier says of a chain, the server's certificate first: nothing, or what
/// rustls is told and what the program is told.
pub(super) fn judge(
    verifier: &Verifier,
    chain: &[&CertificateDer<'static>],
    host: &str,
) -> Result<(), (rustls::Error, String)> {
    let rest: Vec<_> = chain[1..].iter().map(|&der| der.clone()).collect();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW));
    let connection = reason::Connection {
        certificate: None,
        answered: true,
    };
    match verifier.verify_server_cert(chain[0], &rest, &name, &[], now) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = reason::text(&error, connection);
            Err((error, text))
        }
    }
}

/// A server's configuration that shows this chain.
pub(super) fn server(
    pair: &Pair,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let provider = Arc::new(provider::default_provider());
    let key = provider
        .key_provider
        .load_private_key(pair.private_key())
        .unwrap();
    let certified = rustls::sign::CertifiedKey::new(vec![pair.der.clone()], key);
    let resolver = rustls::sign::SingleCertAndKey::from(certified);
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = vec![b"mqtt".to_vec()];
    Arc::new(config)
}

/// A client and a server that talk until nothing is left to say.
pub(super) struct Talk {
    pub(super) client: ClientConnection,
    pub(super) server: ServerConnection,
}

impl Talk {
    pub(super) fn new(config: &TlsConfig, server: &Arc<ServerConfig>, host: &str) -> Talk {
        let name = ServerName::try_from(host.to_owned()).unwrap();
        Talk {
            client: ClientConnection::new(Arc::clone(&config.rustls), name).unwrap(),
            server: ServerConnection::new(Arc::clone(server)).unwrap(),
        }
    }

    /// Shakes hands: the first error either side has.
    pub(super) fn shake_hands(&mut self) -> Result<HandshakeKind, rustls::Error> {
        let mut bytes = Vec::new();
        while self.client.wants_write() || self.server.wants_write() {
            bytes.clear();
            while self.client.wants_write() {
                self.client.write_tls(&mut bytes).unwrap();
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                self.server.read_tls(&mut rest).unwrap();
                self.server.process_new_packets()?;
            }
            bytes.clear();
            while self.server.wants_write() {
                self.server.write_tls(&mut bytes).unwrap();
            }
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                self.client.read_tls(&mut rest).unwrap();
                self.client.process_new_packets()?;
            }
        }
        // Tickets of TLS 1.3 arrive behind the handshake.
        let _ = self.client.reader().read(&mut [0; 16]);
        assert!(!self.client.is_handshaking() && !self.server.is_handshaking());
        Ok(self.client.handshake_kind().unwrap())
    }
}
