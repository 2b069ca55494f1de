//! Programs of `examples-c` with Debian's Mosquitto as the broker.

use super::broker::{Broker, HeldPort};
use super::built::{build_dir, run, Scratch};
use super::running::{program, program_with, Running};
use std::fs;
use std::process::Command;

fn start(scratch: &Scratch) -> Broker {
    Broker::start(&scratch.path(""), &[], &[])
}

/// Publishes with Debian's tool.
fn publish(broker: &Broker, topic: &str, arguments: &[&str]) {
    run(Command::new("mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &broker.port().to_string()])
        .args(["-q", "1", "-t", topic])
        .args(arguments));
}

#[test]
fn the_thermometer_publishes_what_its_sensor_says_until_it_is_interrupted() {
    let scratch = Scratch::new("c-thermometer");
    let broker = start(&scratch);
    let address = ["127.0.0.1", &broker.port().to_string(), "kitchen"];
    let sensor = scratch.write("temp", "21500\n");
    let options = ["-p", "0.01", "-f", sensor.to_str().unwrap()];
    let thermometer = program(&scratch, "thermometer");
    let thermometer = Running::start(&thermometer, &[&options[..], &address].concat());

    let subscribe = program(&scratch, "subscribe");
    let mut subscriber = Running::start(&subscribe, &address);
    assert_eq!(subscriber.line(), "subscribed");
    assert_eq!(subscriber.line(), "kitchen 21.5");
    // In one step, so that no half of it is read.
    fs::rename(scratch.write("next", "-500\n"), sensor).unwrap();
    while subscriber.line() != "kitchen -0.5" {}
    thermometer.interrupt();
    thermometer.rest();
    broker.wait_for("Received DISCONNECT from auto-");
    subscriber.interrupt();
    subscriber.rest();

    // The last one was retained.
    let mut late = Running::start(&subscribe, &[&address[..], &["1"]].concat());
    let said = [late.line(), late.line()];
    assert!(said.contains(&"kitchen -0.5".to_owned()), "{said:?}");
    late.rest();
}

#[test]
fn retained_messages_that_the_filter_matches_are_cleared_and_no_others() {
    let scratch = Scratch::new("c-retained");
    let broker = start(&scratch);
    for topic in ["old/a", "old/b/c", "new"] {
        publish(&broker, topic, &["-r", "-m", "kept"]);
    }
    let clear = program(&scratch, "clear_retained");
    let arguments = ["-t", "1", "127.0.0.1", &broker.port().to_string()];
    let clear = |filter| {
        let mut said = Running::start(&clear, &[&arguments[..], &[filter]].concat()).rest();
        said.sort();
        said
    };
    assert_eq!(
        clear("old/#"),
        ["2 cleared, 0 refused: No error.", "old/a", "old/b/c"]
    );
    assert_eq!(clear("old/#"), ["0 cleared, 0 refused: No error."]);
    assert_eq!(clear("#"), ["1 cleared, 0 refused: No error.", "new"]);
}

#[test]
fn the_websocket_subscriber_prints_what_comes_until_it_is_interrupted() {
    let scratch = Scratch::new("c-websocket");
    let port = HeldPort::new();
    let listener = format!("listener {} 127.0.0.1\nprotocol websockets", port.number());
    let broker = Broker::start(&scratch.path(""), &[listener], &[]);
    let arguments = ["127.0.0.1", &port.number().to_string(), "demo"];
    let mut subscriber = Running::start(&program(&scratch, "websocket"), &arguments);
    assert_eq!(subscriber.line(), "subscribed");
    publish(&broker, "demo", &["-m", "over HTTP"]);
    assert_eq!(subscriber.line(), "demo over HTTP");
    subscriber.interrupt();
    assert!(subscriber.rest().is_empty());
}

#[test]
fn the_one_shot_programs_publish_and_receive_and_say_what_was_refused() {
    let scratch = Scratch::new("c-oneshot");
    let broker = start(&scratch);
    let address = ["127.0.0.1", &broker.port().to_string()];
    let publish = program(&scratch, "oneshot_publish");
    let publish = |words: &[&str]| {
        let mut command = Command::new(&publish);
        command.args(["-r", "-q", "2"]).args(address).args(words);
        command.output().unwrap()
    };
    let done = publish(&["kept/a", "1", "kept/b", ""]);
    assert!(done.status.success() && done.stderr.is_empty(), "{done:?}");
    // An empty one is not kept.
    let receive = program(&scratch, "oneshot_receive");
    let received = Running::start(&receive, &[&address[..], &["kept/#", "other"]].concat());
    assert_eq!(received.rest(), ["kept/a 1"]);

    let refused = publish(&["kept/a", "2", "kept/+", "3"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.starts_with("oneshot_publish: kept/+: "), "{said}");
    assert!(said.contains("oneshot_publish: message 2: "), "{said}");

    let late = Command::new(&receive)
        .args(["-n", "2", "-t", "0.2"])
        .args([&address[..], &["kept/#"]].concat())
        .output()
        .unwrap();
    assert_eq!(late.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&late.stdout), "kept/a 2\n");
    let said = String::from_utf8_lossy(&late.stderr);
    assert!(
        said.starts_with("oneshot_receive: the time is over"),
        "{said}"
    );
}

/// What the bridge has taken is on the disk: it is killed while the second broker is away, and the
/// first one is gone when the next bridge comes.
#[test]
fn the_bridge_passes_on_what_it_took_before_it_was_killed() {
    let scratch = Scratch::new("c-bridge");
    let bridge = program_with(&scratch, "bridge", &build_dir().join("store"));
    let folder = scratch.path("store");
    let start_bridge = |from: u16, to: u16| {
        let (from, to) = (from.to_string(), to.to_string());
        let folder = folder.to_str().unwrap();
        let arguments = [folder, "127.0.0.1", &from, "127.0.0.1", &to, "#"];
        Running::start(&bridge, &arguments)
    };
    fs::create_dir(scratch.path("from")).unwrap();
    let from = Broker::start(&scratch.path("from"), &[], &[]);
    let nobody = HeldPort::new();
    let first = start_bridge(from.port(), nobody.number());
    from.wait_for("Sending SUBACK to bridge-from");
    for text in ["1", "2", "3"] {
        publish(&from, "news", &["-m", text]);
    }
    from.wait_for_times("Received PUBACK from bridge-from", 3);
    first.kill();
    drop(from);

    fs::create_dir(scratch.path("to")).unwrap();
    let to = Broker::start(&scratch.path("to"), &[], &[]);
    let arguments = ["127.0.0.1", &to.port().to_string(), "#", "3"];
    let mut subscriber = Running::start(&program(&scratch, "subscribe"), &arguments);
    assert_eq!(subscriber.line(), "subscribed");
    let second = start_bridge(nobody.number(), to.port());
    assert_eq!(subscriber.rest(), ["news 1", "news 2", "news 3"]);
    second.interrupt();
    second.rest();
}

#[test]
fn each_topic_filter_has_its_callback_and_the_rest_goes_to_one() {
    let scratch = Scratch::new("c-topics");
    let broker = start(&scratch);
    let arguments = ["127.0.0.1", &broker.port().to_string(), "home"];
    let mut topics = Running::start(&program(&scratch, "topics"), &arguments);
    for filter in ["home/+/temperature", "home/+/door", "home/#"] {
        assert_eq!(topics.line(), format!("{filter}: subscribed"));
    }
    for (topic, payload, said) in [
        ("home/kitchen/temperature", "20", ": 20 degrees"),
        ("home/attic/temperature", "25", ": 25 degrees"),
        ("home/front/door", "1", ": open"),
        ("home/cat", "purrs", ": 5 bytes"),
    ] {
        publish(&broker, topic, &["-m", payload]);
        assert_eq!(topics.line(), format!("{topic}{said}"));
    }
    topics.interrupt();
    assert_eq!(topics.rest(), ["average: 22.5"]);
}

#[test]
fn what_became_of_each_message_is_told_and_waited_for() {
    let scratch = Scratch::new("c-publish-wait");
    let acl = scratch.write("acl", "topic write open\n");
    let settings = [format!("acl_file {}", acl.display())];
    let broker = Broker::start(&scratch.path(""), &settings, &[]);
    let program = program(&scratch, "publish_wait");
    let port = broker.port().to_string();
    let open = ["127.0.0.1", &port, "open", "one", "two", "three"];
    let said = Running::start(&program, &open).rest();
    let expected = ["one", "two", "three"].map(|text| format!("{text}: acknowledged"));
    assert_eq!(said, expected);
    let refused = Command::new(program)
        .args(["127.0.0.1", &port, "closed", "one"])
        .output()
        .unwrap();
    assert!(!refused.status.success(), "{refused:?}");
    assert_eq!(
        String::from_utf8_lossy(&refused.stdout),
        "one: Not authorized\n"
    );
}

#[test]
fn requests_of_both_versions_are_answered() {
    let scratch = Scratch::new("c-requests");
    let broker = start(&scratch);
    let port = broker.port().to_string();
    let server = program(&scratch, "request_server");
    let server = Running::start(&server, &["127.0.0.1", &port, "upper"]);
    broker.wait_for("Sending SUBACK");
    let client = program(&scratch, "request_client");
    for version in [&["-4"][..], &[]] {
        let asked = ["127.0.0.1", &port, "upper", "one", "two"];
        let mut said = Running::start(&client, &[version, &asked].concat()).rest();
        said.sort();
        assert_eq!(said, ["one: ONE", "two: TWO"]);
    }
    server.interrupt();
    assert_eq!(server.rest(), ["4 answered"]);
}

#[test]
fn the_load_generator_sends_all_messages_and_is_no_faster_than_it_should_be() {
    let scratch = Scratch::new("c-load");
    let broker = start(&scratch);
    let port = broker.port().to_string();
    let options = ["-r", "100", "-n", "200", "-c", "4", "-q"];
    let load = program(&scratch, "load");
    for qos in ["0", "1", "2"] {
        let arguments = [&options[..], &[qos, "127.0.0.1", &port, "load"]].concat();
        let said = Running::start(&load, &arguments).rest().concat();
        assert!(said.starts_with("200 messages in "), "{said}");
        assert!(said.ends_with(" a second, 0 lost: No error."), "{said}");
        // The first message of each client need not wait.
        let seconds: f64 = said.split(' ').nth(3).unwrap().parse().unwrap();
        assert!(seconds >= 196.0 / 400.0 * 0.95, "{said}");
    }
}

#[test]
fn an_interrupted_load_generator_drops_what_waits_and_succeeds() {
    let scratch = Scratch::new("c-load-interrupt");
    let broker = start(&scratch);
    let port = broker.port().to_string();
    let arguments = ["-r", "1", "127.0.0.1", &port, "load"];
    let load = Running::start(&program(&scratch, "load"), &arguments);
    broker.wait_for("Received PUBLISH");
    load.interrupt();
    let said = load.rest().concat();
    assert!(said.ends_with(", 0 lost: No error."), "{said}");
}
