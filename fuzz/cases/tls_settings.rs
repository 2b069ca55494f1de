//! Any bytes as certificates, keys, revocation lists, pins, cipher lists and names of
//! protocols: a setting that is taken, or a reason why it is not, and then no connection.

use mqttrs::transport::{client_config, TlsSettings};

const CA: &[u8] = include_bytes!("ca.crt");
const CERTIFICATE: &[u8] = include_bytes!("client.crt");

pub fn run(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else {
        return;
    };
    let mut tls = TlsSettings::default();
    tls.set_ca(Some(CA)).unwrap();
    let text = String::from_utf8_lossy(bytes);
    let mut outcome = match kind % 8 {
        0 => tls.set_ca(Some(bytes)),
        1 => tls.set_certificate(Some((CERTIFICATE, bytes))),
        2 => tls.set_certificate(Some((bytes, include_bytes!("client.key")))),
        3 => tls.set_crl(Some(bytes)),
        4 => tls.set_pins(Some(&text)),
        5 => tls.set_protocol(true, None, Some(text.into_owned())),
        6 => tls.set_protocol(true, Some(text.into_owned()), None),
        _ => tls.set_alpn(text.split(',').map(str::to_owned).collect()),
    };
    if outcome.is_ok() {
        // Each is asked once more when it is put to use.
        let config = client_config(&tls, &|| Some(b"correct horse".to_vec()));
        outcome = config.map(drop).map_err(|error| error.to_string());
    } else {
        let config = client_config(&tls, &|| None);
        assert!(config.is_err(), "a refused setting is left out");
    }
    if let Err(why) = outcome {
        assert!(!why.is_empty());
    }
}
