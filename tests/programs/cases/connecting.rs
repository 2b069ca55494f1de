//! Getting to the broker, or not; command lines that are refused.

use super::{cases, versions};

versions! {
    a_refused_connection: "pub raw rc=1 -V {v} -h 127.0.0.1 -p {deadport} -t a -m one | sub raw rc=1 -V {v} -h 127.0.0.1 -p {deadport} -t a";
    an_unknown_host: "pub raw rc=1 -V {v} -h no.such.host.invalid -t a -m one | sub raw rc=1 -V {v} -h no.such.host.invalid -t a";
    the_right_password: "conf allow_anonymous false | conf password_file {passwords} | sub& -V {v} -u alice -P secret -i s -t a -C 1 | pub -V {v} -u alice -P secret -i p -t a -m one | sees one";
    a_wrong_password_for_pub: "conf allow_anonymous false | conf password_file {passwords} | pub rc={refused} -V {v} -u alice -P wrong -i p -t a -m one";
    a_wrong_password_for_sub: "conf allow_anonymous false | conf password_file {passwords} | sub rc={refused} -V {v} -u alice -P wrong -i s -t a";
    a_wrong_password_in_debug_output: "conf allow_anonymous false | conf password_file {passwords} | pub rc={refused} -d -V {v} -u alice -P wrong -i p -t a -m one | sub rc={refused} -d -V {v} -u alice -P wrong -i s -t a";
    an_unknown_user: "conf allow_anonymous false | conf password_file {passwords} | pub rc={refused} -V {v} -u bob -P secret -i p -t a -m one";
    no_user_name_where_one_is_needed: "conf allow_anonymous false | conf password_file {passwords} | pub rc={refused} -V {v} -i p -t a -m one | sub rc={refused} -V {v} -i s -t a";
    a_generated_client_identifier: "pub -d -V {v} -t a -m one -q 1 | sub -d -V {v} -t a -E";
    an_identifier_with_the_process_id: "mask pid | pub -d -V {v} -I pre- -t a -m one | sub -d -V {v} -I pre- -t a -E | sees Client pre-";
    another_client_takes_the_identifier_over: "sub& -V {v} -i s -t a -C 1 | sub -V {v} -i s -t b -E | logs 3 Sending SUBACK to s | pub -V {v} -i p -t a -m one | sees one";
}

