//! Programs of `examples-c` that have an event loop of their own, beside that of poll().

use super::built::Scratch;
use super::demo_broker::DemoBroker;
use super::running::{program, Running};

#[test]
fn the_epoll_loop_serves_a_client_for_each_topic_until_it_is_interrupted() {
    let scratch = Scratch::new("c-epoll");
    let broker = DemoBroker::start();
    let port = broker.port.to_string();
    let topics = ["a", "b", "c"];
    let arguments = [&["127.0.0.1", &port][..], &topics].concat();
    let mut clients = Running::start(&program(&scratch, "epoll_loop"), &arguments);
    let mut said: Vec<_> = topics.iter().map(|_| clients.line()).collect();
    said.sort();
    assert_eq!(said, topics.map(|topic| format!("{topic}: subscribed")));

    let publish = program(&scratch, "publish");
    for topic in topics {
        let mut publisher = Running::start(&publish, &["127.0.0.1", &port, topic]);
        publisher.input("hello\n");
        assert_eq!(clients.line(), format!("{topic} hello"));
        publisher.interrupt();
        publisher.rest();
    }
    clients.interrupt();
    assert!(clients.rest().is_empty());
}

#[test]
fn the_libuv_loop_hears_its_own_ticks_until_it_is_interrupted() {
    let scratch = Scratch::new("c-uv");
    let broker = DemoBroker::start();
    let port = broker.port.to_string();
    let arguments = ["127.0.0.1", &port, "ticks", "1"];
    let mut clock = Running::start(&program(&scratch, "uv_loop"), &arguments);
    let first = clock.line();
    let number: u64 = first.strip_prefix("ticks ").unwrap().parse().unwrap();
    for next in number + 1..number + 10 {
        assert_eq!(clock.line(), format!("ticks {next}"));
    }
    clock.interrupt();
    clock.rest();
}
