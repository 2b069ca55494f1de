//! MQTT 5.0: SUBSCRIBE, UNSUBSCRIBE and topic filters (sections 3.8, 3.10, 4.7 and 4.8).

mod conformance_support;
mod session_support;
mod support;

use conformance_support::*;
use mqttrs::codec::{Properties, SubscriptionOptions};
use mqttrs::error::Result;
use mqttrs::types::PacketId;
use session_support::*;
use support::*;
use Version::V5;

fn subscribe_all(bench: &mut Bench, filters: &[(&str, u8)]) -> Result<PacketId> {
    let filters: Vec<_> = filters
        .iter()
        .map(|(filter, options)| (*filter, SubscriptionOptions::new(*options).unwrap()))
        .collect();
    bench.session.subscribe(&filters, Properties::EMPTY, |_| ())
}

fn unsubscribe_all(bench: &mut Bench, filters: &[&str]) -> Result<PacketId> {
    bench
        .session
        .unsubscribe(filters, Properties::EMPTY, |_| ())
}

/// Whether both requests go out with this filter (or both not).
fn is_sent(bench: &mut Bench, filter: &str) -> bool {
    let outcomes = [bench.subscribe(filter, 2), bench.unsubscribe(filter)];
    let sent = bench.sent();
    match outcomes {
        [Ok(one), Ok(other)] => {
            let wanted = [
                subscribe(V5, one, &[], &[(filter, 2)]),
                unsubscribe(V5, other, &[], &[filter]),
            ];
            assert_eq!(sent, wanted);
            true
        }
        [Err(_), Err(_)] => {
            assert!(sent.is_empty(), "{sent:02x?}");
            false
        }
        other => panic!("{filter}: {other:?}"),
    }
}

#[test]
fn requests_carry_the_reserved_flags_0010() {
    let mut bench = Bench::open(V5);
    let one = subscribe_all(&mut bench, &[("a", 0), ("b", 0x2E)]).unwrap();
    let sent = bench.sent();
    let wanted = subscribe(V5, one.number(), &[], &[("a", 0), ("b", 0x2E)]);
    let right = sent == [wanted] && sent[0][0] & 0x0F == 2;
    proves!(V5, "MQTT-3.8.1-1", right, "{sent:02x?}");
    let other = unsubscribe_all(&mut bench, &["a", "b"]).unwrap();
    let sent = bench.sent();
    let wanted = unsubscribe(V5, other.number(), &[], &["a", "b"]);
    let right = sent == [wanted] && sent[0][0] & 0x0F == 2;
    proves!(V5, "MQTT-3.10.1-1", right, "{sent:02x?}");
}

#[test]
fn a_request_from_the_server_closes_the_connection() {
    // No flags make such a packet right for a client.
    for flags in 0..16 {
        let reason = if flags == 2 { 0x82 } else { 0x81 };
        let mut bench = Bench::open(V5);
        let mut packet = subscribe(V5, 1, &[], &[("a", 0)]);
        packet[0] = 0x80 | flags;
        let refused = refuses(&mut bench, &packet, reason);
        proves!(V5, "MQTT-3.8.1-1", refused, "{packet:02x?}");
        let mut bench = Bench::open(V5);
        let mut packet = unsubscribe(V5, 1, &[], &["a"]);
        packet[0] = 0xA0 | flags;
        let refused = refuses(&mut bench, &packet, reason);
        proves!(V5, "MQTT-3.10.1-1", refused, "{packet:02x?}");
    }
}

#[test]
fn topic_filters_are_utf_8() {
    let mut w = Wire::open(V5);
    for text in raw::ILL_FORMED {
        let code = raw::subscribe(*w.client, text, 0);
        let refused = code == MOSQ_ERR_MALFORMED_UTF8;
        proves!(V5, "MQTT-3.8.3-1", refused, "{text:02x?}: {code}");
        let code = raw::unsubscribe(*w.client, text);
        let refused = code == MOSQ_ERR_MALFORMED_UTF8;
        proves!(V5, "MQTT-3.10.3-1", refused, "{text:02x?}: {code}");
    }
    // Nothing of these was sent; what is UTF-8 goes out as it is.
    let filter = "grüße/+/Ω/#";
    let mid = w.client.subscribe(filter, 1).unwrap();
    let sent = w.take_packet();
    let right = sent == subscribe(V5, mid, &[], &[(filter, 1)]);
    proves!(V5, "MQTT-3.8.3-1", right, "{sent:02x?}");
    let mid = w.client.unsubscribe(filter).unwrap();
    let sent = w.take_packet();
    let right = sent == unsubscribe(V5, mid, &[], &[filter]);
    proves!(V5, "MQTT-3.10.3-1", right, "{sent:02x?}");
    w.finish();
}

