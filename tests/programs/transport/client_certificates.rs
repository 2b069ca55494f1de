//! Servers that want to know who the client is, and keys in every format.

use super::cases;

/// A listener that lets in who has a certificate of `ca` that is not revoked, by its name.
macro_rules! knowing {
    ($rest:expr) => {
        concat!(
            "tls server | conf cafile {pki}/ca.crt | conf require_certificate true",
            " | conf use_identity_as_username true | conf crlfile {pki}/ca.crl | ",
            $rest
        )
    };
}

/// The same, with one certificate and key.
macro_rules! with_key {
    ($certificate:literal, $key:literal) => {
        knowing!(concat!(
            "pub tls --cafile {pki}/ca.crt --cert {pki}/",
            $certificate,
            ".crt --key {pki}/",
            $key,
            ".key -i p -t a -m one -q 1 | log u'alice'"
        ))
    };
}

cases! {
    a_certificate_that_is_required: knowing!("sub& tls --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.key -i s -t a -C 1 | pub tls --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.key -i p -t a -m one | logs 2 u'alice' | sees one");
    a_certificate_that_is_not_asked_for: "tls server | pub tls --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.key -i p -t a -m one";
    a_certificate_of_version_1: with_key!("client-v1", "client");
    a_certificate_with_an_rsa_key: with_key!("client-rsa", "client-rsa");
    an_ec_key_as_sec1: with_key!("client", "client.sec1");
    an_rsa_key_as_pkcs1: with_key!("client-rsa", "client-rsa.pkcs1");
    an_intermediate_certificate_behind_the_clients_own: "tls server | conf cafile {pki}/ca.crt | conf require_certificate true | pub tls --cafile {pki}/ca.crt --cert {pki}/client-chain.crt --key {pki}/client.key -i p -t a -m one";
    an_intermediate_certificate_that_nobody_sends: "tls server | conf cafile {pki}/ca.crt | conf require_certificate true | pub tls race=refused --cafile {pki}/ca.crt --cert {pki}/client-lone.crt --key {pki}/client.key -i p -t a -m one";
    a_certificate_over_tls_1_3: knowing!("pub tls --tls-version tlsv1.3 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.key -i p -t a -m one | log u'alice'");
    a_certificate_over_tls_1_2: concat!("openssl MaxProtocol = TLSv1.2 | ", knowing!("pub tls --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.key -i p -t a -m one | log u'alice'"));

    an_encrypted_key_and_its_password_on_stdin: knowing!("pub tls detached stdin={password} --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.pkcs8-aes256.key -i p -t a -m one | pub tls detached stdin={password} --cafile {pki}/ca.crt --cert {pki}/client-rsa.crt --key {pki}/client-rsa.old-des3.key -i p -t a -m one | logs 2 u'alice'");
    an_encrypted_key_and_another_password_on_stdin: knowing!("pub tls detached rc=1 stdin={small} --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.pkcs8-aes256.key -i p -t a -m one");
    an_encrypted_key_and_nobody_to_ask: knowing!("pub tls detached rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.pkcs8-aes256.key -i p -t a -m one | sub tls detached rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client.pkcs8-aes256.key -i s -t a");

    no_certificate: knowing!("pub tls race=refused --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=refused --cafile {pki}/ca.crt -i s -t a | rr tls race=refused -V mqttv5 --cafile {pki}/ca.crt -i r -t a -e b -m one");
    a_certificate_of_another_authority: knowing!("pub tls race=refused --cafile {pki}/ca.crt --cert {pki}/client-other-ca.crt --key {pki}/client.key -i p -t a -m one | sub tls race=refused --cafile {pki}/ca.crt --cert {pki}/client-other-ca.crt --key {pki}/client.key -i s -t a");
    a_revoked_certificate: knowing!("pub tls race=refused --cafile {pki}/ca.crt --cert {pki}/client-revoked.crt --key {pki}/client.key -i p -t a -m one | sub tls race=refused --cafile {pki}/ca.crt --cert {pki}/client-revoked.crt --key {pki}/client.key -i s -t a");
    an_expired_certificate: knowing!("pub tls race=refused --cafile {pki}/ca.crt --cert {pki}/client-expired.crt --key {pki}/client.key -i p -t a -m one");
    no_certificate_over_tls_1_2: concat!("openssl MaxProtocol = TLSv1.2 | ", knowing!("pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --cafile {pki}/ca.crt -i s -t a"));
    a_certificate_of_another_authority_over_tls_1_2: concat!("openssl MaxProtocol = TLSv1.2 | ", knowing!("pub tls race=handshake --cafile {pki}/ca.crt --cert {pki}/client-other-ca.crt --key {pki}/client.key -i p -t a -m one"));
    a_revoked_certificate_over_tls_1_2: concat!("openssl MaxProtocol = TLSv1.2 | ", knowing!("pub tls race=handshake --cafile {pki}/ca.crt --cert {pki}/client-revoked.crt --key {pki}/client.key -i p -t a -m one"));

    a_key_of_another_certificate: knowing!("pub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/server.key -i p -t a -m one | sub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/server.key -i s -t a");
    a_key_of_another_kind_than_the_certificate: knowing!("pub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/client-rsa.key -i p -t a -m one");
    a_key_file_that_is_missing: "tls server | pub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {dir}/missing -i p -t a -m one | sub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {dir}/missing -i s -t a";
    a_certificate_file_that_is_missing: "tls server | pub tls rc=1 --cafile {pki}/ca.crt --cert {dir}/missing --key {pki}/client.key -i p -t a -m one";
    a_key_file_without_a_key: "tls server | pub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt --key {pki}/garbage.crt -i p -t a -m one";
    a_certificate_file_without_a_certificate: "tls server | pub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/garbage.crt --key {pki}/client.key -i p -t a -m one";
    a_certificate_without_a_key: "tls server | pub tls rc=1 --cafile {pki}/ca.crt --cert {pki}/client.crt -i p -t a -m one";
    a_key_without_a_certificate: "tls server | pub tls rc=1 --cafile {pki}/ca.crt --key {pki}/client.key -i p -t a -m one";
}
