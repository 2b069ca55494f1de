//! Calls made inside callbacks, and what they do on the wire.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::sync::mpsc;

use support::*;

fn published(mid: u16) -> Event {
    Event::PublishV5(mid.into(), 0, vec![])
}

fn is_loss(event: &Event) -> bool {
    matches!(event, Event::DisconnectV5(code, _) if *code != 0)
}

fn a_message_published_inside_on_disconnect_is_sent_on_the_next_connection(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if is_loss(event) {
            assert_eq!(handle.publish("a", b"0", 0), Err(MOSQ_ERR_NO_CONN));
            handle.publish("a", b"1", 1).unwrap();
        }
    });
    w.lose();
    w.reconnect();
    w.accept_session(false, &[]);
    let packet = w.take_packet();
    let mid = u16::from_be_bytes([packet[5], packet[6]]);
    assert_eq!(packet, publish("a", b"1").qos(1, mid).bytes(v));
    w.send(&puback(mid));
    w.event(published(mid));
    w.finish();
}

fn disconnecting_inside_on_disconnect_does_nothing(v: Version) {
    let (sender, codes) = mpsc::channel();
    let mut w = Wire::open(v);
    w.client.on_event(move |handle, event| {
        if matches!(event, Event::DisconnectV5(..)) {
            sender.send(handle.disconnect()).unwrap();
        }
    });
    w.lose();
    assert_eq!(codes.try_recv(), Ok(Err(MOSQ_ERR_NO_CONN)));
    assert_eq!(w.client.try_event(), None);
}

fn reconnect_async_inside_on_disconnect_works_in_the_library_s_thread(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    w.client.on_event(|handle, event| {
        if is_loss(event) {
            handle.reconnect_async().unwrap();
        }
    });
    w.lose();
    w.accept_again();
    w.accept_session(false, &[]);
    w.finish();
}

fn reconnect_inside_on_disconnect_works_in_the_library_s_thread(v: Version) {
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    w.client.on_event(|handle, event| {
        if is_loss(event) {
            handle.reconnect().unwrap();
        }
    });
    w.lose();
    w.accept_again();
    w.accept_session(false, &[]);
    w.finish();
}

fn reconnect_inside_on_message_leaves_the_old_connection(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if matches!(event, Event::MessageV5(..)) {
            handle.reconnect().unwrap();
        }
    });
    // Neither the second message nor an acknowledgement of the first belongs to the
    // connection that follows.
    w.send(
        &[
            publish("a", b"1").qos(1, 5).bytes(v),
            publish("a", b"2").bytes(v),
        ]
        .concat(),
    );
    w.event(Event::MessageV5(Message::new("a", b"1").qos(1, 5), vec![]));
    w.client.last = MOSQ_ERR_SUCCESS;
    w.accept_again();
    w.client.last = MOSQ_ERR_SUCCESS;
    w.send(&connack(v, false, 0, &[]));
    loop {
        match w.client.next_event() {
            Event::ConnectV5(0, 0, _) => break,
            Event::DisconnectV5(..) => w.client.last = MOSQ_ERR_SUCCESS,
            other => panic!("{other:?}"),
        }
    }
    w.finish();
}

fn subscribing_inside_on_subscribe_works(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if let Event::SubscribeV5(mid, ..) = event {
            if *mid < 3 {
                handle.subscribe("next", 1).unwrap();
            }
        }
    });
    assert_eq!(w.client.subscribe("first", 1), Ok(1));
    w.expect(&subscribe(v, 1, &[], &[("first", 1)]));
    for mid in 2..=3 {
        w.send(&suback(v, mid - 1, &[], &[1]));
        w.event(Event::SubscribeV5(i32::from(mid) - 1, vec![1], vec![]));
        w.expect(&subscribe(v, mid, &[], &[("next", 1)]));
    }
    w.send(&suback(v, 3, &[], &[1]));
    w.event(Event::SubscribeV5(3, vec![1], vec![]));
    w.finish();
}

