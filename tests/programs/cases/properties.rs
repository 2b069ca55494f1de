//! MQTT 5 properties given with `-D`: each kind, for each command.
//!
//! Values that MQTT forbids and Debian's version lets pass (a payload format
//! indicator of 2, a response topic with wildcards, a subscription identifier of
//! 0) are no cases: our library refuses them, as later versions of libmosquitto
//! do. Nor is a topic alias above the broker's maximum: Debian's library sends it
//! all the same and is thrown out, ours sends the topic instead.

use super::cases;

cases! {
    publish_content_type: "pub -r -V mqttv5 -i p -t a -m one -D publish content-type text/plain | sub -V mqttv5 -i s -t a -C 1 -F '%C %p' | sees text/plain one";
    publish_correlation_data: "pub -r -V mqttv5 -i p -t a -m one -D publish correlation-data abc | sub -V mqttv5 -i s -t a -C 1 -F '%D %p' | sees abc one";
    publish_message_expiry_interval: "pub -r -V mqttv5 -i p -t a -m one -D publish message-expiry-interval 100000 | sub -V mqttv5 -i s -t a -C 1 -F '%p' | sees one";
    publish_message_expiry_interval_shown: "mask digits | pub -r -V mqttv5 -i p -t a -m one -D publish message-expiry-interval 100000 | sub -V mqttv5 -i s -t a -C 1 -F '%E %p' | sees one";
    publish_payload_format_indicator: "pub -r -V mqttv5 -i p -t a -m one -D publish payload-format-indicator 1 | sub -V mqttv5 -i s -t a -C 1 -F '%F %p' | sees 1 one";
    publish_response_topic: "pub -r -V mqttv5 -i p -t a -m one -D publish response-topic r/t | sub -V mqttv5 -i s -t a -C 1 -F '%R %p' | sees r/t one";
    publish_topic_alias: "sub& -V mqttv5 -i s -t a -C 1 -v | pub -V mqttv5 -i p -t a -m one -D publish topic-alias 3 | sees a one";
    publish_topic_alias_for_lines: "sub& -V mqttv5 -q 1 -i s -t a -C 2 -v | pub stdin={small} -V mqttv5 -q 1 -i p -t a -l -D publish topic-alias 3 | sees a of two lines";
    publish_user_property: "pub -r -V mqttv5 -i p -t a -m one -D publish user-property key value | sub -V mqttv5 -i s -t a -C 1 -F '%P %p' | sees key:value one";
    publish_user_properties_in_order: "pub -r -V mqttv5 -i p -t a -m one -D publish user-property b 1 -D publish user-property a 2 -D publish user-property b 3 | sub -V mqttv5 -i s -t a -C 1 -F '%P' | sees b:1 a:2 b:3";
    publish_all_together: "sub& -V mqttv5 -q 2 -i s -t a -C 1 -F '%C|%D|%F|%P|%R|%p' | pub -V mqttv5 -q 2 -i p -t a -m one -D publish content-type t -D publish correlation-data c -D publish payload-format-indicator 1 -D publish user-property k v -D publish response-topic r | sees t|c|1|k:v|r|one";
    publish_for_every_line: "sub& -V mqttv5 -q 1 -i s -t a -C 2 -F '%P %p' | pub stdin={small} -V mqttv5 -q 1 -i p -t a -l -D publish user-property k v | sees k:v of two lines";
    publish_in_debug_output: "pub -d -V mqttv5 -q 1 -i p -t a -m one -D publish content-type t -D publish user-property k v";
    connect_session_expiry_interval: "sub -V mqttv5 -q 1 -i s -t a -E -D connect session-expiry-interval 60 | log Client s disconnected | pub -q 1 -i p -t a -m one | sub -V mqttv5 -c -q 1 -i s -t a -C 1 | sees one";
    connect_receive_maximum: "sub& -V mqttv5 -q 1 -i s -t a -C 2 -D connect receive-maximum 1 | pub -q 1 -i p -t a -m one | pub -q 1 -i p -t a -m two | sees two";
    connect_receive_maximum_for_pub: "pub -V mqttv5 -q 1 -i p -t a -m one -D connect receive-maximum 10";
    connect_maximum_packet_size: "sub& -V mqttv5 -i s -t a -C 1 -F '%l' -D connect maximum-packet-size 100 | pub -i p -t a -f {big} | pub -i p -t a -m short | sees 5";
    connect_topic_alias_maximum: "sub& -V mqttv5 -i s -t a -C 1 -D connect topic-alias-maximum 10 | pub -i p -t a -m one | sees one";
    connect_request_response_information: "sub -V mqttv5 -i s -t a -E -D connect request-response-information 1";
    connect_request_problem_information: "sub -V mqttv5 -i s -t a -E -D connect request-problem-information 0";
    connect_user_property: "pub -d -V mqttv5 -i p -t a -m one -D connect user-property k v -D connect user-property k w";
    connect_authentication_method: "pub rc=140 -V mqttv5 -i p -t a -m one -D connect authentication-method m";
    connect_authentication_data: "pub rc=140 -V mqttv5 -i p -t a -m one -D connect authentication-method m -D connect authentication-data d";
    connect_authentication_data_alone: "pub rc=0 -V mqttv5 -i p -t a -m one -D connect authentication-data d";
    disconnect_session_expiry_interval: "pub -V mqttv5 -x 10 -i p -t a -m one -D disconnect session-expiry-interval 20";
    disconnect_user_property: "pub -d -V mqttv5 -i p -t a -m one -D disconnect user-property k v";
    subscribe_user_property: "sub -d -V mqttv5 -i s -t a -E -D subscribe user-property k v";
    subscribe_subscription_identifier: "pub -r -V mqttv5 -i p -t a -m one | sub -V mqttv5 -i s -t a -C 1 -F '%S %p' -D subscribe subscription-identifier 42 | sees 42 one";
    unsubscribe_user_property: "sub -d -V mqttv5 -i s -t a -U b -E -D unsubscribe user-property k v";
    will_content_type: "sub& -V mqttv5 -i watcher -t w -C 1 -F '%C %p' | sub& rc=kill -V mqttv5 -i dying -t x --will-topic w --will-payload gone -D will content-type t | kill dying | sees t gone";
    will_correlation_data_and_response_topic: "sub& -V mqttv5 -i watcher -t w -C 1 -F '%D %R %p' | sub& rc=kill -V mqttv5 -i dying -t x --will-topic w --will-payload gone -D will correlation-data c -D will response-topic r | kill dying | sees c r gone";
    will_message_expiry_interval: "sub& -V mqttv5 -i watcher -t w -C 1 -F '%p' | sub& rc=kill -V mqttv5 -i dying -t x --will-topic w --will-payload gone -D will message-expiry-interval 100 | kill dying | sees gone";
    will_payload_format_indicator: "sub& -V mqttv5 -i watcher -t w -C 1 -F '%F %p' | sub& rc=kill -V mqttv5 -i dying -t x --will-topic w --will-payload gone -D will payload-format-indicator 1 | kill dying | sees 1 gone";
    will_user_property: "sub& -V mqttv5 -i watcher -t w -C 1 -F '%P %p' | sub& rc=kill -V mqttv5 -i dying -t x --will-topic w --will-payload gone -D will user-property k v | kill dying | sees k:v gone";
    will_delay_interval: "sub& -V mqttv5 -i watcher -t w -C 1 -F '%p' | sub& rc=kill -V mqttv5 -x 60 -i dying -t x --will-topic w --will-payload gone -D will will-delay-interval 1 | kill dying | sees gone";
    request_response_with_properties: "sub& -V mqttv5 -i s -t req -C 1 -F '%C %P %p' | rr& -i r -t req -e resp -m question -D publish content-type t -D publish user-property k v -D connect user-property a b | end s | pub -i p -t resp -m answer | sees t k:v question";
    a_property_that_the_command_does_not_take: "pub rc=1 -V mqttv5 -i p -t a -m one -D connect content-type t | pub rc=1 -V mqttv5 -i p -t a -m one -D publish receive-maximum 3 | sub rc=1 -V mqttv5 -i s -t a -D subscribe topic-alias 3";
    an_unknown_property_or_command: "pub rc=1 -V mqttv5 -i p -t a -m one -D publish nonsense 1 | pub rc=1 -V mqttv5 -i p -t a -m one -D nonsense user-property k v";
    a_property_twice: "pub rc=1 -V mqttv5 -i p -t a -m one -D publish content-type t -D publish content-type u";
    a_property_without_its_value: "pub rc=1 -V mqttv5 -i p -t a -m one -D publish user-property k";
    a_number_out_of_range: "pub rc=1 -V mqttv5 -i p -t a -m one -D connect receive-maximum 65536";
    a_receive_maximum_of_zero: "pub rc=1 -V mqttv5 -i p -t a -m one -D connect receive-maximum 0";
    properties_below_mqtt_5: "pub rc=0 -V mqttv311 -i p -t a -m one -D publish content-type t | sub rc=0 -i s -t a -E -D subscribe user-property k v";
}
