//! Which servers are trusted.

use super::cases;

cases! {
    a_server_of_a_trusted_authority: "tls server | sub& tls --cafile {pki}/ca.crt -i s -t a -C 1 | pub tls --cafile {pki}/ca.crt -i p -t a -m one -q 1 | sees one";
    a_server_with_an_rsa_key: "tls server-rsa | sub& tls --cafile {pki}/ca.crt -i s -t a -C 1 | pub tls --cafile {pki}/ca.crt -i p -t a -m one -q 2 | sees one";
    a_megabyte_each_way: "tls server | sub& tls --cafile {pki}/ca.crt -N -i s -t a -C 1 | pub tls --cafile {pki}/ca.crt -i p -t a -f {big} | gets big";
    ten_thousand_messages: "tls server | sub& tls --cafile {pki}/ca.crt -i s -t a -q 1 -C 10000 | pub tls stdin={lines} --cafile {pki}/ca.crt -i p -t a -q 1 -l | gets lines";
    a_request_and_its_response: "tls server | sub& tls -V mqttv5 --cafile {pki}/ca.crt -i s -t question -C 1 | rr& tls -V mqttv5 --cafile {pki}/ca.crt -i r -t question -e answer -m one | pub tls --cafile {pki}/ca.crt -i p -t answer -m two | sees one | sees two";
    every_protocol_version: "tls server | pub tls -V mqttv31 --cafile {pki}/ca.crt -i p -t a -m one | pub tls -V mqttv5 --cafile {pki}/ca.crt -i p -t a -m one";
    the_debug_output_of_a_success: "tls server | pub tls -d --cafile {pki}/ca.crt -i p -t a -m one -q 1 | sub tls -d --cafile {pki}/ca.crt -i s -t a -E";
    a_url_with_tls: "tls server | sub& tls --cafile {pki}/ca.crt -i s -t a -C 1 | pub raw -i p -L mqtts://localhost:{tls}/a --cafile {pki}/ca.crt -m one | sees one";

    an_authority_in_a_hashed_folder: "tls server | pub tls --capath {pki}/capath -i p -t a -m one";
    a_folder_that_is_missing_beside_a_file: "tls server | pub tls --cafile {pki}/ca.crt --capath {dir}/missing -i p -t a -m one";
    a_folder_without_the_authority: "tls server | pub tls race=handshake --capath {dir} -i p -t a -m one | sub tls race=handshake --capath {dir} -i s -t a";
    a_folder_that_is_missing: "tls server | pub tls race=handshake --capath {dir}/missing -i p -t a -m one | sub tls race=handshake --capath {dir}/missing -i s -t a";
    an_authority_among_others_in_a_file: "tls server | pub tls --cafile {pki}/both-ca.crt -i p -t a -m one";
    an_authority_of_the_system: "tls server | pub tls env=SSL_CERT_FILE={pki}/ca.crt --tls-use-os-certs -i p -t a -m one";
    an_authority_of_the_system_beside_a_file: "tls server | pub tls env=SSL_CERT_FILE={pki}/ca.crt --tls-use-os-certs --cafile {pki}/other-ca.crt -i p -t a -m one";
    an_authority_that_the_system_does_not_have: "tls server | pub tls race=handshake env=SSL_CERT_FILE={pki}/other-ca.crt --tls-use-os-certs -i p -t a -m one | sub tls race=handshake env=SSL_CERT_FILE={pki}/other-ca.crt --tls-use-os-certs -i s -t a";
    an_intermediate_certificate_that_the_server_sends: "tls server-chain | pub tls --cafile {pki}/ca.crt -i p -t a -m one";
    an_intermediate_certificate_that_the_server_does_not_send: "tls server-lone | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one";
    a_self_signed_server_that_is_itself_trusted: "tls self-signed | pub tls --cafile {pki}/self-signed.crt -i p -t a -m one";
    a_self_signed_server_of_version_1_that_is_itself_trusted: "tls self-signed-v1 | pub tls --cafile {pki}/self-signed-v1.crt -i p -t a -m one";
    a_self_signed_server: "tls self-signed | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one";
    a_server_of_another_authority: "tls server-other-ca | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --cafile {pki}/ca.crt -i s -t a | rr tls race=handshake -V mqttv5 --cafile {pki}/ca.crt -i r -t a -e b -m one";
    an_expired_server: "tls server-expired | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --cafile {pki}/ca.crt -i s -t a";
    a_server_that_is_not_valid_yet: "tls server-future | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --cafile {pki}/ca.crt -i s -t a";
    a_certificate_for_clients_alone: "tls server-client-only | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one";
    a_revoked_server_without_a_list: "tls server-revoked | pub tls --cafile {pki}/ca.crt -i p -t a -m one";

    a_server_for_another_host: "tls server-other-host | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one | sub tls race=handshake --cafile {pki}/ca.crt -i s -t a";
    a_server_by_its_address: "tls server-ip | pub raw --cafile {pki}/ca.crt -h 127.0.0.1 -p {tls} -i p -t a -m one";
    a_server_with_an_address_by_a_name: "tls server-ip | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one";
    a_server_with_names_and_addresses_by_its_address: "tls server | pub raw --cafile {pki}/ca.crt -h 127.0.0.1 -p {tls} -i p -t a -m one";
    a_common_name_where_there_is_no_other_name: "tls server-cn | pub tls --cafile {pki}/ca.crt -i p -t a -m one";
    a_common_name_of_a_certificate_of_version_1: "tls server-cn-v1 | pub tls --cafile {pki}/ca.crt -i p -t a -m one";
    a_common_name_is_no_address: "tls server-cn | pub raw race=handshake --cafile {pki}/ca.crt -h 127.0.0.1 -p {tls} -i p -t a -m one";
    a_common_name_beside_another_name: "tls server-cn-ignored | pub tls race=handshake --cafile {pki}/ca.crt -i p -t a -m one";
    another_host_with_insecure: "tls server-other-host | pub tls --insecure --cafile {pki}/ca.crt -i p -t a -m one";
    another_authority_with_insecure: "tls server-other-ca | pub tls race=handshake --insecure --cafile {pki}/ca.crt -i p -t a -m one";
    an_expired_server_with_insecure: "tls server-expired | pub tls race=handshake --insecure --cafile {pki}/ca.crt -i p -t a -m one";
}
