//! `mosquitto_rr`: a request and its response.

use super::{cases, grid};

grid! {
    a_request_is_answered: "rr& -V {v} -q {q} -i r -t req -e resp -m question -v | log Received PUBLISH from r | pub -V {v} -q {q} -i p -t resp -m answer | sees resp answer";
    debug_output_until_the_request_is_out: "rr rc=27 -d -V {v} -q {q} -i r -t req -e resp -m question -W 1";
}

cases! {
    the_response_in_a_format: "rr& -i r -t req -e resp -m question -F '%t|%q|%r|%l|%p' | log Received PUBLISH from r | pub -q 1 -i p -t resp -m answer | sees resp|0|0|6|answer";
    the_response_without_a_newline: "rr& -i r -t req -e resp -m question -N | log Received PUBLISH from r | pub -i p -t resp -m answer | sees answer";
    the_request_reaches_the_other_side_with_its_response_topic: "sub& -V mqttv5 -i s -t req -C 1 -F '%R %p' | rr& -i r -t req -e resp -m question | end s | pub -i p -t resp -m answer | sees resp question";
    correlation_data_and_user_properties: "sub& -V mqttv5 -i s -t req -C 1 -F '%R %D %P %p' | rr& -i r -t req -e resp -m question -D publish correlation-data number7 -D publish user-property k v | end s | pub -i p -t resp -m answer | sees number7";
    an_empty_request: "sub& -V mqttv5 -i s -t req -C 1 -F '%l' | rr& -i r -t req -e resp -n | end s | pub -i p -t resp -m answer | sees answer";
    a_request_from_a_file: "sub& -V mqttv5 -i s -t req -C 1 -N | rr& -i r -t req -e resp -f {small} | end s | pub -i p -t resp -m answer | sees answer";
    a_request_from_standard_input: "sub& -V mqttv5 -i s -t req -C 1 -N | rr& stdin={small} -i r -t req -e resp -s | end s | pub -i p -t resp -m answer | sees answer";
    no_answer_in_time: "rr rc=27 -i r -t req -e resp -m question -W 1";
    a_refused_connection: "rr raw rc=1 -h 127.0.0.1 -p {deadport} -t req -e resp -m question";
    an_unknown_host: "rr raw rc=1 -h no.such.host.invalid -t req -e resp -m question";
    a_wrong_password: "conf allow_anonymous false | conf password_file {passwords} | rr rc=135 -u alice -P wrong -i r -t req -e resp -m question";
    a_request_that_is_withheld: "conf acl_file {acl} | rr rc=27 -d -i r -t open/req -e none -m question -W 1";
    a_retained_response_is_taken: "pub -r -i p -t resp -m stale | rr -R -i r -t req -e resp -m question | sees stale";
    topics_with_wildcards: "rr rc=1 -i r -t 'a/#' -e b -m one | rr rc=1 -i r -t a -e 'b/+' -m one";
}
