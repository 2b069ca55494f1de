//! Sessions that outlive a connection.

use super::super::link::Context;
use super::Scenario;
use crate::support::prop::{Prop, SESSION_EXPIRY_INTERVAL};
use crate::support::Version;

pub(super) fn add(v: Version, all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>, Version)| {
        all.push(Scenario::new(v, name, move |context| run(context, v)));
    };
    row(
        "a session is resumed, with the messages that came meanwhile",
        |context, v| {
            resumed(context, v, 1);
        },
    );
    row(
        "a session is resumed, with the QoS 2 messages that came meanwhile",
        |context, v| {
            resumed(context, v, 2);
        },
    );
    row("a session survives a lost connection", survives);
    row("a clean session ends the one before", cleaned);
    row("a message that was not acknowledged comes again", again);
    if v.is_v5() {
        row(
            "without a session expiry interval the session ends",
            no_expiry,
        );
        row(
            "DISCONNECT can end the session at once",
            ended_at_disconnect,
        );
    }
}

fn resumed(context: &Context<'_>, v: Version, qos: i32) {
    let (id, topic) = (context.name("s"), context.name("t"));
    let mut link = context.dial(v).id(&id).persistent().open();
    assert!(
        !link.connack.session_present,
        "session present in a new session"
    );
    link.subscribe(&topic, qos);
    link.close();
    let mut publisher = context.open(v);
    for payload in ["1", "2", "3"] {
        publisher.publish(&topic, payload.as_bytes(), qos);
    }
    let mut link = context.dial(v).id(&id).persistent().open();
    link.expect_session_present();
    for payload in ["1", "2", "3"] {
        let (message, _) = link.expect_message(payload.as_bytes());
        assert_eq!(message.qos, qos, "QoS of a message that waited");
    }
    publisher.publish(&topic, b"4", qos);
    link.expect_message(b"4");
}

fn survives(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut link = context.dial(v).persistent().open();
    link.subscribe(&topic, 1);
    link.tap.cut();
    link.ended();
    link.reconnect();
    link.expect_session_present();
    link.publish(&topic, b"back", 1);
    link.expect_message(b"back");
}

fn cleaned(context: &Context<'_>, v: Version) {
    let (id, topic, other) = (context.name("s"), context.name("t"), context.name("t"));
    let mut link = context.dial(v).id(&id).persistent().open();
    link.subscribe(&topic, 1);
    link.close();
    let mut link = context.dial(v).id(&id).open();
    assert!(
        !link.connack.session_present,
        "session present in a clean session"
    );
    link.subscribe(&other, 1);
    link.publish(&topic, b"nobody's", 1);
    link.publish(&other, b"fence", 1);
    link.expect_message(b"fence");
}

fn again(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut link = context.dial(v).persistent().open();
    link.subscribe(&topic, 1);
    let mut publisher = context.open(v);
    link.tap.cut_at(super::super::tap::PUBLISH);
    publisher.publish(&topic, b"cut off", 1);
    link.ended();
    link.reconnect();
    link.expect_message(b"cut off");
}

fn no_expiry(context: &Context<'_>, v: Version) {
    let (id, topic) = (context.name("s"), context.name("t"));
    let mut link = context.dial(v).id(&id).not_clean().open();
    link.subscribe(&topic, 1);
    link.close();
    let link = context.dial(v).id(&id).not_clean().open();
    assert!(
        !link.connack.session_present,
        "session present after its end"
    );
}

fn ended_at_disconnect(context: &Context<'_>, v: Version) {
    let (id, topic) = (context.name("s"), context.name("t"));
    let mut link = context.dial(v).id(&id).persistent().open();
    link.subscribe(&topic, 1);
    let now = Prop::U32(SESSION_EXPIRY_INTERVAL, 0);
    link.close_with(&[now]);
    let link = context.dial(v).id(&id).not_clean().open();
    assert!(
        !link.connack.session_present,
        "session present after its end"
    );
}