#[test]
fn a_request_has_one_filter_or_more() {
    let mut bench = Bench::open(V5);
    let outcome = subscribe_all(&mut bench, &[]);
    let kept = outcome.is_err() && bench.sent().is_empty();
    proves!(V5, "MQTT-3.8.3-2", kept, "{outcome:?}");
    let outcome = unsubscribe_all(&mut bench, &[]);
    let kept = outcome.is_err() && bench.sent().is_empty();
    proves!(V5, "MQTT-3.10.3-2", kept, "{outcome:?}");

    let mut w = Wire::open(V5);
    let outcome = w.client.subscribe_multiple(&[], 0, 0, &[]);
    proves!(V5, "MQTT-3.8.3-2", outcome.is_err(), "{outcome:?}");
    let outcome = w.client.unsubscribe_multiple(&[], &[]);
    proves!(V5, "MQTT-3.10.3-2", outcome.is_err(), "{outcome:?}");
    w.expect_silence();

    for count in [1, 2, 50] {
        let names: Vec<_> = (0..count).map(|n| format!("f/{n}")).collect();
        let filters: Vec<_> = names.iter().map(String::as_str).collect();
        let options: Vec<_> = filters.iter().map(|filter| (*filter, 1)).collect();
        let mid = subscribe_all(&mut bench, &options).unwrap().number();
        let sent = bench.sent();
        let all = sent == [subscribe(V5, mid, &[], &options)];
        proves!(V5, "MQTT-3.8.3-2", all, "{sent:02x?}");
        let mid = unsubscribe_all(&mut bench, &filters).unwrap().number();
        let sent = bench.sent();
        let all = sent == [unsubscribe(V5, mid, &[], &filters)];
        proves!(V5, "MQTT-3.10.3-2", all, "{sent:02x?}");
    }
}

#[test]
fn no_local_is_not_asked_for_on_a_shared_subscription() {
    let mut bench = Bench::open(V5);
    for options in [0x04, 0x05, 0x0E, 0x2C] {
        let outcome = subscribe_all(&mut bench, &[("$share/g/a", options)]);
        let kept = outcome.is_err() && bench.sent().is_empty();
        proves!(V5, "MQTT-3.8.3-4", kept, "{options:#x}: {outcome:?}");
        // Nor among others.
        let outcome = subscribe_all(&mut bench, &[("a", 0), ("$share/g/#", options)]);
        let kept = outcome.is_err() && bench.sent().is_empty();
        proves!(V5, "MQTT-3.8.3-4", kept, "{options:#x}: {outcome:?}");
        // Without it a share is fine, and with it a filter that is none.
        let filters = [("$share/g/a", options & !4), ("$shared/g/a", options)];
        let mid = subscribe_all(&mut bench, &filters).unwrap().number();
        let sent = bench.sent();
        let right = sent == [subscribe(V5, mid, &[], &filters)];
        proves!(V5, "MQTT-3.8.3-4", right, "{sent:02x?}");
    }
    let mut w = Wire::open(V5);
    let no_local = MQTT_SUB_OPT_NO_LOCAL;
    let outcome = w.client.subscribe_v5("$share/g/a", 0, no_local, &[]);
    proves!(V5, "MQTT-3.8.3-4", outcome.is_err(), "{outcome:?}");
    w.expect_silence();
}

#[test]
fn wildcards_stand_in_filters() {
    // That they do not stand in names is proven with PUBLISH.
    let mut bench = Bench::open(V5);
    for filter in ["+", "#", "a/+", "a/#", "+/b", "a/+/#", "$share/g/+/#"] {
        let sent = is_sent(&mut bench, filter);
        proves!(V5, "MQTT-4.7.0-1", sent, "{filter}");
    }
}

#[test]
fn a_number_sign_stands_alone_at_the_end_of_a_filter() {
    let mut w = Wire::open(V5);
    let mut bench = Bench::open(V5);
    for (filter, good) in [
        ("#", true),
        ("/#", true),
        ("a/#", true),
        ("a/b/#", true),
        ("$SYS/#", true),
        ("$share/g/#", true),
        ("a#", false),
        ("#a", false),
        ("a/b#", false),
        ("a/#b", false),
        ("#/", false),
        ("#/a", false),
        ("a/#/b", false),
        ("##", false),
        ("$share/g/a#", false),
    ] {
        let sent = is_sent(&mut bench, filter);
        proves!(V5, "MQTT-4.7.1-1", sent == good, "{filter}");
        if !good {
            let codes = [
                raw::subscribe(*w.client, filter.as_bytes(), 0),
                raw::unsubscribe(*w.client, filter.as_bytes()),
            ];
            let refused = codes == [MOSQ_ERR_INVAL; 2];
            proves!(V5, "MQTT-4.7.1-1", refused, "{filter}: {codes:?}");
        }
    }
    w.expect_silence();
}

#[test]
fn a_plus_sign_fills_a_whole_level_of_a_filter() {
    let mut w = Wire::open(V5);
    let mut bench = Bench::open(V5);
    for (filter, good) in [
        ("+", true),
        ("/+", true),
        ("+/", true),
        ("+/+", true),
        ("a/+", true),
        ("+/b", true),
        ("a/+/c", true),
        ("+/b/#", true),
        ("$share/g/+", true),
        ("a+", false),
        ("+a", false),
        ("++", false),
        ("a/b+", false),
        ("a/+b/c", false),
        ("a/+#", false),
        ("$share/g/a+", false),
    ] {
        let sent = is_sent(&mut bench, filter);
        proves!(V5, "MQTT-4.7.1-2", sent == good, "{filter}");
        if !good {
            let codes = [
                raw::subscribe(*w.client, filter.as_bytes(), 0),
                raw::unsubscribe(*w.client, filter.as_bytes()),
            ];
            let refused = codes == [MOSQ_ERR_INVAL; 2];
            proves!(V5, "MQTT-4.7.1-2", refused, "{filter}: {codes:?}");
        }
    }
    w.expect_silence();
}

