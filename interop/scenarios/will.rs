//! Last wills.

use super::super::link::Context;
use super::Scenario;
use crate::support::prop::{self, Prop};
use crate::support::Version;

pub(super) fn add(v: Version, all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>, Version)| {
        all.push(Scenario::new(v, name, move |context| run(context, v)));
    };
    row("the will is sent when the connection is lost", lost);
    row("the will is not sent after DISCONNECT", disconnected);
    row("a retained will is kept", kept);
    if v.is_v5() {
        row(
            "the will is sent after DISCONNECT with reason 0x04",
            asked_for,
        );
        row("the will's properties come with it", with_properties);
        row("the will delay interval is waited for", delayed);
        row(
            "a will is not sent when its client is back within the delay",
            back_in_time,
        );
    }
}

fn lost(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    let link = context
        .dial(v)
        .setup(|client| client.will(&topic, b"gone", 1, false).unwrap())
        .open();
    link.tap.cut();
    let (message, _) = watcher.expect_message(b"gone");
    assert_eq!(message.qos, 1, "QoS of the will");
}

fn disconnected(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let id = context.name("c");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    context
        .dial(v)
        .id(&id)
        .setup(|client| client.will(&topic, b"gone", 1, false).unwrap())
        .open()
        .close();
    // The broker lets the same client in again only when it is done with the
    // connection before.
    context.dial(v).id(&id).open().publish(&topic, b"fence", 1);
    watcher.expect_message(b"fence");
}

fn kept(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    let link = context
        .dial(v)
        .setup(|client| client.will(&topic, b"gone", 1, true).unwrap())
        .open();
    link.tap.cut();
    watcher.expect_message(b"gone");
    let mut later = context.open(v);
    later.subscribe(&topic, 1);
    let (message, _) = later.expect_message(b"gone");
    assert!(message.retain, "retain is not set in a retained will");
}

fn asked_for(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    let link = context
        .dial(v)
        .setup(|client| client.will(&topic, b"gone", 1, false).unwrap())
        .open();
    link.client.disconnect_v5(0x04, &[]).unwrap();
    watcher.expect_message(b"gone");
}

fn with_properties(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    let props = [
        Prop::Str(prop::CONTENT_TYPE, "text/plain".into()),
        Prop::Str(prop::RESPONSE_TOPIC, "to/whom".into()),
        Prop::Binary(prop::CORRELATION_DATA, vec![0, 1, 255]),
        prop::user("why", "lost"),
    ];
    let link = context
        .dial(v)
        .setup(|client| client.will_v5(&topic, b"gone", 1, &props).unwrap())
        .open();
    link.tap.cut();
    let (_, got) = watcher.expect_message(b"gone");
    for prop in props {
        assert!(got.contains(&prop), "{prop:?} did not come with the will");
    }
}

fn delayed(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    let mut link = delayed_will(context, v, &topic, 2);
    link.tap.cut();
    link.ended();
    // No will yet, also when the broker has certainly seen the end.
    let mut other = context.open(v);
    other.publish(&topic, b"at once", 1);
    watcher.expect_message(b"at once");
    watcher.expect_message(b"gone");
}

fn back_in_time(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut watcher = context.open(v);
    watcher.subscribe(&topic, 1);
    let mut link = delayed_will(context, v, &topic, 60);
    link.tap.cut();
    link.ended();
    link.reconnect();
    link.expect_session_present();
    link.publish(&topic, b"back", 1);
    watcher.expect_message(b"back");
    link.close();
    // A DISCONNECT with reason 0 takes the will away for good.
    watcher.publish(&topic, b"fence", 1);
    watcher.expect_message(b"fence");
}

fn delayed_will(
    context: &Context<'_>,
    v: Version,
    topic: &str,
    delay: u32,
) -> super::super::link::Link {
    let props = [Prop::U32(prop::WILL_DELAY_INTERVAL, delay)];
    context
        .dial(v)
        .persistent()
        .setup(|client| client.will_v5(topic, b"gone", 1, &props).unwrap())
        .open()
}
