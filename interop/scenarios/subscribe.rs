//! Filters, their options, and their end.

use super::super::link::{Context, Link};
use super::Scenario;
use crate::support::prop::{Prop, SUBSCRIPTION_IDENTIFIER};
use crate::support::{Version, MQTT_SUB_OPT_NO_LOCAL};

pub(super) fn add(v: Version, all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>, Version)| {
        all.push(Scenario::new(v, name, move |context| run(context, v)));
    };
    row("wildcards match what they should and no more", wildcards);
    row("several filters in one SUBSCRIBE", several);
    row("unsubscribe ends the messages", unsubscribe);
    if v.is_v5() {
        row("a shared subscription gives each message to one", shared);
        row(
            "subscription identifiers come with the messages",
            identifiers,
        );
        row("no local keeps a client's own messages away", no_local);
        row(
            "UNSUBACK tells of a filter that was not subscribed",
            nothing_to_unsubscribe,
        );
    }
}

fn wildcards(context: &Context<'_>, v: Version) {
    let base = context.name("t");
    let mut link = context.open(v);
    link.subscribe(&format!("{base}/one/+/x"), 1);
    link.subscribe(&format!("{base}/all/#"), 1);
    // In each subscription the last to come is one that matches.
    for (topic, payload) in [
        ("one/a/y", "no"),
        ("one/a/b/x", "no"),
        ("one/a/x", "1"),
        ("one//x", "2"),
        ("allx", "no"),
        ("all", "3"),
        ("all/a", "4"),
        ("all/a/b/", "5"),
    ] {
        link.publish(&format!("{base}/{topic}"), payload.as_bytes(), 1);
    }
    expect_in_any_order(&mut link, &["1", "2", "3", "4", "5"]);
}

fn several(context: &Context<'_>, v: Version) {
    let (one, other) = (context.name("t"), context.name("t"));
    let mut link = context.open(v);
    let mid = link
        .client
        .subscribe_multiple(&[&one, &other], 1, 0, &[])
        .expect("mosquitto_subscribe_multiple");
    let codes = link.wait("SUBACK", |event| match event {
        crate::support::Event::SubscribeV5(id, codes, _) if *id == i32::from(mid) => {
            Some(codes.clone())
        }
        _ => None,
    });
    assert_eq!(codes, [1, 1], "SUBACK codes");
    link.publish(&other, b"other", 1);
    link.publish(&one, b"one", 1);
    expect_in_any_order(&mut link, &["one", "other"]);
}

/// The next messages, in any order: MQTT keeps it within one topic only.
fn expect_in_any_order(link: &mut Link, sorted: &[&str]) {
    let mut got: Vec<String> = sorted
        .iter()
        .map(|_| link.message().0.payload.unwrap_or_default())
        .map(|payload| String::from_utf8_lossy(&payload).into_owned())
        .collect();
    got.sort();
    assert_eq!(got, sorted, "messages");
}

fn unsubscribe(context: &Context<'_>, v: Version) {
    let (left, kept) = (context.name("t"), context.name("t"));
    let mut link = context.open(v);
    link.subscribe(&left, 1);
    link.subscribe(&kept, 1);
    link.publish(&left, b"before", 1);
    link.expect_message(b"before");
    link.unsubscribe(&left);
    link.publish(&left, b"after", 1);
    link.publish(&kept, b"fence", 1);
    link.expect_message(b"fence");
}

fn shared(context: &Context<'_>, v: Version) {
    const COUNT: usize = 20;
    let topic = context.name("t");
    let filter = format!("$share/{}/{topic}", context.name("group"));
    let mut members = [context.open(v), context.open(v)];
    for member in &mut members {
        member.subscribe(&filter, 1);
    }
    let mut publisher = context.open(v);
    for number in 0..COUNT {
        publisher.publish(&topic, number.to_string().as_bytes(), 1);
    }
    let [one, other] = &mut members;
    one.work_until("all messages in the group", |one| {
        other.step();
        one.messages_waiting() + other.messages_waiting() >= COUNT
    });
    let mut numbers: Vec<usize> = Vec::new();
    for member in [one, other] {
        while member.messages_waiting() > 0 {
            let payload = member.message().0.payload.expect("a number");
            numbers.push(String::from_utf8(payload).unwrap().parse().unwrap());
        }
    }
    numbers.sort_unstable();
    assert_eq!(numbers, Vec::from_iter(0..COUNT), "messages in the group");
}

fn identifiers(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut link = context.open(v);
    let identifier = Prop::VarInt(SUBSCRIPTION_IDENTIFIER, 268_435_455);
    link.subscribe_with(&topic, 1, 0, std::slice::from_ref(&identifier));
    link.publish(&topic, b"identified", 1);
    let (_, props) = link.expect_message(b"identified");
    assert_eq!(props, [identifier], "properties");
}

fn no_local(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut link = context.open(v);
    link.subscribe_with(&topic, 1, MQTT_SUB_OPT_NO_LOCAL, &[]);
    link.publish(&topic, b"own", 1);
    let mut other = context.open(v);
    other.publish(&topic, b"another's", 1);
    link.expect_message(b"another's");
}

fn nothing_to_unsubscribe(context: &Context<'_>, v: Version) {
    let filter = context.name("t");
    let mut link = context.open(v);
    link.client.unsubscribe2_callback();
    link.client
        .unsubscribe(&filter)
        .expect("mosquitto_unsubscribe");
    let codes = link.wait("UNSUBACK", |event| match event {
        crate::support::Event::Unsubscribe2(_, codes, _) => Some(codes.clone()),
        _ => None,
    });
    assert_eq!(codes, [0x11], "UNSUBACK codes");
}
