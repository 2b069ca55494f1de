//! Sessions that outlive a connection, and ways to end.

use super::{cases, versions};

versions! {
    a_kept_session_gets_what_it_missed_at_qos_1: "sub -V {v} -c -q 1 -i s -t a -E | log Client s disconnected | pub -V {v} -q 1 -i p -t a -m one | pub -V {v} -q 1 -i p -t a -m two | sub -V {v} -c -q 1 -i s -t a -C 2 -F '%q %p' | sees 1 two";
    a_kept_session_gets_what_it_missed_at_qos_2: "sub -V {v} -c -q 2 -i s -t a -E | log Client s disconnected | pub -V {v} -q 2 -i p -t a -m one | pub -V {v} -q 2 -i p -t a -m two | sub -V {v} -c -q 2 -i s -t a -C 2 -F '%q %p' | sees 2 two";
    a_clean_session_does_not: "sub -V {v} -q 1 -i s -t a -E | log Client s disconnected | pub -V {v} -q 1 -i p -t a -m one | sub& -V {v} -c -q 1 -i s -t a -C 1 | pub -V {v} -q 1 -i p -t a -m two | sees two";
    a_kept_session_in_debug_output: "sub -d -V {v} -c -q 1 -i s -t a -E | log Client s disconnected | pub -V {v} -q 1 -i p -t a -m one | sub -d -V {v} -c -q 1 -i s -t a -C 1";
    a_message_is_not_delivered_again_after_a_resumed_session: "sub -V {v} -c -q 2 -i s -t a -E | log Client s disconnected | pub -V {v} -q 2 -i p -t a -m one | sub -V {v} -c -q 2 -i s -t a -C 1 | sub& -V {v} -c -q 2 -i s -t a -C 1 | pub -V {v} -q 2 -i p -t a -m two | sees two";
    sub_ends_after_its_count: "pub -V {v} -r -i p -t a/1 -m x | pub -V {v} -r -i p -t a/2 -m x | sub -V {v} -i s -t 'a/#' -C 2";
    sub_ends_after_its_time: "pub -V {v} -r -i p -t a -m one | sub rc=27 -V {v} -i s -t a -W 1 | sees one";
    sub_ends_when_subscribed: "sub -V {v} -i s -t a -t b -E";
}

cases! {
    a_session_that_expires_later: "sub -V mqttv5 -x 60 -q 1 -i s -t a -E | log Client s disconnected | pub -q 1 -i p -t a -m one | sub -V mqttv5 -c -x 60 -q 1 -i s -t a -C 1 | sees one";
    a_session_that_never_expires: "sub -V mqttv5 -c -x 4294967295 -q 1 -i s -t a -E | log Client s disconnected | pub -q 1 -i p -t a -m one | sub -V mqttv5 -c -q 1 -i s -t a -C 1 | sees one";
    a_session_that_expires_at_once: "sub -V mqttv5 -c -x 0 -q 1 -i s -t a -E | log Client s disconnected | pub -q 1 -i p -t a -m one | sub& -V mqttv5 -c -q 1 -i s -t a -C 1 | pub -q 1 -i p -t a -m two | sees two";
    a_session_expiry_of_infinity: "sub -V mqttv5 -x '∞' -q 1 -i s -t a -E | sub rc=1 -V mqttv5 -x bogus -i s -t a -E";
    a_publisher_with_a_kept_session: "pub -c -q 1 -i p -t a -m one | pub -c -q 2 -i p -t a -m two | pub -V mqttv5 -c -q 2 -i p -t a -m three";
    the_count_ends_a_busy_subscriber: "sub& -q 1 -i s -t a -C 5000 | pub stdin={lines} -q 1 -i p -t a -l | sees line 5000";
    one_kilobyte_of_messages_missed_by_a_session: "sub -c -q 1 -i s -t a -E | log Client s disconnected | pub stdin={lines} -q 1 -i p -t a -l | sub -c -q 1 -i s -t a -C 10000 | gets lines";
}
