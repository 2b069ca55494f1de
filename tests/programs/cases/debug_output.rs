//! What `-d` prints: the library's log, line by line.
//!
//! Our library hands a QoS 2 message over when its PUBLISH arrives, Debian's
//! when its PUBREL does. So subscribers at QoS 2 are compared with the lines
//! sorted, and are told to leave, by a message at QoS 0, only when the broker
//! has got their PUBCOMP. What is logged by a call inside a callback comes, with
//! ours, when the callback has returned: callbacks of a client do not overlap.
//! That is the other reason for `sorted`.

use super::{grid, versions};

grid! {
    publishing: "pub -d -V {v} -q {q} -i p -t a/b -m hello";
    publishing_retained_with_a_will: "pub -d -V {v} -q {q} -i p -t a/b -m hello -r --will-topic w --will-payload gone --will-qos {q}";
    publishing_an_empty_message: "pub -d -V {v} -q {q} -i p -t a/b -n";
    publishing_lines: "sorted | pub stdin={small} -d -V {v} -q {q} -i p -t a/b -l";
    publishing_three_times: "sorted | pub -d -V {v} -q {q} -i p -t a/b -m hello --repeat 3";
    subscribing: "sub -d -V {v} -q {q} -i s -t a/b -t 'c/#' -E | sees SUBSCRIBE (Mid: 1, Topic: c/#";
    subscribing_and_unsubscribing: "sub -d -V {v} -q {q} -i s -t a/b -U c -U d -E";
}

versions! {
    receiving_at_qos_0: "sub& -d -V {v} -i s -t a -C 1 | pub -V {v} -i p -t a -m hello | sees hello";
    receiving_at_qos_1: "sub& -d -V {v} -q 1 -i s -t a -C 1 | pub -V {v} -q 1 -i p -t a -m hello | sees Client s sending PUBACK (m1, rc0)";
    receiving_at_qos_2: "sorted | sub& -d -V {v} -q 2 -i s -t 'a/+' -C 2 | pub -V {v} -q 2 -i p -t a/b -m hello | log Received PUBCOMP from s | pub -V {v} -i p -t a/last -m last | sees hello";
    receiving_a_retained_message_at_qos_0: "pub -V {v} -r -i p -t a -m hello | sub -d -V {v} -i s -t a -C 1 | sees hello";
    receiving_a_retained_message_at_qos_1: "pub -V {v} -q 1 -r -i p -t a -m hello | sub -d -V {v} -q 1 -i s -t a -C 1 | sees hello";
    receiving_a_retained_message_at_qos_2: "sorted | pub -V {v} -q 2 -r -i p -t a/b -m hello | sub& -d -V {v} -q 2 -i s -t 'a/+' -C 2 | log Received PUBCOMP from s | pub -V {v} -i p -t a/last -m last | sees hello";
    a_subscriber_that_removes_retained_messages: "sorted | pub -V {v} -r -i p -t a -m one | sub rc=27 -d -V {v} -i s -t a --remove-retained -W 1 -F '%p' | sees one";
    a_subscriber_that_times_out: "sub rc=27 -d -V {v} -i s -t a -W 1";
    a_subscriber_that_pings: "sub& -d -V {v} -k 5 -i s -t a -C 1 | log Received PINGREQ from s | pub -V {v} -i p -t a -m one | sees PINGRESP";
}
