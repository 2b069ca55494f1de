//! Certificates, made on the spot.

use std::io::Write;
use std::process::{Command, Stdio};

use data_encoding::BASE64;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};

/// Parameters of a certificate for these hosts, valid from 2000 to 2999.
pub fn certificate(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    params.not_after = rcgen::date_time_ymd(2999, 1, 1);
    params.serial_number = Some(SerialNumber::from(SERIAL));
    params
}

const SERIAL: u64 = 7;

/// An authority.
pub struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    pub fn new(name: &str) -> Ca {
        let mut params = certificate(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Ca(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    pub fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    /// A revocation list, PEM.
    pub fn revoke(&self, serials: &[u64]) -> Vec<u8> {
        let revoked = serials.iter().map(|&serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: rcgen::date_time_ymd(2001, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2000, 1, 1),
            next_update: rcgen::date_time_ymd(2999, 1, 1),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&self.0).unwrap();
        list.pem().unwrap().into_bytes()
    }
}

/// A certificate and its key.
pub struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Pair {
    pub fn new(params: CertificateParams, ca: &Ca) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &ca.0).unwrap();
        Pair { certificate, key }
    }

    /// For 127.0.0.1.
    pub fn server(ca: &Ca) -> Pair {
        Pair::new(certificate("server", &["127.0.0.1"]), ca)
    }

    /// For the user alice.
    pub fn client(ca: &Ca) -> Pair {
        Pair::new(certificate("alice", &[]), ca)
    }

    pub fn serial(&self) -> u64 {
        SERIAL
    }

    pub fn cert_der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    pub fn cert_pem(&self) -> Vec<u8> {
        self.certificate.pem().into_bytes()
    }

    pub fn key_der(&self) -> Vec<u8> {
        self.key.serialize_der()
    }

    pub fn key_pem(&self) -> Vec<u8> {
        self.key.serialize_pem().into_bytes()
    }

    /// The key in PKCS#8, encrypted.
    pub fn encrypted_key(&self, password: &str) -> Vec<u8> {
        let pass = format!("pass:{password}");
        openssl(&["pkcs8", "-topk8", "-passout", &pass], &self.key_pem())
    }
}

/// The pin of a key, as curl's manual page makes it.
pub fn pin(pair: &Pair) -> String {
    let key = openssl(&["pkey", "-pubout", "-outform", "der"], &pair.key_pem());
    let digest = openssl(&["dgst", "-sha256", "-binary"], &key);
    format!("sha256//{}", BASE64.encode(&digest))
}

/// What the `openssl` command (Debian package openssl) makes of its input.
fn openssl(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl (Debian package openssl)");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "openssl {arguments:?}");
    output.stdout
}
