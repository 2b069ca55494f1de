//! MQTT 5: what travels with a message.

use std::ffi::CString;

use super::super::link::{Context, Link};
use super::super::tap::{From, PUBLISH};
use super::Scenario;
use crate::support::prop::{self, List, Prop};
use crate::support::{mosquitto_publish_v5, Version};

const V: Version = Version::V5;

pub(super) fn add(all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>)| all.push(Scenario::new(V, name, run));
    row(
        "user properties, in order, also twice the same",
        user_properties,
    );
    row("content type", |context| {
        carried(context, Prop::Str(prop::CONTENT_TYPE, "text/plain".into()));
    });
    row("payload format indicator", |context| {
        carried(context, Prop::Byte(prop::PAYLOAD_FORMAT_INDICATOR, 1));
    });
    row(
        "request and response: response topic and correlation data",
        request,
    );
    row(
        "message expiry: the interval comes with the message",
        expiry_carried,
    );
    row("message expiry: an expired message does not come", expired);
    row("topic alias from the client to the broker", alias_out);
    row("topic alias from the broker to the client", alias_in);
}

fn user_properties(context: &Context<'_>) {
    let topic = context.name("t");
    let props = [
        prop::user("b", "1"),
        prop::user("a", "ü"),
        prop::user("b", "1"),
        prop::user("", ""),
    ];
    let mut link = context.open(V);
    link.subscribe(&topic, 1);
    link.publish_with(&topic, b"x", 1, &props);
    let (_, got) = link.expect_message(b"x");
    assert_eq!(got, props, "properties");
}

fn carried(context: &Context<'_>, prop: Prop) {
    let topic = context.name("t");
    let mut link = context.open(V);
    link.subscribe(&topic, 1);
    link.publish_with(&topic, b"x", 1, std::slice::from_ref(&prop));
    let (_, got) = link.expect_message(b"x");
    assert_eq!(got, [prop], "properties");
}

fn request(context: &Context<'_>) {
    let (questions, answers) = (context.name("q"), context.name("a"));
    let mut asker = context.open(V);
    asker.subscribe(&answers, 1);
    let mut answerer = context.open(V);
    answerer.subscribe(&questions, 1);
    let data = Prop::Binary(prop::CORRELATION_DATA, vec![0, 7, 255]);
    let props = [
        Prop::Str(prop::RESPONSE_TOPIC, answers.clone()),
        data.clone(),
    ];
    asker.publish_with(&questions, b"?", 1, &props);
    let (_, got) = answerer.expect_message(b"?");
    for prop in &props {
        assert!(got.contains(prop), "{prop:?} did not come: {got:?}");
    }
    answerer.publish_with(&answers, b"!", 1, std::slice::from_ref(&data));
    let (_, got) = asker.expect_message(b"!");
    assert_eq!(got, [data], "properties of the answer");
}

fn expiry_carried(context: &Context<'_>) {
    let topic = context.name("t");
    let mut link = context.open(V);
    link.subscribe(&topic, 1);
    let props = [Prop::U32(prop::MESSAGE_EXPIRY_INTERVAL, 100)];
    link.publish_with(&topic, b"x", 1, &props);
    let (_, got) = link.expect_message(b"x");
    assert!(
        matches!(got[..], [Prop::U32(prop::MESSAGE_EXPIRY_INTERVAL, 1..=100)]),
        "no message expiry interval of 1 to 100 came: {got:?}"
    );
}

fn expired(context: &Context<'_>) {
    let topic = context.name("t");
    let mut publisher = context.open(V);
    retain_for(&mut publisher, &topic, 2);
    // Asks again and again until the retained message is gone; a message
    // behind it shows each time whether it still came.
    let mut came = 0;
    publisher.work_until("the retained message to expire", |publisher| {
        let mut asker = context.open(V);
        asker.subscribe(&topic, 1);
        publisher.publish(&topic, b"fence", 1);
        let (message, _) = asker.message();
        came += 1;
        message.payload.as_deref() == Some(b"fence")
    });
    assert!(
        came > 1,
        "the message did not come before it expired either"
    );
}

fn retain_for(link: &mut Link, topic: &str, seconds: u32) {
    let name = CString::new(topic).unwrap();
    let list = List::new(&[Prop::U32(prop::MESSAGE_EXPIRY_INTERVAL, seconds)]);
    let mut mid = 0;
    let payload = b"short-lived";
    // SAFETY: the handle lives, and so do the strings and the list during the call.
    let rc = unsafe {
        mosquitto_publish_v5(
            link.client.0,
            &mut mid,
            name.as_ptr(),
            payload.len() as i32,
            payload.as_ptr().cast(),
            1,
            true,
            list.0,
        )
    };
    assert_eq!(rc, 0, "mosquitto_publish_v5");
    link.outcome(Ok(mid as u16));
}

fn alias_out(context: &Context<'_>) {
    let topic = context.name("t");
    let mut link = context.open(V);
    let maximum = link.connack.props.iter().find_map(|prop| match prop {
        Prop::U16(prop::TOPIC_ALIAS_MAXIMUM, maximum) => Some(*maximum),
        _ => None,
    });
    assert!(
        maximum.is_some_and(|maximum| maximum > 0),
        "no topic alias maximum in CONNACK"
    );
    link.subscribe(&topic, 1);
    let alias = [Prop::U16(prop::TOPIC_ALIAS, 1)];
    link.publish_with(&topic, b"with its topic", 1, &alias);
    link.publish_with("", b"by alias", 1, &alias);
    link.expect_message(b"with its topic");
    let (message, _) = link.expect_message(b"by alias");
    assert_eq!(message.topic, topic, "topic");
}

fn alias_in(context: &Context<'_>) {
    let topic = context.name("t");
    let mut link = context
        .dial(V)
        .prop(Prop::U16(prop::TOPIC_ALIAS_MAXIMUM, 5))
        .open();
    link.subscribe(&topic, 1);
    for payload in [b"1", b"2", b"3"] {
        link.publish(&topic, payload, 1);
        let (message, _) = link.expect_message(payload);
        assert_eq!(message.topic, topic, "topic");
    }
    // A topic of length 0 is what shows that the alias stood for it.
    let without_topic = link
        .seen(From::Broker, PUBLISH)
        .iter()
        .filter(|p| p.bytes[p.header()..p.header() + 2] == [0, 0])
        .count();
    assert!(without_topic > 0, "the broker never used a topic alias");
}
