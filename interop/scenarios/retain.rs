//! Retained messages.

use super::super::link::{Context, Link};
use super::Scenario;
use crate::support::{
    Version, MQTT_SUB_OPT_RETAIN_AS_PUBLISHED, MQTT_SUB_OPT_SEND_RETAIN_NEVER,
    MQTT_SUB_OPT_SEND_RETAIN_NEW,
};

pub(super) fn add(v: Version, all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>, Version)| {
        all.push(Scenario::new(v, name, move |context| run(context, v)));
    };
    row("a retained message is set and replaced", set);
    row("a retained message is found by a wildcard", by_wildcard);
    row("a retained message is cleared", cleared);
    if v.is_v5() {
        row("retain as published keeps the flag", as_published);
        row("retain handling 1: only with a new subscription", only_new);
        row("retain handling 2: none with a subscription", never);
    }
}

/// A topic with a retained message.
fn retained(context: &Context<'_>, v: Version) -> (String, Link) {
    let topic = format!("{}/kept", context.name("t"));
    let mut publisher = context.open(v);
    publisher.publish_retained(&topic, b"kept", 1);
    (topic, publisher)
}

fn set(context: &Context<'_>, v: Version) {
    let (topic, mut publisher) = retained(context, v);
    publisher.publish_retained(&topic, b"kept instead", 1);
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, 1);
    let (message, _) = subscriber.expect_message(b"kept instead");
    assert!(message.retain, "retain is not set in a retained message");
    // One that subscribed before gets it as any other message.
    publisher.publish_retained(&topic, b"live", 1);
    let (message, _) = subscriber.expect_message(b"live");
    assert!(!message.retain, "retain is set in a live message");
}

fn by_wildcard(context: &Context<'_>, v: Version) {
    let (topic, _publisher) = retained(context, v);
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic.replace("/kept", "/+"), 1);
    let (message, _) = subscriber.expect_message(b"kept");
    assert!(message.retain, "retain is not set in a retained message");
}

fn cleared(context: &Context<'_>, v: Version) {
    let (topic, mut publisher) = retained(context, v);
    publisher.publish_retained(&topic, b"", 1);
    let mut subscriber = context.open(v);
    subscriber.subscribe(&topic, 1);
    publisher.publish(&topic, b"fence", 1);
    subscriber.expect_message(b"fence");
}

fn as_published(context: &Context<'_>, v: Version) {
    let topic = context.name("t");
    let mut subscriber = context.open(v);
    subscriber.subscribe_with(&topic, 1, MQTT_SUB_OPT_RETAIN_AS_PUBLISHED, &[]);
    let mut publisher = context.open(v);
    publisher.publish_retained(&topic, b"flagged", 1);
    let (message, _) = subscriber.expect_message(b"flagged");
    assert!(message.retain, "retain was not kept as published");
}

fn only_new(context: &Context<'_>, v: Version) {
    let (topic, mut publisher) = retained(context, v);
    let mut subscriber = context.open(v);
    subscriber.subscribe_with(&topic, 1, MQTT_SUB_OPT_SEND_RETAIN_NEW, &[]);
    subscriber.expect_message(b"kept");
    subscriber.subscribe_with(&topic, 1, MQTT_SUB_OPT_SEND_RETAIN_NEW, &[]);
    publisher.publish(&topic, b"fence", 1);
    subscriber.expect_message(b"fence");
}

fn never(context: &Context<'_>, v: Version) {
    let (topic, mut publisher) = retained(context, v);
    let mut subscriber = context.open(v);
    subscriber.subscribe_with(&topic, 1, MQTT_SUB_OPT_SEND_RETAIN_NEVER, &[]);
    publisher.publish(&topic, b"fence", 1);
    subscriber.expect_message(b"fence");
}