#[test]
fn topic_names_and_filters_are_not_empty() {
    let mut bench = Bench::open(V5);
    for qos in 0..3 {
        let outcome = bench.publish("", b"x", qos);
        let kept = outcome.is_err() && bench.sent().is_empty();
        proves!(V5, "MQTT-4.7.3-1", kept, "QoS {qos}: {outcome:?}");
    }
    let sent = is_sent(&mut bench, "");
    proves!(V5, "MQTT-4.7.3-1", !sent);
    let mut w = Wire::open(V5);
    let codes = [
        raw::publish(*w.client, b"", 0),
        raw::subscribe(*w.client, b"", 0),
        raw::unsubscribe(*w.client, b""),
        raw::will(*w.client, b"", 0),
    ];
    let refused = codes == [MOSQ_ERR_INVAL; 4];
    proves!(V5, "MQTT-4.7.3-1", refused, "{codes:?}");
    w.expect_silence();
    // And a message that has neither a topic nor an alias is not taken.
    for qos in 0..3 {
        let mut bench = Bench::open(V5);
        let packet = publish("", b"x").qos(qos, 5).bytes(V5);
        let refused = refuses(&mut bench, &packet, 0x82);
        proves!(V5, "MQTT-4.7.3-1", refused, "QoS {qos}");
        bench.expect_seen(&[]);
    }
}

#[test]
fn topics_have_at_most_65535_bytes() {
    let longest = "é".repeat(32_767) + "x";
    assert_eq!(longest.len(), 65_535);
    let mut bench = Bench::open(V5);
    bench.accept_input(&publish(&longest, b"x").bytes(V5));
    let seen = bench.seen();
    let whole = seen == [received(&longest, b"x", 0, 0)];
    proves!(V5, "MQTT-4.7.3-3", whole);
    bench.publish(&longest, b"x", 0).unwrap();
    let sent = bench.sent();
    let whole = sent == [publish(&longest, b"x").bytes(V5)];
    proves!(V5, "MQTT-4.7.3-3", whole, "{} packets", sent.len());
    proves!(V5, "MQTT-4.7.3-3", is_sent(&mut bench, &longest));

    // 32768 characters, but 65536 bytes.
    let too_long = "é".repeat(32_768);
    for qos in 0..3 {
        let outcome = bench.publish(&too_long, b"x", qos);
        let kept = outcome.is_err() && bench.sent().is_empty();
        proves!(V5, "MQTT-4.7.3-3", kept, "QoS {qos}");
    }
    proves!(V5, "MQTT-4.7.3-3", !is_sent(&mut bench, &too_long));
}

#[test]
fn a_shared_filter_has_a_share_name() {
    let mut w = Wire::open(V5);
    let mut bench = Bench::open(V5);
    for filter in [
        "$share/g/a",
        "$share/a name/#",
        "$share/é/+/b",
        "$share/g//",
    ] {
        let sent = is_sent(&mut bench, filter);
        proves!(V5, "MQTT-4.8.2-1", sent, "{filter}");
        proves!(V5, "MQTT-4.8.2-2", sent, "{filter}");
    }
    for filter in ["$share//a", "$share//", "$share///", "$share/"] {
        let sent = is_sent(&mut bench, filter);
        proves!(V5, "MQTT-4.8.2-1", !sent, "{filter}");
        let codes = [
            raw::subscribe(*w.client, filter.as_bytes(), 0),
            raw::unsubscribe(*w.client, filter.as_bytes()),
        ];
        let refused = codes == [MOSQ_ERR_INVAL; 2];
        proves!(V5, "MQTT-4.8.2-1", refused, "{filter}: {codes:?}");
    }
    w.expect_silence();
}

#[test]
fn a_share_name_is_one_level_without_wildcards_before_a_topic_filter() {
    let mut w = Wire::open(V5);
    let mut bench = Bench::open(V5);
    for filter in [
        "$share/+/a",
        "$share/#",
        "$share/+",
        "$share/#/a",
        "$share/g+/a",
        "$share/g#/a",
        // No slash, or no filter behind it.
        "$share/g",
        "$share/g/",
        "$share/g/a/#/b",
        "$share/g/+a",
    ] {
        let sent = is_sent(&mut bench, filter);
        proves!(V5, "MQTT-4.8.2-2", !sent, "{filter}");
        let codes = [
            raw::subscribe(*w.client, filter.as_bytes(), 0),
            raw::unsubscribe(*w.client, filter.as_bytes()),
        ];
        let refused = codes == [MOSQ_ERR_INVAL; 2];
        proves!(V5, "MQTT-4.8.2-2", refused, "{filter}: {codes:?}");
    }
    w.expect_silence();
}
