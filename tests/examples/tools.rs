//! The broker as Debian's mosquitto_pub and mosquitto_sub see it.

use super::demo_broker::DemoBroker;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

const VERSIONS: [&str; 3] = ["mqttv31", "mqttv311", "mqttv5"];

/// A running mosquitto_sub that is known to be subscribed.
struct Subscriber {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Subscriber {
    /// Messages are printed as `message TOPIC QOS RETAIN PAYLOAD`.
    fn start(broker: &DemoBroker, arguments: &str) -> Self {
        let mut process = Command::new("stdbuf")
            .args([
                "-oL",
                "mosquitto_sub",
                "-d",
                "-W",
                "60",
                "-F",
                "message %t %q %r %p",
                "-p",
            ])
            .arg(broker.port.to_string())
            .args(arguments.split_whitespace())
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub can be run");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let subscribed = lines.any(|line| line.unwrap().ends_with("received SUBACK"));
        assert!(subscribed, "mosquitto_sub {arguments} was not subscribed");
        Subscriber { process, lines }
    }

    /// What it printed until it ended by itself, successfully.
    fn messages(mut self) -> Vec<String> {
        let messages = self
            .lines
            .by_ref()
            .filter_map(|line| line.unwrap().strip_prefix("message ").map(str::to_owned))
            .collect();
        assert!(
            self.process.wait().unwrap().success(),
            "mosquitto_sub failed"
        );
        messages
    }
}

fn publish(broker: &DemoBroker, arguments: &str) {
    let output = mosquitto_pub(broker, arguments);
    assert!(
        output.status.success(),
        "mosquitto_pub {arguments}: {output:?}"
    );
}

fn mosquitto_pub(broker: &DemoBroker, arguments: &str) -> Output {
    Command::new("mosquitto_pub")
        .args(["-p", &broker.port.to_string()])
        .args(arguments.split_whitespace())
        .output()
        .expect("mosquitto_pub can be run")
}

#[test]
fn a_message_arrives_at_the_smaller_qos_in_every_version() {
    let broker = DemoBroker::start();
    for version in VERSIONS {
        for published in 0..3 {
            for granted in 0..3 {
                let subscriber =
                    Subscriber::start(&broker, &format!("-V {version} -t a/+ -C 1 -q {granted}"));
                publish(
                    &broker,
                    &format!("-V {version} -t a/b -m hello -q {published}"),
                );
                let expected = format!("a/b {} 0 hello", published.min(granted));
                assert_eq!(subscriber.messages(), [expected], "{version}");
            }
        }
    }
}

#[test]
fn thousands_of_qos_2_messages_arrive_in_order() {
    let broker = DemoBroker::start();
    let subscriber = Subscriber::start(&broker, "-t lines -q 2 -C 3000");
    let mut publisher = Command::new("mosquitto_pub")
        .args([
            "-p",
            &broker.port.to_string(),
            "-t",
            "lines",
            "-q",
            "2",
            "-l",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = publisher.stdin.take().unwrap();
    for number in 0..3000 {
        writeln!(stdin, "{number}").unwrap();
    }
    drop(stdin);
    let expected: Vec<_> = (0..3000)
        .map(|number| format!("lines 2 0 {number}"))
        .collect();
    assert_eq!(subscriber.messages(), expected);
    assert!(publisher.wait().unwrap().success());
}

#[test]
fn a_retained_message_greets_subscribers_until_it_is_cleared() {
    let broker = DemoBroker::start();
    publish(&broker, "-t kept/one -m first -r -q 1");
    publish(&broker, "-t kept/one -m second -r -q 1");
    publish(&broker, "-t kept/two -m other -r -q 1");
    let greeted = Subscriber::start(&broker, "-t kept/+ -q 1 -C 2").messages();
    assert_eq!(greeted, ["kept/one 1 1 second", "kept/two 1 1 other"]);

    publish(&broker, "-t kept/one -n -r -q 1");
    assert_eq!(
        Subscriber::start(&broker, "-t kept/# -q 1 -C 1").messages(),
        ["kept/two 1 1 other"]
    );
}

#[test]
fn wildcards_match_whole_levels_and_no_topic_that_begins_with_a_dollar() {
    let broker = DemoBroker::start();
    let plus = Subscriber::start(&broker, "-t +/b -C 1");
    let hash = Subscriber::start(&broker, "-t # -C 3");
    let dollar = Subscriber::start(&broker, "-t $own/# -C 1");
    for topic in ["$own/b", "a/b/c", "a", "a/b"] {
        publish(&broker, &format!("-t {topic} -m x"));
    }
    assert_eq!(plus.messages(), ["a/b 0 0 x"]);
    assert_eq!(hash.messages(), ["a/b/c 0 0 x", "a 0 0 x", "a/b 0 0 x"]);
    assert_eq!(dollar.messages(), ["$own/b 0 0 x"]);
}

#[test]
fn a_will_is_published_when_its_client_is_killed_and_not_when_it_says_goodbye() {
    let broker = DemoBroker::start();
    for version in VERSIONS {
        let heir = Subscriber::start(&broker, "-t will/+ -C 1 -q 1");
        let will = |name: &str| {
            format!("-V {version} --will-topic will/{name} --will-payload gone --will-qos 1")
        };
        let polite = Subscriber::start(&broker, &format!("{} -t never -E", will("polite")));
        assert!(polite.messages().is_empty());
        let mut killed = Subscriber::start(&broker, &format!("{} -t never", will("killed")));
        killed.process.kill().unwrap();
        killed.process.wait().unwrap();
        assert_eq!(heir.messages(), ["will/killed 1 0 gone"], "{version}");
    }
}

#[test]
fn a_session_keeps_subscription_and_messages_while_its_client_is_away() {
    let broker = DemoBroker::start();
    for version in VERSIONS {
        let expiry = if version == "mqttv5" { "-x 3600" } else { "" };
        let session = format!("-V {version} -c -i resumed {expiry} -t {version}/# -q 2");
        assert!(Subscriber::start(&broker, &format!("{session} -E"))
            .messages()
            .is_empty());
        publish(&broker, &format!("-t {version}/x -q 1 -m one"));
        publish(&broker, &format!("-t {version}/x -q 2 -m two"));
        let output = Command::new("mosquitto_sub")
            .args(["-W", "60", "-C", "2", "-p", &broker.port.to_string()])
            .args(session.split_whitespace())
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout),
            "one\ntwo\n",
            "{version}"
        );
    }
}

#[test]
fn a_megabyte_and_an_empty_payload_arrive_whole() {
    let broker = DemoBroker::start();
    let subscriber = Subscriber::start(&broker, "-t size -C 2 -q 1");
    let payload = "x".repeat(1 << 20);
    let mut publisher = Command::new("mosquitto_pub")
        .args([
            "-p",
            &broker.port.to_string(),
            "-t",
            "size",
            "-q",
            "1",
            "-s",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    publisher
        .stdin
        .take()
        .unwrap()
        .write_all(payload.as_bytes())
        .unwrap();
    assert!(publisher.wait().unwrap().success());
    publish(&broker, "-t size -n -q 1");
    assert_eq!(
        subscriber.messages(),
        [format!("size 1 0 {payload}"), "size 1 0 ".to_owned()]
    );
}

#[test]
fn only_the_right_user_name_and_password_are_accepted() {
    let broker = DemoBroker::start_with(&["--user", "alice:secret"]);
    for version in VERSIONS {
        let attempt = |credentials: &str| {
            mosquitto_pub(&broker, &format!("-V {version} -t a -m b {credentials}")).status
        };
        assert!(attempt("-u alice -P secret").success(), "{version}");
        assert!(!attempt("-u alice -P wrong").success(), "{version}");
        assert!(!attempt("-u bob -P secret").success(), "{version}");
        assert!(!attempt("").success(), "{version}");
    }
}
