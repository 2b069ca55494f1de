//! Versions, ciphers, files and options; a peer that speaks something else.

use super::cases;

cases! {
    a_server_of_tls_1_2: "openssl MaxProtocol = TLSv1.2 | tls server | pub tls --cafile {pki}/ca.crt -i p -t a -m one | pub tls --tls-version tlsv1.2 --cafile {pki}/ca.crt -i p -t a -m one";
    a_server_of_tls_1_3: "openssl MinProtocol = TLSv1.3 | tls server | pub tls --cafile {pki}/ca.crt -i p -t a -m one | pub tls --tls-version tlsv1.3 --cafile {pki}/ca.crt -i p -t a -m one";
    a_version_is_the_least_one: "openssl MinProtocol = TLSv1.3 | tls server | pub tls --tls-version tlsv1.2 --cafile {pki}/ca.crt -i p -t a -m one | pub tls --tls-version tlsv1.1 --cafile {pki}/ca.crt -i p -t a -m one";
    a_version_that_the_server_does_not_have: "openssl MaxProtocol = TLSv1.2 | tls server | pub tls race=handshake --tls-version tlsv1.3 --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --tls-version tlsv1.3 --cafile {pki}/ca.crt -i s -t a";
    an_unknown_version: "tls server | pub tls rc=1 --tls-version tlsv1.9 --cafile {pki}/ca.crt -i p -t a -m one | sub tls rc=1 --tls-version sslv3 --cafile {pki}/ca.crt -i s -t a";
    an_old_version: "tls server | pub tls rc=1 --tls-version tlsv1 --cafile {pki}/ca.crt -i p -t a -m one | pub tls rc=1 --tls-version tlsv1.0 --cafile {pki}/ca.crt -i p -t a -m one";

    a_cipher: "openssl MaxProtocol = TLSv1.2 | tls server | conf ciphers ECDHE-ECDSA-AES128-GCM-SHA256 | pub tls --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 --cafile {pki}/ca.crt -i p -t a -m one";
    a_list_of_ciphers_of_which_the_server_has_one: "openssl MaxProtocol = TLSv1.2 | tls server | conf ciphers ECDHE-ECDSA-CHACHA20-POLY1305 | pub tls --ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305 --cafile {pki}/ca.crt -i p -t a -m one";
    ciphers_that_the_server_does_not_have: "openssl MaxProtocol = TLSv1.2 | tls server | conf ciphers ECDHE-ECDSA-AES256-GCM-SHA384 | pub tls race=handshake --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --ciphers ECDHE-ECDSA-AES128-GCM-SHA256 --cafile {pki}/ca.crt -i s -t a";
    ciphers_for_another_kind_of_key: "openssl MaxProtocol = TLSv1.2 | tls server | pub tls race=handshake --ciphers ECDHE-RSA-AES128-GCM-SHA256 --cafile {pki}/ca.crt -i p -t a -m one";
    ciphers_say_nothing_of_tls_1_3: "openssl MinProtocol = TLSv1.3 | tls server | pub tls --ciphers ECDHE-RSA-AES128-GCM-SHA256 --cafile {pki}/ca.crt -i p -t a -m one";
    a_cipher_that_is_unknown: "tls server | pub tls rc=1 --ciphers NONSENSE --cafile {pki}/ca.crt -i p -t a -m one | sub tls rc=1 --ciphers NONSENSE --cafile {pki}/ca.crt -i s -t a";
    ciphers_without_forward_secrecy_among_others: "openssl MaxProtocol = TLSv1.2 | tls server | pub tls --ciphers AES128-SHA:kRSA:ECDHE-ECDSA-AES128-GCM-SHA256:!RC4 --cafile {pki}/ca.crt -i p -t a -m one";
    ciphers_of_which_none_is_here_leave_tls_13: "tls server | pub tls --ciphers AES128-SHA --cafile {pki}/ca.crt -i p -t a -m one";
    groups_of_ciphers: "tls server | pub tls --ciphers DEFAULT --cafile {pki}/ca.crt -i p -t a -m one | pub tls --ciphers 'HIGH:!aNULL:!MD5:@STRENGTH' --cafile {pki}/ca.crt -i p -t a -m one | pub tls --ciphers 'ECDHE+AESGCM' --cafile {pki}/ca.crt -i p -t a -m one";

    an_application_protocol: "tls server | pub tls --tls-alpn mqtt --cafile {pki}/ca.crt -i p -t a -m one | sub tls --tls-alpn x-amzn-mqtt-ca --cafile {pki}/ca.crt -i s -t a -E";

    a_file_of_authorities_that_is_missing: "tls server | pub tls rc=1 --cafile {dir}/missing -i p -t a -m one | sub tls rc=1 --cafile {dir}/missing -i s -t a | rr tls rc=1 -V mqttv5 --cafile {dir}/missing -i r -t a -e b -m one";
    a_file_of_authorities_that_is_a_folder: "tls server | pub tls rc=1 --cafile {dir} -i p -t a -m one";
    a_file_of_authorities_without_a_certificate: "tls server | pub tls rc=1 --cafile {pki}/garbage.crt -i p -t a -m one | sub tls rc=1 --cafile {pki}/garbage.crt -i s -t a";
    a_file_of_authorities_that_is_empty: "tls server | pub tls rc=1 --cafile {pki}/empty.crt -i p -t a -m one";
    insecure_without_authorities_is_no_tls: "tls server | pub tls rc=7 --insecure -i p -t a -m one";

    plain_text_to_a_tls_port: "tls server | pub tls rc=7 -i p -t a -m one";
    tls_to_a_plain_port: "pub rc=8 --cafile {pki}/ca.crt -i p -t a -m one | sub rc=8 --cafile {pki}/ca.crt -i s -t a | rr rc=8 -V mqttv5 --cafile {pki}/ca.crt -i r -t a -e b -m one";
    nothing_listens: "pub raw rc=1 --cafile {pki}/ca.crt -h localhost -p {deadport} -i p -t a -m one | sub raw rc=1 --cafile {pki}/ca.crt -h 127.0.0.1 -p {deadport} -i s -t a";
    a_refused_login: "conf allow_anonymous false | tls server | pub tls rc=5 --cafile {pki}/ca.crt -i p -t a -m one | sub tls rc=135 -V mqttv5 --cafile {pki}/ca.crt -i s -t a";
}
