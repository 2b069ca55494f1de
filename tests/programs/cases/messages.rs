//! Messages on their way from one program to another.
//!
//! Debian's library and broker do not count alike how many QoS 2 messages are
//! on their way over MQTT 5, and with a small receive maximum the connection
//! ends at times in the middle of many messages; hence `{wide}`.

use super::{cases, grid, versions};

grid! {
    a_message_arrives: "sub& -V {v} -q {q} -i s -t a/b -C 1 -v | pub -V {v} -q {q} -i p -t a/b -m 'hello world' | sees a/b hello world";
    a_retained_message_is_kept: "pub -V {v} -q {q} -i p -t a -m kept -r | sub -V {v} -q {q} -i s -t a -C 1 -F '%r %q %t %p' | sees kept";
    a_retained_message_is_cleared: "pub -V {v} -q {q} -i p -t a -m kept -r | pub -V {v} -q {q} -i p -t a -n -r | sub& -V {v} -i s -q {q} -t a -C 1 -F '%r %p' | pub -V {v} -i p -q {q} -t a -m fresh | sees 0 fresh";
    the_will_is_delivered_when_the_client_is_killed: "sub& -V {v} -q {q} -i watcher -t w -C 1 -F '%t %q %r %p' | sub& rc=kill -V {v} -i dying -t x --will-topic w --will-payload gone --will-qos {q} | kill dying | sees gone";
    an_empty_message_arrives: "sub& -V {v} -q {q} -i s -t a -C 1 -F '[%p] %l' | pub -V {v} -q {q} -i p -t a -n | sees [] 0";
    a_mebibyte_arrives: "sub& -V {v} -q {q} -i s -t a -C 1 -N | pub -V {v} -q {q} -i p -t a -f {big} | gets big";
    repeated_messages_arrive: "sub& {wide} -V {v} -q {q} -i s -t a -C 300 | pub -V {v} -q {q} -i p -t a --repeat 300 -m again";
}

versions! {
    ten_thousand_lines_at_qos_2_arrive_in_order: "sub& {wide} -V {v} -q 2 -i s -t a -C 10000 | pub stdin={lines} -V {v} -q 2 -i p -t a -l | gets lines";
    ten_thousand_lines_at_qos_1_arrive_in_order: "sub& -V {v} -q 1 -i s -t a -C 10000 | pub stdin={lines} -V {v} -q 1 -i p -t a -l | gets lines";
    ten_thousand_lines_at_qos_0_arrive_in_order: "sub& -V {v} -q 0 -i s -t a -C 10000 | pub stdin={lines} -V {v} -q 0 -i p -t a -l | gets lines";
    a_retained_will_is_kept: "sub& rc=kill -V {v} -i dying -t x --will-topic w --will-payload gone --will-qos 1 --will-retain | kill dying | log Client dying | sub -V {v} -i s -t w -C 1 -F '%r %p' | sees 1 gone";
    the_will_is_not_sent_when_the_client_leaves: "sub& -V {v} -i watcher -t w -t after -C 1 -v | sub -V {v} -i leaving -t x -E --will-topic w --will-payload gone | pub -V {v} -i p -t after -m then | sees after then";
    a_publishers_will_is_not_sent_after_a_clean_end: "sub& -V {v} -i watcher -t w -t a -t after -C 2 -v | pub -V {v} -i p -t a -m one --will-topic w --will-payload gone | pub -V {v} -i p -t after -m two | sees after two";
    a_message_of_the_higher_qos_is_downgraded_to_the_subscription: "sub& -V {v} -q 1 -i s -t a -C 1 -F '%q %p' | pub -V {v} -q 2 -i p -t a -m two | sees 1 two";
    standard_input_is_one_message: "sub& -V {v} -q 1 -i s -t a -C 1 -F '%l' | pub stdin={small} -V {v} -q 1 -i p -t a -s | sees 25";
    an_empty_will_is_delivered: "sub& -V {v} -i watcher -t w -C 1 -F '%t [%p]' | sub& rc=kill -V {v} -i dying -t x --will-topic w | kill dying | sees w []";
}