fn unsubscribing_inside_on_message_works(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, event| {
        if matches!(event, Event::MessageV5(..)) {
            handle.unsubscribe("a").unwrap();
        }
    });
    w.send(&publish("a", b"x").qos(1, 9).bytes(v));
    // In the order in which they came about: the message was not acknowledged yet.
    let (one, two) = (w.take_packet(), w.take_packet());
    let (request, answer) = (unsubscribe(v, 1, &[], &["a"]), puback(9));
    assert!(
        [&one, &two] == [&request, &answer] || [&one, &two] == [&answer, &request],
        "{one:02x?} {two:02x?}"
    );
    w.event(Event::MessageV5(Message::new("a", b"x").qos(1, 9), vec![]));
    w.send(&unsuback(v, 1, &[], &[0]));
    w.event(Event::UnsubscribeV5(1, vec![]));
    w.finish();
}

fn callbacks_do_not_overlap_and_keep_their_order(v: Version) {
    let (sender, order) = mpsc::channel();
    let mut w = Wire::open(v);
    w.client.on_event(move |handle, event| {
        if let Event::MessageV5(message, _) = event {
            let payload = message.payload.clone().unwrap();
            sender.send(("begin", payload.clone())).unwrap();
            // Its on_publish has to wait for the end of this callback.
            handle.publish("out", &payload, 0).unwrap();
            sender.send(("end", payload)).unwrap();
        }
    });
    let bytes: Vec<_> = (0..10).flat_map(|n| publish("a", &[n]).bytes(v)).collect();
    w.send(&bytes);
    for n in 0..10 {
        w.expect(&publish("out", &[n]).bytes(v));
    }
    let got: Vec<_> = order.try_iter().collect();
    let expected: Vec<_> = (0..10)
        .flat_map(|n| [("begin", vec![n]), ("end", vec![n])])
        .collect();
    assert_eq!(got, expected);
}

fn loop_stop_inside_a_callback_ends_the_thread(v: Version) {
    let (sender, codes) = mpsc::channel();
    let mut w = Setup::new(v).drive(Drive::Thread).open();
    w.client.on_event(move |handle, event| {
        if matches!(event, Event::MessageV5(..)) {
            sender.send(handle.loop_stop(true)).unwrap();
        }
    });
    w.send(&publish("a", b"stop").bytes(v));
    w.event(Event::MessageV5(Message::new("a", b"stop"), vec![]));
    assert_eq!(codes.recv_timeout(DEADLINE), Ok(Ok(())));
    // Another one can be started, and goes on with the connection.
    w.client.on_event(|_, _| ());
    w.client.loop_start().unwrap();
    w.send(&publish("a", b"go").bytes(v));
    w.event(Event::MessageV5(Message::new("a", b"go"), vec![]));
    w.finish();
}

fn destroy_inside_a_callback_closes_the_connection(v: Version) {
    for drive in [Drive::Loop, Drive::Thread] {
        let mut w = Setup::new(v).drive(drive).open();
        w.client.on_event(|handle, event| {
            if matches!(event, Event::MessageV5(..)) {
                unsafe { mosquitto_destroy(handle.0) };
                assert!(handle.publish("a", b"x", 0).is_err());
            }
        });
        w.send(&[publish("a", b"1").bytes(v), publish("a", b"2").bytes(v)].concat());
        w.event(Event::MessageV5(Message::new("a", b"1"), vec![]));
        w.expect_close();
        assert_eq!(w.client.socket(), -1);
        assert_eq!(w.client.try_event(), None);
    }
}

fn a_callback_may_set_another_one_for_the_next_event(v: Version) {
    let mut w = Wire::open(v);
    w.client.on_event(|handle, _| {
        handle.on_message_plain();
    });
    w.send(&[publish("a", b"1").bytes(v), publish("a", b"2").bytes(v)].concat());
    w.event(Event::MessageV5(Message::new("a", b"1"), vec![]));
    w.event(Event::Message(Message::new("a", b"2")));
    w.event(Event::MessageV5(Message::new("a", b"2"), vec![]));
}

each_version!(
    a_message_published_inside_on_disconnect_is_sent_on_the_next_connection,
    disconnecting_inside_on_disconnect_does_nothing,
    reconnect_async_inside_on_disconnect_works_in_the_library_s_thread,
    reconnect_inside_on_disconnect_works_in_the_library_s_thread,
    reconnect_inside_on_message_leaves_the_old_connection,
    subscribing_inside_on_subscribe_works,
    unsubscribing_inside_on_message_works,
    callbacks_do_not_overlap_and_keep_their_order,
    loop_stop_inside_a_callback_ends_the_thread,
    destroy_inside_a_callback_closes_the_connection,
    a_callback_may_set_another_one_for_the_next_event,
);
