//! Messages of each QoS, small and large, few and many.

use super::super::link::{Context, Link};
use super::super::tap::PUBREC;
use super::Scenario;
use crate::support::{Event, Version, MOSQ_OPT_RECEIVE_MAXIMUM};

pub(super) fn add(v: Version, all: &mut Vec<Scenario>) {
    for qos in 0..=2 {
        all.push(Scenario::new(
            v,
            &format!("publish and receive with QoS {qos}"),
            move |context| publish_and_receive(context, v, qos),
        ));
    }
    let mut row = |name: &str, run: fn(&Context<'_>, Version)| {
        all.push(Scenario::new(v, name, move |context| run(context, v)));
    };
    row("a lower granted QoS lowers a message's", lowered);
    row(
        "a QoS 2 message reaches a subscriber of QoS 1",
        lowered_from_2,
    );
    row("an empty payload", empty_payload);
    row("a payload of 1 MiB", large_payload);
    row("a topic name beyond ASCII", beyond_ascii);
    row("1,000 messages of QoS 0 in order", |context, v| {
        many(context, v, 0);
    });
    row("1,000 messages of QoS 1 in order", |context, v| {
        many(context, v, 1);
    });
    row("1,000 messages of QoS 2 in order", |context, v| {
        many(context, v, 2);
    });
    row(
        "a QoS 2 message whose PUBREC was lost with the connection arrives once",
        lost_pubrec,
    );
}

fn publish_and_receive(context: &Context<'_>, v: Version, qos: i32) {
    let topic = context.name("t");
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, qos);
    let mut publisher = context.open(v);
    publisher.publish(&topic, b"hello", qos);
    let (message, _) = subscriber.expect_message(b"hello");
    assert_eq!(message.topic, topic, "topic");
    assert_eq!(message.qos, qos, "QoS of the message received");
    assert!(!message.retain, "retain");
    publisher.close();
    subscriber.close();
}

fn lowered(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, 0);
    subscriber.publish(&topic, b"lowered", 1);
    let (message, _) = subscriber.expect_message(b"lowered");
    assert_eq!(message.qos, 0, "QoS of the message received");
}

fn lowered_from_2(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, 1);
    let mut publisher = context.open(v);
    publisher.publish(&topic, b"lowered", 2);
    let (message, _) = subscriber.expect_message(b"lowered");
    assert_eq!(message.qos, 1, "QoS of the message received");
}

fn empty_payload(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut link = context.open(v);
    link.subscribe(&topic, 1);
    link.publish(&topic, b"", 1);
    link.expect_message(b"");
}

fn large_payload(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    // A period that is prime to every buffer size: a lost or doubled block shows.
    let payload: Vec<u8> = (0..1_u32 << 20).map(|i| (i % 251) as u8).collect();
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, 1);
    let mut publisher = context.open(v);
    publisher.publish(&topic, &payload, 1);
    subscriber.expect_message(&payload);
}

fn beyond_ascii(context: &Context<'_>, v: Version) {
    let topic = format!("{}/Zürich/温度/🌡", context.name("t"));
    let mut link = context.open(v);
    link.subscribe(&topic, 1);
    link.publish(&topic, "21 °C".as_bytes(), 1);
    let (message, _) = link.expect_message("21 °C".as_bytes());
    assert_eq!(message.topic, topic, "topic");
}

fn many(context: &Context<'_>, v: Version, qos: i32) {
    const COUNT: usize = 1_000;
    let topic = context.name("t");
    // What brokers make of a small receive maximum is another row.
    let mut subscriber = context
        .dial(v)
        .setup(|client| {
            client
                .int_option(MOSQ_OPT_RECEIVE_MAXIMUM, COUNT as i32)
                .unwrap();
        })
        .open();
    subscriber.subscribe(&topic, qos);
    let mut publisher = context.open(v);
    for number in 0..COUNT {
        let payload = number.to_string();
        publisher
            .client
            .publish(&topic, payload.as_bytes(), qos)
            .expect("mosquitto_publish");
    }
    subscriber.work_until("1,000 messages", |subscriber| {
        publisher.step();
        subscriber.messages_waiting() >= COUNT
    });
    for number in 0..COUNT {
        subscriber.expect_message(number.to_string().as_bytes());
    }
    for _ in 0..COUNT {
        publisher.wait("an acknowledgement for each message", |event| {
            matches!(event, Event::PublishV5(..)).then_some(())
        });
    }
    fence(&mut subscriber, &topic, qos);
}

fn lost_pubrec(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, 2);
    let mut publisher = context.dial(v).persistent().open();
    publisher.tap.cut_at(PUBREC);
    let mid = publisher.client.publish(&topic, b"once", 2);
    publisher.ended();
    publisher.reconnect();
    publisher.expect_session_present();
    let reason = publisher.outcome(mid);
    assert!(
        reason < 0x80,
        "the broker refused the message: {reason:#04x}"
    );
    subscriber.expect_message(b"once");
    fence(&mut subscriber, &topic, 2);
}

/// Whatever came before is now here, and nothing is left over.
fn fence(subscriber: &mut Link, topic: &str, qos: i32) {
    subscriber.publish(topic, b"fence", qos);
    subscriber.expect_message(b"fence");
    assert_eq!(subscriber.messages_waiting(), 0, "messages left over");
}