cases! {
    standard_input_of_a_mebibyte_arrives: "sub& -q 1 -i s -t a -C 1 -N | pub stdin={big} -q 1 -i p -t a -s | gets big";
    a_file_arrives: "sub& -q 2 -i s -t a -C 1 -N | pub -q 2 -i p -t a -f {small} | gets small";
    an_empty_file_arrives: "sub& -q 1 -i s -t a -C 1 -F '%l' | pub -q 1 -i p -t a -f {empty} | sees 0";
    an_empty_file_of_lines_sends_nothing: "sub& -i s -t a -t end -C 1 -v | pub stdin={empty} -i p -t a -l | pub -i p -t end -m over | sees end over";
    a_missing_file_is_an_error: "pub rc=1 -i p -t a -f {dir}/none";
    no_standard_input_is_an_error: "pub rc=1 -i p -t a -s";
    repeated_messages_at_qos_2_with_a_window_of_one: "sub& -q 2 -i s -t a -C 50 | pub -q 2 -M 1 -i p -t a --repeat 50 -m again | sees again";
    repeated_messages_with_a_delay: "sub& -q 1 -i s -t a -C 3 | pub -q 1 -i p -t a --repeat 3 --repeat-delay 0.05 -m again | sees again";
    lines_at_qos_1_with_a_window_of_five: "sub& -q 1 -i s -t a -C 10000 | pub stdin={lines} -M 5 -q 1 -i p -t a -l | gets lines";
    the_plus_wildcard_takes_one_level: "sub& -i s -t 'a/+/c' -C 2 -v | pub -i p -t a/x/c -m one | pub -i p -t a/x/y/c -m two | pub -i p -t a//c -m three | sees a//c three";
    the_hash_wildcard_takes_all_levels: "sub& -i s -t 'a/#' -C 3 -v | pub -i p -t a -m one | pub -i p -t b -m two | pub -i p -t a/b -m three | pub -i p -t a/b/c -m four | sees a/b/c four";
    wildcards_do_not_take_dollar_topics: "sub -i s -t '$SYS/broker/version' -C 1 -v | sub& -i t -t '#' -C 1 -v | pub -i p -t a -m one | sees $SYS/broker/version mosquitto version";
    dollar_sys_with_a_wildcard: "sub -i s -t '$SYS/broker/versio/+' -t '$SYS/broker/version/#' -C 1 -v | sees mosquitto version";
    several_subscriptions_of_one_client: "sub& -i s -q 1 -t a -t b -t 'c/+' -C 3 -v | pub -i p -q 1 -t a -m one | pub -i p -q 1 -t b -m two | pub -i p -q 1 -t c/d -m three | sees c/d three";
    overlapping_subscriptions: "sub& -i s -q 1 -t 'a/#' -t 'a/+' -C 2 -v | pub -i p -q 1 -t a/b -m one | pub -i p -q 1 -t b -m two | pub -i p -q 1 -t a/c -m three | sees a/";
    unsubscribed_topics_stay_silent: "sub& -i s -t a -t b -U a -C 1 -v | pub -i p -t a -m one | pub -i p -t b -m two | sees b two";
    a_shared_subscription: "sub& -V mqttv5 -i s -t '$share/g/a' -C 1 -v | pub -i p -t a -m one | sees a one";
    utf8_topics_and_payloads: "sub& -i s -t 'täst/→' -C 1 -v | pub -i p -t 'täst/→' -m 'grüße ✓' | sees täst/→ grüße ✓";
    a_topic_that_begins_with_a_slash: "sub& -i s -t '/#' -C 1 -v | pub -i p -t /a -m one | sees /a one";
    own_messages_come_back_without_no_local: "sub& -V mqttv5 -i s -t a -C 1 -F '%p' | pub -V mqttv5 -i p -t a -m one | sees one";
    remove_retained_clears_what_it_receives: "pub -r -i p -t a/b -m one | pub -r -i p -t a/c -m two | sub rc=27 -i r -t 'a/#' --remove-retained -W 1 -v | sub& -i s -t 'a/#' -C 1 -v | pub -i p -t a/z -m last | sees a/z last";
    remove_retained_over_mqtt_5_at_qos_2: "pub -V mqttv5 -r -i p -q 2 -t a/b -m one | sub rc=27 -V mqttv5 -q 2 -i r -t 'a/#' --remove-retained -W 1 -v | sub& -i s -t 'a/#' -C 1 -v | pub -i p -t a/z -m last | sees a/z last";
    remove_retained_spares_what_is_filtered: "pub -r -i p -t a/b -m one | pub -r -i p -t a/c -m two | sub rc=27 -i r -t 'a/#' -T a/c --remove-retained -W 1 | sub -i s -t 'a/#' -C 1 -v | sees a/c two";
    retained_only_ends_at_the_first_live_message: "pub -r -i p -t a -m one | sub& -i s -t 'a/#' -t a --retained-only -v | pub -i p -t a/b -m two | end s";
    a_broker_without_retained_messages_gets_them_unretained: "conf retain_available false | sub& -V mqttv5 -i s -q 1 -t a -C 1 -F '%r %p' | pub -V mqttv5 -q 1 -i p -t a -r -m one | sees 0 one";
    a_qos_above_the_brokers_is_refused: "conf max_qos 1 | pub rc=0 -V mqttv5 -i p -q 2 -t a -m one";
    a_message_above_the_brokers_limit_is_refused: "conf max_packet_size 200 | pub rc=0 -V mqttv5 -i p -q 1 -t a -f {big}";
}
