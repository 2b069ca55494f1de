//! MQTT 3.1.1: SUBSCRIBE and UNSUBSCRIBE (sections 3.8 and 3.10).

mod conformance_support;
mod session_support;
mod support;

use conformance_support::*;
use mqttrs::codec::{Properties, SubscriptionOptions};
use session_support::*;
use support::*;
use Version::V311;

#[test]
fn filters_are_sent_as_utf_8_one_behind_the_other() {
    let filters = ["ü/+", "名/#", "x"];
    let mut bench = Bench::open(V311);
    let options = SubscriptionOptions::new(2).unwrap();
    let pairs = filters.map(|filter| (filter, options));
    bench
        .session
        .subscribe(&pairs, Properties::EMPTY, |_| ())
        .unwrap();
    let sent = bench.sent();
    let wanted = b"\x82\x15\0\x01\0\x04\xC3\xBC/+\x02\0\x05\xE5\x90\x8D/#\x02\0\x01x\x02";
    proves!(V311, "MQTT-3.8.3-1", sent == [wanted], "{sent:02x?}");
    proves!(V311, "MQTT-3.8.3-3", sent == [wanted], "{sent:02x?}");

    bench
        .session
        .unsubscribe(&filters, Properties::EMPTY, |_| ())
        .unwrap();
    let sent = bench.sent();
    let wanted = b"\xA2\x12\0\x02\0\x04\xC3\xBC/+\0\x05\xE5\x90\x8D/#\0\x01x";
    proves!(V311, "MQTT-3.10.3-1", sent == [wanted], "{sent:02x?}");
    proves!(V311, "MQTT-3.10.3-2", sent == [wanted], "{sent:02x?}");
}

#[test]
fn the_c_api_sends_the_same() {
    let mut w = Wire::open(V311);
    w.client
        .subscribe_multiple(&["ü/+", "x"], 1, 0, &[])
        .unwrap();
    let sent = w.take_packet();
    let wanted = subscribe(V311, 1, &[], &[("ü/+", 1), ("x", 1)]);
    proves!(V311, "MQTT-3.8.3-1", sent == wanted, "{sent:02x?}");
    proves!(V311, "MQTT-3.8.3-3", sent == wanted, "{sent:02x?}");
    w.client.unsubscribe_multiple(&["ü/+", "x"], &[]).unwrap();
    let sent = w.take_packet();
    let wanted = unsubscribe(V311, 2, &[], &["ü/+", "x"]);
    proves!(V311, "MQTT-3.10.3-1", sent == wanted, "{sent:02x?}");
    proves!(V311, "MQTT-3.10.3-2", sent == wanted, "{sent:02x?}");
}

#[test]
fn filters_that_are_not_utf_8_are_not_sent() {
    let mut w = Wire::open(V311);
    for text in raw::ILL_FORMED {
        let code = raw::subscribe(*w.client, text, 0);
        let refused = code == MOSQ_ERR_MALFORMED_UTF8;
        proves!(V311, "MQTT-3.8.3-1", refused, "{text:02x?}: {code}");
        let code = raw::unsubscribe(*w.client, text);
        let refused = code == MOSQ_ERR_MALFORMED_UTF8;
        proves!(V311, "MQTT-3.10.3-1", refused, "{text:02x?}: {code}");
    }
    // Nothing went out: what comes next answers the server.
    w.send(&publish("b", b"?").qos(1, 77).bytes(V311));
    let sent = w.take_packet();
    proves!(V311, "MQTT-3.8.3-1", sent == puback(77), "{sent:02x?}");
    proves!(V311, "MQTT-3.10.3-1", sent == puback(77), "{sent:02x?}");
}

#[test]
fn requests_without_a_filter_are_not_sent() {
    let mut bench = Bench::open(V311);
    let outcome = bench.session.subscribe(&[], Properties::EMPTY, |_| ());
    proves!(V311, "MQTT-3.8.3-3", outcome.is_err(), "{outcome:?}");
    let outcome = bench.session.unsubscribe(&[], Properties::EMPTY, |_| ());
    proves!(V311, "MQTT-3.10.3-2", outcome.is_err(), "{outcome:?}");
    let sent = bench.sent();
    proves!(V311, "MQTT-3.8.3-3", sent.is_empty(), "{sent:02x?}");
    proves!(V311, "MQTT-3.10.3-2", sent.is_empty(), "{sent:02x?}");

    let w = Wire::open(V311);
    let outcome = w.client.subscribe_multiple(&[], 0, 0, &[]);
    proves!(
        V311,
        "MQTT-3.8.3-3",
        outcome == Err(MOSQ_ERR_INVAL),
        "{outcome:?}"
    );
    let outcome = w.client.unsubscribe_multiple(&[], &[]);
    proves!(
        V311,
        "MQTT-3.10.3-2",
        outcome == Err(MOSQ_ERR_INVAL),
        "{outcome:?}"
    );
}

#[test]
fn the_reserved_bits_beside_the_qos_are_0() {
    // The options of MQTT 5 have no place here.
    let w = &mut Wire::open(V311);
    w.client.subscribe_v5("a", 2, 4 | 8 | 16, &[]).unwrap();
    let sent = w.take_packet();
    let wanted = subscribe(V311, 1, &[], &[("a", 2)]);
    proves!(V311, "MQTT-3.8.3-3", sent == wanted, "{sent:02x?}");
    for qos in [3, -1, 4] {
        let code = raw::subscribe(*w.client, b"a", qos);
        proves!(
            V311,
            "MQTT-3.8.3-3",
            code == MOSQ_ERR_INVAL,
            "{qos}: {code}"
        );
    }
}
