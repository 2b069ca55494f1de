//! MQTT 5: limits that each side tells the other, and refusals.

use super::super::link::{Context, Link};
use super::super::tap::{From, Packet, PUBACK, PUBCOMP, PUBLISH, PUBREC};
use super::Scenario;
use crate::support::prop::{self, Prop};
use crate::support::{
    Event, Version, MOSQ_ERR_OVERSIZE_PACKET, MOSQ_ERR_QOS_NOT_SUPPORTED, MOSQ_OPT_RECEIVE_MAXIMUM,
};

const V: Version = Version::V5;

pub(super) fn add(all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>)| all.push(Scenario::new(V, name, run));
    row(
        "the client's receive maximum is kept by the broker",
        our_receive_maximum,
    );
    row(
        "the broker's receive maximum is kept by the library",
        its_receive_maximum,
    );
    row(
        "the client's maximum packet size is kept by the broker",
        our_packet_size,
    );
    row("the limits in CONNACK are kept by the library", its_limits);
    row("a refused PUBLISH has a reason code", publish_refused);
    row("a refused SUBSCRIBE has a reason code", subscribe_refused);
}

/// The largest number of messages with QoS from `sender` that were under way
/// at once. A PUBREC that refuses (`0x80` and up) ends its message too.
fn most_under_way(packets: &[Packet], sender: From) -> usize {
    let (mut under_way, mut most) = (0_usize, 0);
    for packet in packets {
        let refusal = packet
            .bytes
            .get(packet.header() + 2)
            .is_some_and(|r| *r >= 0x80);
        match packet.kind() {
            PUBLISH if packet.from == sender && packet.qos() > 0 => under_way += 1,
            PUBACK | PUBCOMP if packet.from != sender => under_way -= 1,
            PUBREC if packet.from != sender && refusal => under_way -= 1,
            _ => {}
        }
        most = most.max(under_way);
    }
    most
}

fn our_receive_maximum(context: &Context<'_>) {
    const COUNT: usize = 30;
    let topic = context.name("t");
    let mut subscriber = context
        .dial(V)
        .setup(|client| client.int_option(MOSQ_OPT_RECEIVE_MAXIMUM, 3).unwrap())
        .open();
    subscriber.subscribe(&topic, 2);
    let mut publisher = context.open(V);
    for number in 0..COUNT {
        publisher.publish(
            &topic,
            number.to_string().as_bytes(),
            1 + (number % 2) as i32,
        );
    }
    for _ in 0..COUNT {
        subscriber.message();
    }
    let most = most_under_way(&subscriber.tap.notes().packets(), From::Broker);
    assert!(most <= 3, "{most} messages were under way at once");
}

fn its_receive_maximum(context: &Context<'_>) {
    const COUNT: usize = 200;
    let topic = context.name("t");
    let mut link = context
        .dial(V)
        .setup(|client| client.inflight_maximum(0))
        .open();
    let maximum = link.connack.props.iter().find_map(|prop| match prop {
        Prop::U16(prop::RECEIVE_MAXIMUM, maximum) => Some(usize::from(*maximum)),
        _ => None,
    });
    for _ in 0..COUNT {
        link.client
            .publish(&topic, b"x", 1)
            .expect("mosquitto_publish");
    }
    for _ in 0..COUNT {
        link.wait("an acknowledgement for each message", |event| {
            matches!(event, Event::PublishV5(..)).then_some(())
        });
    }
    let most = most_under_way(&link.tap.notes().packets(), From::Client);
    // A broker that names no maximum takes 65,535, as many as there are identifiers.
    let maximum = maximum.unwrap_or(65_535);
    assert!(most <= maximum, "{most} messages were under way at once");
}

fn our_packet_size(context: &Context<'_>) {
    let topic = context.name("t");
    let mut subscriber = context
        .dial(V)
        .prop(Prop::U32(prop::MAXIMUM_PACKET_SIZE, 500))
        .open();
    subscriber.subscribe(&topic, 1);
    let mut publisher = context.open(V);
    publisher.publish(&topic, &[b'x'; 1_000], 1);
    publisher.publish(&topic, b"fence", 1);
    subscriber.expect_message(b"fence");
}

fn its_limits(context: &Context<'_>) {
    let mut link = context.dial(V).limited().open();
    let topic = context.name("t");
    let props = std::mem::take(&mut link.connack.props);
    assert!(!props.is_empty(), "no limit in CONNACK");
    for prop in props {
        match prop {
            Prop::Byte(prop::MAXIMUM_QOS, maximum) => {
                let rc = link.client.publish(&topic, b"x", i32::from(maximum) + 1);
                assert_eq!(rc, Err(MOSQ_ERR_QOS_NOT_SUPPORTED), "above the maximum QoS");
            }
            Prop::U32(prop::MAXIMUM_PACKET_SIZE, size) if size < 100_000_000 => {
                let payload = vec![0; size as usize];
                let rc = link.client.publish(&topic, &payload, 1);
                assert_eq!(rc, Err(MOSQ_ERR_OVERSIZE_PACKET), "above the maximum size");
            }
            Prop::U16(prop::TOPIC_ALIAS_MAXIMUM, maximum) if maximum < u16::MAX => {
                let alias = [Prop::U16(prop::TOPIC_ALIAS, maximum + 1)];
                // Sent without its alias, or not at all.
                if let Ok(mid) = link.client.publish_v5(&topic, b"x", 1, &alias) {
                    link.outcome(Ok(mid));
                }
            }
            Prop::Byte(prop::RETAIN_AVAILABLE, 0) => {
                link.publish_retained(&topic, b"x", 1);
                let sent = link.seen(From::Client, PUBLISH);
                assert_eq!(sent[0].bytes[0] & 1, 0, "retain was sent");
            }
            _ => {}
        }
    }
    // None of this harmed the connection.
    let other = context.name("t");
    link.subscribe(&other, 0);
    link.publish(&other, b"fine", 0);
    link.expect_message(b"fine");
}

/// Everything below this topic is forbidden, where a broker is set up for it.
const FORBIDDEN: &str = "forbidden";

fn publish_refused(context: &Context<'_>) {
    let mut link = context.open(V);
    let topic = format!("{FORBIDDEN}/{}", context.name("t"));
    let mid = link.client.publish(&topic, b"x", 1);
    let reason = link.outcome(mid);
    assert!(reason == 0x87, "PUBACK with reason {reason:#04x}");
    still_there(context, &mut link);
}

fn subscribe_refused(context: &Context<'_>) {
    let mut link = context.open(V);
    let filter = format!("{FORBIDDEN}/{}", context.name("t"));
    let codes = link.try_subscribe(&filter, 1, 0, &[]);
    assert!(codes == [0x87], "SUBACK with codes {codes:#04x?}");
    still_there(context, &mut link);
}

fn still_there(context: &Context<'_>, link: &mut Link) {
    let topic = context.name("t");
    link.subscribe(&topic, 1);
    link.publish(&topic, b"still here", 1);
    link.expect_message(b"still here");
}
