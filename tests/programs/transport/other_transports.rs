//! Unix sockets and SOCKS5 proxies.

use super::cases;

cases! {
    a_unix_socket: "conf listener 0 {dir}/socket | sub& raw --unix {dir}/socket -i s -t a -C 1 | pub raw --unix {dir}/socket -i p -t a -m one -q 1 | sees one";
    a_unix_socket_in_debug_output: "conf listener 0 {dir}/socket | pub raw -d --unix {dir}/socket -i p -t a -m one -q 2";
    a_unix_socket_that_is_missing: "pub raw rc=1 --unix {dir}/missing -i p -t a -m one | sub raw rc=1 --unix {dir}/missing -i s -t a";
    a_unix_socket_that_is_a_file: "pub raw rc=1 --unix {small} -i p -t a -m one";
    a_unix_socket_with_a_long_name: "pub raw rc=1 --unix {dir}/012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 -i p -t a -m one";

    a_proxy: "proxy | sub& --proxy socks5h://127.0.0.1:{proxy} -i s -t a -C 1 | pub --proxy socks5h://127.0.0.1:{proxy} -i p -t a -m one -q 1 | sees one";
    a_proxy_by_name: "proxy | pub --proxy socks5h://localhost:{proxy} -i p -t a -m one";
    a_proxy_resolves_the_name: "proxy | pub raw -h localhost -p {port} --proxy socks5h://127.0.0.1:{proxy} -i p -t a -m one";
    a_proxy_in_debug_output: "proxy | pub -d --proxy socks5h://127.0.0.1:{proxy} -i p -t a -m one -q 1 | sub -d --proxy socks5h://127.0.0.1:{proxy} -i s -t a -E";
    a_proxy_with_a_password: "proxy alice secret | sub& --proxy socks5h://alice:secret@127.0.0.1:{proxy} -i s -t a -C 1 | pub --proxy socks5h://alice:secret@127.0.0.1:{proxy} -i p -t a -m one | sees one";
    a_request_through_a_proxy: "proxy | sub& -V mqttv5 -i s -t question -C 1 | rr& --proxy socks5h://127.0.0.1:{proxy} -V mqttv5 -i r -t question -e answer -m one | pub -V mqttv5 -i p -t answer -m two | sees one | sees two";
    tls_through_a_proxy: "tls server | proxy | sub& tls --proxy socks5h://127.0.0.1:{proxy} --cafile {pki}/ca.crt -i s -t a -C 1 | pub tls --proxy socks5h://127.0.0.1:{proxy} --cafile {pki}/ca.crt -i p -t a -m one | sees one";
    a_wrong_authority_through_a_proxy: "tls server | proxy | pub tls rc=8 --proxy socks5h://127.0.0.1:{proxy} --cafile {pki}/other-ca.crt -i p -t a -m one | sub tls rc=8 --proxy socks5h://127.0.0.1:{proxy} --cafile {pki}/other-ca.crt -i s -t a";
    a_wrong_password_for_a_proxy: "proxy alice secret | pub rc=11 --proxy socks5h://alice:wrong@127.0.0.1:{proxy} -i p -t a -m one | sub rc=11 --proxy socks5h://alice:wrong@127.0.0.1:{proxy} -i s -t a";
    no_password_for_a_proxy_that_wants_one: "proxy alice secret | pub rc=11 --proxy socks5h://127.0.0.1:{proxy} -i p -t a -m one | sub rc=11 --proxy socks5h://127.0.0.1:{proxy} -i s -t a";
    a_password_for_a_proxy_that_wants_none: "proxy | pub --proxy socks5h://alice:secret@127.0.0.1:{proxy} -i p -t a -m one";
    a_proxy_that_is_down: "pub rc=1 --proxy socks5h://127.0.0.1:{deadport} -i p -t a -m one | sub rc=1 --proxy socks5h://127.0.0.1:{deadport} -i s -t a";
    a_proxy_whose_name_is_unknown: "pub rc=1 --proxy socks5h://no.such.host.invalid:1080 -i p -t a -m one";
    a_proxy_that_finds_nobody_listening: "proxy | pub raw rc=4 -h 127.0.0.1 -p {deadport} --proxy socks5h://127.0.0.1:{proxy} -i p -t a -m one";
    a_proxy_that_does_not_know_the_name: "proxy | pub raw rc=16 -h no.such.host.invalid -p 1883 --proxy socks5h://127.0.0.1:{proxy} -i p -t a -m one";
    a_proxy_that_is_a_broker: "pub rc=7 --proxy socks5h://127.0.0.1:{port} -i p -t a -m one";
    a_proxy_of_another_kind: "pub rc=1 --proxy socks4://127.0.0.1:1080 -i p -t a -m one | pub rc=1 --proxy http://127.0.0.1:1080 -i p -t a -m one | pub rc=1 --proxy socks5h:// -i p -t a -m one";
}
