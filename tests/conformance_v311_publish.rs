//! MQTT 3.1.1: PUBLISH.

mod conformance_support;
mod session_support;
mod support;

use conformance_support::*;
use session_support::*;
use support::*;
use Version::V311;

#[test]
fn qos_0_messages_are_sent_without_dup_and_without_packet_identifier() {
    let mut bench = Bench::open(V311);
    bench.publish("a", b"1", 0).unwrap();
    let sent = bench.sent();
    proves!(V311, "MQTT-3.3.1-2", sent[0][0] & 8 == 0, "{sent:02x?}");
}
