//! Ways to connect, and to be refused.

use super::super::link::Context;
use super::super::tap::{From, PINGRESP};
use super::Scenario;
use crate::support::prop::{self, Prop};
use crate::support::Version;

pub(super) fn add(v: Version, all: &mut Vec<Scenario>) {
    let mut row = |name: &str, run: fn(&Context<'_>, Version)| {
        all.push(Scenario::new(v, name, move |context| run(context, v)));
    };
    row("connect with a clean session, disconnect", clean_session);
    row("right user name and password are accepted", right_password);
    row("a wrong password is refused", wrong_password);
    if v != Version::V31 {
        row("connect with an empty client identifier", empty_id);
    }
    row("connect with a long client identifier", long_id);
    row("a keep alive of 2 s is held by PINGREQ alone", keep_alive);
    row("a second connection takes over the session", takeover);
    if v.is_v5() {
        row(
            "an unknown authentication method is refused",
            unknown_method,
        );
    }
}

fn clean_session(context: &Context<'_>, v: Version) {
    let link = context.open(v);
    assert!(!link.connack.session_present, "session present");
    link.close();
}

fn credentials(context: &Context<'_>) -> (&'static str, &'static str) {
    context
        .server
        .credentials
        .expect("no credentials are set up with this broker")
}

fn right_password(context: &Context<'_>, v: Version) {
    let (name, password) = credentials(context);
    context.dial(v).login(name, password).open().close();
}

fn wrong_password(context: &Context<'_>, v: Version) {
    let (name, _) = credentials(context);
    let link = context.dial(v).login(name, "another").dial();
    // MQTT 3: bad user name or password, not authorized. MQTT 5: the same.
    let codes = if v.is_v5() { [0x86, 0x87] } else { [4, 5] };
    assert!(
        codes.contains(&link.connack.code),
        "CONNACK code {:#04x}",
        link.connack.code
    );
}

fn empty_id(context: &Context<'_>, v: Version) {
    let link = context.dial(v).no_id().open();
    if v.is_v5() {
        let assigned = link.connack.props.iter().any(|prop| {
            matches!(prop, Prop::Str(prop::ASSIGNED_CLIENT_IDENTIFIER, id) if !id.is_empty())
        });
        assert!(assigned, "no assigned client identifier in CONNACK");
    }
    link.close();
}

fn long_id(context: &Context<'_>, v: Version) {
    let mut id = context.name("long");
    // MQTT 3.1 allows 23 characters, and no more.
    let length = if v == Version::V31 { 23 } else { 200 };
    while id.len() < length {
        id.push('i');
    }
    context.dial(v).id(&id).open().close();
}

fn keep_alive(context: &Context<'_>, v: Version) {
    let mut link = context.dial(v).keep_alive(2).open();
    // Three intervals and three answers: the broker would have closed after 3 s.
    link.work_until("the third PINGRESP", |link| {
        link.seen(From::Broker, PINGRESP).len() >= 3
    });
    let topic = context.name("t");
    link.subscribe(&topic, 0);
    link.publish(&topic, b"still here", 0);
    link.expect_message(b"still here");
    link.close();
}

fn takeover(context: &Context<'_>, v: Version) {
    let id = context.name("taken");
    let mut first = context.dial(v).id(&id).open();
    let second = context.dial(v).id(&id).open();
    let (code, _) = first.ended();
    if v.is_v5() {
        assert!(
            code == 0x8e,
            "no DISCONNECT with reason 0x8e (session taken over): the connection ended with code {code:#04x}"
        );
    } else {
        assert_ne!(code, 0, "code of on_disconnect");
    }
    second.close();
}

fn unknown_method(context: &Context<'_>, v: Version) {
    let link = context
        .dial(v)
        .prop(Prop::Str(prop::AUTHENTICATION_METHOD, "NO-SUCH".into()))
        .dial();
    // Bad authentication method; a broker may also call it not authorized.
    assert!(
        [0x8c, 0x87].contains(&link.connack.code),
        "CONNACK code {:#04x}",
        link.connack.code
    );
}
