//! How `mosquitto_sub` prints messages.

use super::cases;

cases! {
    the_payload_alone: "pub -r -i p -t a -m one | sub -i s -t a -C 1 | sees one";
    verbose: "pub -r -i p -t a/b -m one | sub -i s -t a/b -C 1 -v | sees a/b one";
    verbose_with_an_empty_payload: "sub& -i s -t a -C 1 -v | pub -i p -t a -n | sees a (null)";
    without_a_newline: "pub -r -i p -t a/1 -m one | pub -r -i p -t a/2 -m two | sub -i s -t 'a/#' -C 2 -N";
    without_a_newline_and_verbose: "pub -r -i p -t a/1 -m one | sub -i s -t 'a/#' -C 1 -N -v";
    stale_messages_left_out: "pub -r -i p -t a/1 -m stale | sub& -R -i s -t 'a/#' -C 1 -v | pub -i p -t a/2 -m fresh | sees a/2 fresh";
    filtered_out_topics: "sub& -i s -t 'a/#' -T a/1 -T 'a/b/+' -C 1 -v | pub -i p -t a/1 -m one | pub -i p -t a/b/c -m two | pub -i p -t a/3 -m three | sees a/3 three";
    topic_and_payload: "pub -r -i p -t a/b -m one | sub -i s -t a/b -C 1 -F '%t=%p'";
    qos_retain_and_mid: "pub -r -q 1 -i p -t a -m one | sub -q 1 -i s -t a -C 1 -F 'q%q r%r m%m'";
    mid_at_qos_2: "pub -r -q 2 -i p -t a -m one | sub -q 2 -i s -t a -C 1 -F 'q%q r%r m%m l%l'";
    the_length: "pub -r -i p -t a -m 'one two' | sub -i s -t a -C 1 -F '%l'";
    hexadecimal: "pub -r -i p -t a -m 'one ✓' | sub -i s -t a -C 1 -F '%x' | sub -i t -t a -C 1 -F '%X'";
    a_mebibyte_in_hexadecimal: "sub& -i s -t a -C 1 -F '%x' | pub -q 1 -i p -t a -f {big}";
    widths_and_padding: "pub -r -i p -t a -m one | sub -i s -t a -C 1 -F '[%10t][%-10t][%010l][%.1t][%5p]'";
    escapes: "pub -r -i p -t a -m one | sub -i s -t a -C 1 -F 'a\\tb\\nc\\\\d%%e@@f'";
    times: "mask digits | pub -r -i p -t a -m one | sub -i s -t a -C 1 -F '%I %U @Y-@m-@d @H:@M:@S @N'";
    json: "mask digits | pub -r -q 1 -i p -t a -m '{\"k\": [1, true]}' | sub -q 1 -i s -t a -C 1 -F '%j' | sub -i t -t a -C 1 -F '%J'";
    json_of_a_text: "mask digits | pub -r -i p -t a -m 'a \"quoted\" text' | sub -i s -t a -C 1 -F '%j'";
    json_of_what_is_not_json: "mask digits | pub -r -i p -t a -m 'not json' | sub rc=0 -i s -t a -C 1 -F '%J'";
    json_pretty: "mask digits | pub -r -i p -t a -m 1 | sub -i s -t a -C 1 -F '%j' --pretty";
    json_over_mqtt_5: "mask digits | pub -r -V mqttv5 -q 2 -i p -t a -m 1 -D publish content-type t -D publish user-property k v -D publish response-topic r -D publish correlation-data c | sub -V mqttv5 -q 2 -i s -t a -C 1 -F '%j'";
    a_broken_format: "sub rc=1 -i s -t a -F '%' | sub rc=1 -i s -t a -F '%e' | sub rc=1 -i s -t a -F '\\' | sub rc=1 -i s -t a -F '\\q'";
}
