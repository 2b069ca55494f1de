//! Topic aliases without the program's doing.

mod session_support;
mod support;

use session_support::*;
use support::prop::*;
use support::*;
use Version::{V311, V5};

fn alias(number: u16) -> [Prop; 1] {
    [Prop::U16(TOPIC_ALIAS, number)]
}

/// Connected to a server that takes this many aliases, with automatic ones on.
fn automatic(maximum: u16) -> Bench {
    let props = [Prop::U16(TOPIC_ALIAS_MAXIMUM, maximum)];
    let mut bench = Bench::open_with(V5, Options::default(), &props);
    bench.session.set_automatic_topic_aliases(true);
    bench
}

#[test]
fn the_second_message_to_a_topic_goes_without_its_name() {
    let mut bench = automatic(2);
    bench.publish("a", b"1", 0).unwrap();
    bench.publish("a", b"2", 0).unwrap();
    let one = bench.publish("a", b"3", 1).unwrap();
    let two = bench.publish("b", b"4", 2).unwrap();
    bench.publish("b", b"5", 0).unwrap();
    bench.expect(&[
        publish("a", b"1").props(&alias(1)).bytes(V5),
        publish("", b"2").props(&alias(1)).bytes(V5),
        publish("", b"3").qos(1, one).props(&alias(1)).bytes(V5),
        publish("b", b"4").qos(2, two).props(&alias(2)).bytes(V5),
        publish("", b"5").props(&alias(2)).bytes(V5),
    ]);
}

#[test]
fn the_least_recently_used_alias_is_given_to_a_new_topic() {
    let mut bench = automatic(2);
    for topic in ["a", "b", "a", "c", "a", "b"] {
        bench.publish(topic, b"", 0).unwrap();
    }
    bench.expect(&[
        publish("a", b"").props(&alias(1)).bytes(V5),
        publish("b", b"").props(&alias(2)).bytes(V5),
        publish("", b"").props(&alias(1)).bytes(V5),
        publish("c", b"").props(&alias(2)).bytes(V5),
        publish("", b"").props(&alias(1)).bytes(V5),
        publish("b", b"").props(&alias(2)).bytes(V5),
    ]);
}

#[test]
fn the_programs_properties_keep_their_order_before_the_alias() {
    let mut bench = automatic(5);
    let own = [Prop::U32(MESSAGE_EXPIRY_INTERVAL, 60)];
    bench.publish_props("a", b"", 0, &own).unwrap();
    let mid = bench.publish_props("a", b"", 1, &own).unwrap();
    let with_alias = [own[0].clone(), alias(1)[0].clone()];
    bench.expect(&[
        publish("a", b"").props(&with_alias).bytes(V5),
        publish("", b"").qos(1, mid).props(&with_alias).bytes(V5),
    ]);
}

#[test]
fn a_resent_message_introduces_its_alias_on_the_new_connection() {
    let mut bench = automatic(5);
    bench.publish("a", b"", 0).unwrap();
    let mid = bench.publish("a", b"x", 1).unwrap();
    bench.sent();
    bench.lose();
    bench.seen();
    bench.reconnect(true, &[Prop::U16(TOPIC_ALIAS_MAXIMUM, 5)]);
    bench.expect(&[publish("a", b"x")
        .qos(1, mid)
        .dup()
        .props(&alias(1))
        .bytes(V5)]);
}

#[test]
fn a_server_without_aliases_gets_topics() {
    let mut bench = automatic(0);
    bench.publish("a", b"1", 0).unwrap();
    let mid = bench.publish("a", b"2", 1).unwrap();
    bench.expect(&[
        publish("a", b"1").bytes(V5),
        publish("a", b"2").qos(1, mid).bytes(V5),
    ]);
}

#[test]
fn below_mqtt_5_nothing_changes() {
    let mut bench = Bench::open(V311);
    bench.session.set_automatic_topic_aliases(true);
    bench.publish("a", b"1", 0).unwrap();
    let mid = bench.publish("a", b"2", 1).unwrap();
    bench.expect(&[
        publish("a", b"1").bytes(V311),
        publish("a", b"2").qos(1, mid).bytes(V311),
    ]);
}

#[test]
fn a_message_that_fits_only_without_an_alias_goes_without() {
    let largest = publish("a", b"12345678").bytes(V5).len() as u32;
    let props = [
        Prop::U16(TOPIC_ALIAS_MAXIMUM, 5),
        Prop::U32(MAXIMUM_PACKET_SIZE, largest),
    ];
    let mut bench = Bench::open_with(V5, Options::default(), &props);
    bench.session.set_automatic_topic_aliases(true);
    bench.publish("a", b"12345678", 0).unwrap();
    bench.expect(&[publish("a", b"12345678").bytes(V5)]);
}

/// An alias that the server does not take is left out, and takes no room.
#[test]
fn a_message_that_fits_without_its_own_alias_is_sent_without() {
    let largest = publish("a", b"12345678").bytes(V5).len() as u32;
    let properties = [Prop::U32(MAXIMUM_PACKET_SIZE, largest)];
    let mut bench = Bench::open_with(V5, Options::default(), &properties);
    bench.publish_props("a", b"12345678", 0, &alias(1)).unwrap();
    bench.expect(&[publish("a", b"12345678").bytes(V5)]);
    let mid = bench.publish_props("a", b"123456", 1, &alias(1)).unwrap();
    bench.expect(&[publish("a", b"123456").qos(1, mid).bytes(V5)]);
    let refused = bench.publish_props("a", b"1234567", 1, &alias(1));
    assert!(refused.is_err(), "the packet identifier takes two bytes");
}

/// What waits for a connection is measured as it is sent then.
#[test]
fn a_message_that_waited_fits_without_its_own_alias() {
    let largest = publish("a", b"1234567").qos(1, 1).bytes(V5).len() as u32;
    let mut bench = Bench::open_with(V5, Options::default(), &[Prop::U16(TOPIC_ALIAS_MAXIMUM, 1)]);
    bench.lose();
    let mid = bench.publish_props("a", b"1234567", 1, &alias(1)).unwrap();
    bench.seen();
    bench.reconnect(true, &[Prop::U32(MAXIMUM_PACKET_SIZE, largest)]);
    bench.expect(&[publish("a", b"1234567").qos(1, mid).bytes(V5)]);
}
