//! Look-ups at a name server that does as the test says.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use simple_dns::Name;

use super::config::Settings;
use super::message::{Question, Reply};
use super::{lookup_with, Service, SrvTarget};
use crate::error::{Error, Result};
use dns::Dns;

#[path = "../../../tests/support/dns.rs"]
mod dns;

/// So long that nothing here lasts until then.
const FAR: Duration = Duration::from_secs(600);

const NAME: &str = "_mqtt._tcp.example.com";

fn settings(servers: &[SocketAddr]) -> Settings {
    Settings {
        servers: servers.to_vec(),
        search: Vec::new(),
        ndots: 1,
        timeout: FAR,
        attempts: 1,
        edns: false,
    }
}

fn look_up(settings: &Settings) -> Result<Vec<SrvTarget>> {
    lookup_with(settings, "example.com", Service::Mqtt, Instant::now() + FAR)
}

fn look_up_at(dns: &Dns) -> Result<Vec<SrvTarget>> {
    look_up(&settings(&[dns.address()]))
}

fn target(host: &str, port: u16) -> SrvTarget {
    SrvTarget {
        host: host.to_owned(),
        port,
    }
}

fn text(outcome: Result<Vec<SrvTarget>>) -> String {
    match outcome {
        Err(Error::Resolver(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// A socket that takes what is sent to it and never answers.
fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn targets_come_in_the_order_of_their_priority() {
    let dns = Dns::start(|query| {
        query
            .servers(&[
                (30, 0, 1883, "three.example.com"),
                (10, 5, 8883, "one.example.com"),
                (20, 0, 1884, "two_2.example.com"),
            ])
            .alone()
    });
    assert_eq!(
        look_up_at(&dns).unwrap(),
        [
            target("one.example.com", 8883),
            target("two_2.example.com", 1884),
            target("three.example.com", 1883)
        ]
    );
    let queries = dns.queries();
    assert_eq!(queries.len(), 1);
    assert_eq!(
        (queries[0].name.as_str(), queries[0].kind),
        (NAME, dns::SRV)
    );
}

#[test]
fn tls_has_a_name_of_its_own() {
    let dns = Dns::start(|query| query.servers(&[(0, 0, 8883, "b.example")]).alone());
    let targets = lookup_with(
        &settings(&[dns.address()]),
        "example.com.",
        Service::SecureMqtt,
        Instant::now() + FAR,
    );
    assert_eq!(targets.unwrap(), [target("b.example", 8883)]);
    assert_eq!(dns.queries()[0].name, "_secure-mqtt._tcp.example.com");
}

#[test]
fn unknown_names_and_names_without_records_are_errors_that_name_the_record() {
    for code in [3, 0] {
        let dns = Dns::start(move |query| query.answer().code(code).alone());
        assert_eq!(text(look_up_at(&dns)), format!("no SRV record {NAME}"));
    }
}

#[test]
fn the_root_as_target_says_that_there_is_no_service() {
    let dns = Dns::start(|query| query.servers(&[(0, 0, 0, ".")]).alone());
    let text = text(look_up_at(&dns));
    assert!(text.ends_with("does not offer this service"), "{text}");
    assert!(text.contains(NAME), "{text}");
}

#[test]
fn targets_that_are_no_host_names_are_passed_over() {
    let servers = [
        (0, 0, 1, "a b.example"),
        (0, 0, 2, "."),
        (1, 0, 3, "c.example"),
    ];
    let dns = Dns::start(move |query| query.servers(&servers).alone());
    assert_eq!(look_up_at(&dns).unwrap(), [target("c.example", 3)]);
    let dns = Dns::start(move |query| query.servers(&servers[..1]).alone());
    assert!(text(look_up_at(&dns)).ends_with("no target is a host name"));
}

#[test]
fn what_is_no_domain_is_not_asked_for() {
    let dns = Dns::start(|_| panic!("asked"));
    let settings = settings(&[dns.address()]);
    let long = "a".repeat(64);
    let longer = [&long[1..]; 4].join(".");
    for domain in [
        "", ".", "a..b", ".a", "a..", "a b", "a\\.b", "é.fr", &long, &longer,
    ] {
        let outcome = lookup_with(&settings, domain, Service::Mqtt, Instant::now() + FAR);
        assert!(matches!(outcome, Err(Error::Caller(_))), "{domain}");
    }
}

#[test]
fn aliases_are_followed_inside_an_answer_and_by_asking_again() {
    let dns = Dns::start(|query| {
        let answer = query.answer();
        match query.name.as_str() {
            NAME => answer
                .srv("other.example", 0, 0, 1, "wrong.example")
                .cname("a.example", "b.example")
                .cname(NAME, "A.example"),
            "b.example" => answer.srv("B.EXAMPLE", 0, 0, 1883, "broker.example"),
            other => panic!("{other}"),
        }
        .alone()
    });
    assert_eq!(look_up_at(&dns).unwrap(), [target("broker.example", 1883)]);
    assert_eq!(dns.queries().len(), 2);

    let dns = Dns::start(|query| {
        query
            .answer()
            .cname(NAME, "b.example")
            .srv("b.example", 0, 0, 1883, "broker.example")
            .alone()
    });
    assert_eq!(look_up_at(&dns).unwrap(), [target("broker.example", 1883)]);
    assert_eq!(dns.queries().len(), 1);
}

#[test]
fn aliases_in_a_circle_come_to_an_end() {
    // Around inside one answer, and from one question to the next.
    let dns = Dns::start(|query| {
        query
            .answer()
            .cname(NAME, "a.example")
            .cname("a.example", NAME)
            .alone()
    });
    look_up_at(&dns).unwrap_err();
    let dns = Dns::start(|query| {
        query
            .answer()
            .cname(&query.name, &format!("a.{}", query.name))
            .alone()
    });
    assert!(text(look_up_at(&dns)).ends_with("too many aliases"));
}

#[test]
fn what_does_not_fit_in_a_datagram_is_asked_for_over_tcp() {
    let dns = Dns::start(|query| {
        let servers: Vec<_> = (0..400).map(|n| (n, 0, n, "broker.example.com")).collect();
        let mut answer = query.servers(&servers);
        if query.tcp {
            assert!(answer.bytes().len() > 20_000);
            return answer.alone();
        }
        answer = answer.truncated();
        // Cut inside of a record, as some do.
        vec![answer.bytes()[..200].to_vec()]
    });
    let targets = look_up_at(&dns).unwrap();
    assert_eq!(targets.len(), 400);
    assert_eq!(targets[399], target("broker.example.com", 399));
    let over_tcp: Vec<_> = dns.queries().iter().map(|query| query.tcp).collect();
    assert_eq!(over_tcp, [false, true]);
}

#[test]
fn tcp_that_ends_early_or_says_nothing_new_is_an_error() {
    let cut = |messages: fn(Vec<u8>) -> Vec<Vec<u8>>| {
        let dns = Dns::start(move |query| {
            let answer = query.servers(&[(0, 0, 1, "a.example")]);
            match query.tcp {
                false => answer.truncated().alone(),
                true => messages(answer.truncated().bytes()),
            }
        });
        text(look_up_at(&dns))
    };
    assert!(cut(|_| Vec::new()).contains("name server 127.0.0.1:"));
    assert!(cut(|message| vec![message]).contains("malformed answer"));
    assert!(cut(|message| vec![message[..8].to_vec()]).contains("malformed answer"));
    assert!(cut(|_| vec![Vec::new()]).contains("malformed answer"));
}

#[test]
fn answers_to_other_questions_are_ignored() {
    let dns = Dns::start(|query| {
        let forged = query.servers(&[(0, 0, 1, "forged.example")]);
        let mut not_an_answer = forged.bytes();
        not_an_answer[2] &= 0x7f;
        let mut two_questions = forged.bytes();
        two_questions[5] = 2;
        vec![
            forged.clone().id(query.id ^ 1).bytes(),
            forged.clone().id(query.id.swap_bytes() ^ 0x100).bytes(),
            forged
                .clone()
                .question("_mqtt._tcp.example.org", dns::SRV)
                .bytes(),
            forged.clone().question(NAME, dns::A).bytes(),
            not_an_answer,
            two_questions,
            b"short".to_vec(),
            Vec::new(),
            // The question may come back in other letters.
            query
                .servers(&[(0, 0, 1883, "real.example")])
                .question(&NAME.to_uppercase(), dns::SRV)
                .bytes(),
        ]
    });
    assert_eq!(look_up_at(&dns).unwrap(), [target("real.example", 1883)]);
}

#[test]
fn answers_from_another_address_are_ignored() {
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    // The stranger knows everything, and is faster.
    let dns = Dns::start(move |query| {
        let forged = query.servers(&[(0, 0, 1, "forged.example")]).bytes();
        // Fails where the system says at once that nobody takes it.
        let _ = stranger.send_to(&forged, query.from);
        query.servers(&[(0, 0, 1883, "real.example")]).alone()
    });
    assert_eq!(look_up_at(&dns).unwrap(), [target("real.example", 1883)]);
}

#[test]
fn a_lost_question_is_asked_again() {
    let mut lost = 0;
    let dns = Dns::start(move |query| {
        lost += 1;
        match lost {
            1 | 2 => Vec::new(),
            _ => query.servers(&[(0, 0, 1883, "a.example")]).alone(),
        }
    });
    let mut settings = settings(&[dns.address()]);
    settings.timeout = Duration::from_millis(50);
    // More than are lost, since on a busy machine an answer may come too late.
    settings.attempts = 1000;
    assert_eq!(look_up(&settings).unwrap(), [target("a.example", 1883)]);
}

#[test]
fn the_next_server_is_asked_when_one_fails() {
    let (_silent, silent) = silent();
    let closed = {
        let (_closed, address) = self::silent();
        address
    };
    let answers = Dns::start(|query| query.servers(&[(0, 0, 1883, "a.example")]).alone());
    let mut refuses = Vec::new();
    for code in [1, 2, 4, 5] {
        refuses.push(Dns::start(move |query| query.answer().code(code).alone()));
    }
    refuses.push(Dns::start(|query| {
        query.answer().without_recursion().alone()
    }));
    // Its question is missing, and a record is cut.
    refuses.push(Dns::start(|query| {
        let mut answer = query.answer().code(1).bytes();
        answer.truncate(12);
        answer[5] = 0;
        vec![answer]
    }));
    refuses.push(Dns::start(|query| {
        let answer = query.servers(&[(0, 0, 1, "wrong.example")]).bytes();
        vec![answer[..answer.len() - 1].to_vec()]
    }));
    for dns in &refuses {
        let targets = look_up(&settings(&[dns.address(), closed, answers.address()]));
        assert_eq!(targets.unwrap(), [target("a.example", 1883)]);
        look_up_at(dns).unwrap_err();
    }
    let mut settings = settings(&[silent, answers.address()]);
    settings.timeout = Duration::from_millis(50);
    settings.attempts = 1000;
    assert_eq!(look_up(&settings).unwrap(), [target("a.example", 1883)]);
}

#[test]
fn a_server_that_says_no_is_named_with_its_reason() {
    let dns = Dns::start(|query| query.answer().code(2).alone());
    let text = text(look_up_at(&dns));
    assert_eq!(
        text,
        format!(
            "SRV {NAME}: name server {} says ServerFailure",
            dns.address()
        )
    );
}

#[test]
fn without_an_answer_the_look_up_ends_at_the_deadline() {
    let (_silent, silent) = silent();
    let dns = Dns::start(|query| query.servers(&[(0, 0, 1883, "a.example")]).alone());
    let settings = settings(&[silent, dns.address()]);
    let start = Instant::now();
    let deadline = start + Duration::from_millis(200);
    let outcome = lookup_with(&settings, "example.com", Service::Mqtt, deadline);
    assert_eq!(
        text(outcome),
        format!("SRV {NAME}: no name server answered in time")
    );
    // Not before, and far from the time-out of ten minutes.
    assert!(Instant::now() >= deadline);
    assert!(start.elapsed() < Duration::from_secs(60));
    // Nobody is asked any more: the only question is this one.
    look_up_at(&dns).unwrap();
    assert_eq!(dns.queries().len(), 1);
}

#[test]
fn a_deadline_that_is_over_is_an_error_at_once() {
    let (_silent, address) = silent();
    let outcome = lookup_with(
        &settings(&[address]),
        "example.com",
        Service::Mqtt,
        Instant::now(),
    );
    assert!(text(outcome).ends_with("no name server answered in time"));
}

#[test]
fn larger_datagrams_are_asked_for_where_the_system_says_so_and_the_server_knows_them() {
    let dns = Dns::start(|query| match query.edns {
        true => query.answer().code(1).alone(),
        false => query.servers(&[(0, 0, 1883, "a.example")]).alone(),
    });
    let mut settings = settings(&[dns.address()]);
    settings.edns = true;
    assert_eq!(look_up(&settings).unwrap(), [target("a.example", 1883)]);
    let with_edns: Vec<_> = dns.queries().iter().map(|query| query.edns).collect();
    assert_eq!(with_edns, [true, false]);

    let dns = Dns::start(|query| {
        let servers: Vec<_> = (0..20).map(|n| (n, 0, n, "a.example")).collect();
        let answer = query.servers(&servers);
        assert!(query.edns && (513..1232).contains(&answer.bytes().len()));
        answer.alone()
    });
    settings.servers = vec![dns.address()];
    assert_eq!(look_up(&settings).unwrap().len(), 20);
    assert_eq!(dns.queries().len(), 1);
}

#[test]
fn search_domains_are_tried_until_one_has_the_record() {
    let dns = Dns::start(|query| {
        match query.name.as_str() {
            "_mqtt._tcp.office.two.example" => query.servers(&[(0, 0, 1883, "a.example")]),
            "_mqtt._tcp.office" => query.answer().code(3),
            _ => query.answer(),
        }
        .alone()
    });
    let mut settings = settings(&[dns.address()]);
    settings.search = vec!["one.example".to_owned(), "two.example".to_owned()];
    let deadline = Instant::now() + FAR;
    let found = |domain| lookup_with(&settings, domain, Service::Mqtt, deadline);
    assert_eq!(found("office").unwrap(), [target("a.example", 1883)]);
    assert_eq!(text(found("office.")), "no SRV record _mqtt._tcp.office");
    let names: Vec<_> = dns.queries().into_iter().map(|query| query.name).collect();
    assert_eq!(
        names,
        [
            "_mqtt._tcp.office",
            "_mqtt._tcp.office.one.example",
            "_mqtt._tcp.office.two.example",
            "_mqtt._tcp.office"
        ]
    );
}

#[test]
fn an_answer_cut_at_any_byte_is_an_error() {
    let dns_answer = |len: usize| {
        Dns::start(move |query| {
            let answer = query.answer().cname(NAME, "b.example").srv(
                "b.example",
                0,
                0,
                1883,
                "broker.example",
            );
            vec![answer.bytes()[..len].to_vec()]
        })
    };
    let whole = 12 + 28 + (24 + 10 + 11) + (11 + 10 + 6 + 16);
    assert_eq!(look_up_at(&dns_answer(whole)).unwrap().len(), 1);
    for len in 12..whole {
        look_up_at(&dns_answer(len)).unwrap_err();
    }
    // Less than a header belongs to no question; the time is over before an answer comes.
    for len in 0..12 {
        let mut settings = settings(&[dns_answer(len).address()]);
        settings.timeout = Duration::from_millis(1);
        look_up(&settings).unwrap_err();
    }
}

#[test]
fn counts_that_lie_take_no_memory() {
    let name = Name::new(NAME).unwrap();
    let question = Question::new(7, &name, false);
    let mut message = question.to_bytes().unwrap();
    message[2..4].copy_from_slice(&[0x81, 0x80]);
    message[6..12].fill(0xff);
    assert_eq!(question.judge(&message), Reply::Malformed);
    // Those of the other sections are of no concern.
    message[6..8].fill(0);
    assert_eq!(question.judge(&message), Reply::Records(Vec::new()));
}

/// An answer with all that is read, for the mutations.
fn answer() -> Vec<u8> {
    let name = Name::new(NAME).unwrap();
    let mut message = Question::new(7, &name, false).to_bytes().unwrap();
    message[2..4].copy_from_slice(&[0x81, 0x80]);
    message[6..8].copy_from_slice(&[0, 2]);
    // The name again by a pointer, an alias; then a record whose target ends in a pointer.
    message.extend([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, b'b', 0xc0, 23]);
    message.extend([
        0xc0, 52, 0, 33, 0, 1, 0, 0, 0, 60, 0, 10, 0, 1, 0, 2, 7, 91, 1, b'c',
    ]);
    message.extend([0xc0, 23]);
    message
}

#[test]
fn names_that_point_back_are_read() {
    let name = Name::new(NAME).unwrap();
    match Question::new(7, &name, false).judge(&answer()) {
        Reply::Records(records) => {
            assert_eq!(records.len(), 1);
            assert_eq!((records[0].priority, records[0].weight), (1, 2));
            assert_eq!(records[0].target, target("c.example.com", 1883));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn names_that_point_at_themselves_are_malformed() {
    let name = Name::new(NAME).unwrap();
    let mut message = answer();
    let at = message.len() - 2;
    for pointer in [at, at - 2, at + 1] {
        message[at] = 0xc0 | (pointer >> 8) as u8;
        message[at + 1] = pointer as u8;
        let reply = Question::new(7, &name, false).judge(&message);
        assert_eq!(reply, Reply::Malformed, "{pointer}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_judged(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let name = Name::new(NAME).unwrap();
        let question = Question::new(7, &name, false);
        question.judge(&bytes);
        let mut message = answer();
        message.truncate(12 + 28);
        message[6..8].copy_from_slice(&[0, 3]);
        message.extend(bytes);
        question.judge(&message);
    }

    #[test]
    fn any_answer_with_bytes_changed_is_judged(
        changes in prop::collection::vec((0usize..78, any::<u8>()), 0..6),
        len in 0usize..=78,
    ) {
        let name = Name::new(NAME).unwrap();
        let mut message = answer();
        for (at, byte) in changes {
            message[at] = byte;
        }
        message.truncate(len);
        Question::new(7, &name, false).judge(&message);
    }
}