cases! {
    a_refused_connection_without_messages: "pub raw rc=1 --quiet -h 127.0.0.1 -p {deadport} -t a -m one | sub raw rc=1 --quiet -h 127.0.0.1 -p {deadport} -t a";
    a_refused_connection_in_debug_output: "pub raw rc=1 -d -h 127.0.0.1 -p {deadport} -i p -t a -m one | sub raw rc=1 -d -h 127.0.0.1 -p {deadport} -i s -t a";
    a_refused_connection_for_lines: "pub raw rc=1 stdin={small} -h 127.0.0.1 -p {deadport} -t a -l";
    a_host_by_name: "pub raw -h localhost -p {port} -i p -t a -m one";
    a_host_by_ipv6_that_nothing_listens_on: "pub raw rc=1 -h ::1 -p {deadport} -i p -t a -m one";
    a_bind_address: "sub& -A 127.0.0.1 -i s -t a -C 1 | pub -A 127.0.0.1 -i p -t a -m one | sees one";
    a_bind_address_that_is_not_ours: "pub rc=1 -A 192.0.2.1 -i p -t a -m one";
    nodelay: "sub& --nodelay -q 1 -i s -t a -C 1 | pub --nodelay -q 1 -i p -t a -m one | sees one";
    a_url: "sub& -i s -t a/b -C 1 | pub raw -i p -L mqtt://127.0.0.1:{port}/a/b -m one | sees one";
    a_url_with_user_and_password: "conf allow_anonymous false | conf password_file {passwords} | sub& -u alice -P secret -i s -t a -C 1 | pub raw -i p -L mqtt://alice:secret@127.0.0.1:{port}/a -m one | sees one";
    a_url_of_sub: "pub -r -i p -t a/b -m one | sub raw -i s -L mqtt://127.0.0.1:{port}/a/b -C 1 | sees one";
    a_user_name_without_password: "conf allow_anonymous false | conf password_file {passwords} | pub rc=5 -u alice -i p -t a -m one";
    a_password_without_user_name_over_3_1_1: "pub rc=1 -P secret -i p -t a -m one";
    a_password_without_user_name_over_5: "conf allow_anonymous false | conf password_file {passwords} | pub rc=135 -V mqttv5 -P secret -i p -t a -m one";
    an_empty_client_identifier: "pub rc=1 -d -i '' -t a -m one";
    an_empty_client_identifier_with_a_kept_session: "sub rc=1 -c -t a -E";
    a_long_client_identifier: "pub -d -V mqttv31 -i 0123456789012345678901234567890123456789 -t a -m one | sub -d -i 0123456789012345678901234567890123456789 -t a -E";
    an_identifier_that_the_broker_refuses: "conf clientid_prefixes ok- | pub rc=5 -i other -t a -m one | pub -i ok-p -t a -m one";
    generated_identifiers_refused: "conf allow_zero_length_clientid false | pub rc=2 -t a -m one | pub rc=128 -V mqttv5 -t a -m one";
    a_keep_alive_above_the_brokers: "conf max_keepalive 20 | sub -d -V mqttv5 -k 60 -i s -t a -E";
    a_keep_alive: "sub -d -k 5 -i s -t a -E | log (p2, c1, k5) | pub -k 65535 -i p -t a -m one | log (p2, c1, k65535)";
    a_keep_alive_below_five: "sub rc=1 -k 4 -i s -t a -E | pub rc=1 -k 4 -i p -t a -m one";
    a_keep_alive_above_65535: "sub rc=1 -k 65536 -i s -t a -E";
    denied_publishing_over_5: "conf acl_file {acl} | pub rc=0 -V mqttv5 -q 1 -i p -t readonly -m one | pub rc=0 -V mqttv5 -q 2 -i p -t readonly -m one";
    denied_publishing_over_5_in_debug_output: "conf acl_file {acl} | pub rc=0 -d -V mqttv5 -q 1 -i p -t readonly -m one | pub rc=0 -d -V mqttv5 -q 2 -i p -t readonly -m one";
    denied_publishing_over_3_1_1: "conf acl_file {acl} | pub -d -q 1 -i p -t readonly -m one | pub rc=7 -d -q 2 -i p -t readonly -m one";
    messages_that_the_broker_withholds: "conf acl_file {acl} | sub& -d -i s -t none -t 'open/#' -C 1 | pub -i p -t open/a -m one | sees one";
    sub_cannot_bind_its_options: "sub rc=1 -i s -t a -C 0 | sub rc=1 -i s -t a -W 0 | sub rc=1 -i s -I t -t a | sub rc=1 -i s";
    topics_with_wildcards_cannot_be_published: "pub rc=1 -i p -t 'a/+' -m one | pub rc=1 -i p -t 'a/#' -m one";
    filters_with_misplaced_wildcards: "sub rc=1 -i s -t 'a/#/b' | sub rc=1 -i s -t 'a+' | sub rc=1 -i s -t '+a/b' | sub rc=1 -i s -t a -T 'b#' | sub rc=1 -i s -t a -U 'b#'";
    a_will_topic_with_wildcards: "pub rc=1 -i p -t a -m one --will-topic 'a/#' | sub rc=1 -i s -t a --will-topic 'a/+'";
    a_will_payload_without_a_topic: "pub rc=1 -i p -t a -m one --will-payload x | sub rc=1 -i s -t a --will-payload x";
    a_qos_of_three: "pub rc=1 -i p -q 3 -t a -m one | sub rc=1 -i s -q 3 -t a | sub rc=1 -i s -t a --will-topic w --will-qos 3";
    missing_parts_of_a_command_line: "pub rc=1 -i p -t a | pub rc=1 -i p -m one | pub rc=1 -i p -t a -m one -n | rr rc=1 -i r -t a -m one | rr rc=1 -i r -e b -m one";
    an_unknown_protocol_version: "pub rc=1 -V mqttv4 -i p -t a -m one | sub rc=1 -V 6 -i s -t a";
    an_unknown_option: "pub rc=1 --nonsense | sub rc=1 --nonsense | rr rc=1 --nonsense";
    a_port_out_of_range: "pub raw rc=1 -p 65536 -t a -m one | sub raw rc=1 -p -1 -t a";
    the_help: "pub raw rc=1 --help | sub raw rc=1 --help | rr raw rc=1 --help";
    the_version: "pub raw rc=1 --version | sub raw rc=1 --version | rr raw rc=1 --version";
    an_inflight_window_of_zero: "pub rc=1 -i p -M 0 -t a -m one -q 1";
    a_session_expiry_needs_mqtt_5: "pub rc=0 -x 10 -i p -t a -m one | sub rc=0 -x 10 -i s -t a -E";
}
