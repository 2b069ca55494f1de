//! The life cycle with a clock that stands still until a test moves it.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

const DELAY: ReconnectDelay = ReconnectDelay {
    min: SECOND,
    max: Duration::from_secs(60),
    exponential: true,
};

struct Bench {
    life: Lifecycle,
    now: Instant,
}

impl Bench {
    fn new(rules: ReconnectRules) -> Bench {
        let mut life = Lifecycle::default();
        life.set_rules(rules, 1);
        life.observe(true, 1);
        life.wish_anew(false);
        let now = Instant::now();
        Bench { life, now }
    }

    fn listed(rules: ReconnectRules, names: &[&str], order: ServerOrder) -> Bench {
        let mut b = Bench::new(rules);
        let list = names.iter().map(|name| (((*name).to_owned(), 1), 0));
        b.life.set_servers(list.collect(), order, 1);
        b.life.wish_anew(true);
        b
    }

    fn begin(&mut self) -> String {
        let server = self.life.server().cloned();
        let server = server.unwrap_or_else(|| ("own".to_owned(), 1));
        self.life.next_attempt = None;
        self.life.begin(|| server.clone());
        assert_eq!(self.life.phase, Phase::Connecting);
        server.0
    }

    fn up(&mut self) -> String {
        let server = self.begin();
        self.life.accepted(self.now);
        assert_eq!(self.life.phase, Phase::Up);
        server
    }

    /// Fails; the delay in milliseconds, after which the clock stands.
    fn fail(&mut self, is_final: bool) -> Option<u128> {
        self.life.failed(is_final, true, &DELAY, self.now);
        let wait = self.life.next_attempt.map(|at| at - self.now);
        self.now += wait.unwrap_or_default();
        wait.map(|wait| wait.as_millis())
    }
}

fn rules() -> ReconnectRules {
    ReconnectRules::default()
}

#[test]
fn ten_thousand_failures_keep_to_the_doubled_delay_and_with_jitter_below_it() {
    for jitter in [false, true] {
        let mut b = Bench::new(ReconnectRules { jitter, ..rules() });
        let mut sum = 0;
        for failed in 0..10_000 {
            b.begin();
            let delay = b.fail(false).unwrap();
            let full = (1000u128 << failed.min(6)).min(60_000);
            assert!(
                delay <= full && (jitter || delay == full),
                "{failed}: {delay}"
            );
            sum += delay * 1000 / full;
        }
        // A mean of 500 with a deviation of 289 / 100.
        assert!(!jitter || (4_800_000..5_200_000).contains(&sum), "{sum}");
    }
}

#[test]
fn a_connection_counts_the_delay_anew_only_after_the_stable_period() {
    let stable = 10 * SECOND;
    let mut b = Bench::new(ReconnectRules { stable, ..rules() });
    for expected in [1000, 2000] {
        b.begin();
        assert_eq!(b.fail(false), Some(expected));
    }
    b.up();
    b.now += 9 * SECOND;
    assert_eq!(b.fail(false), Some(4000));
    b.up();
    b.now += stable;
    assert_eq!(b.fail(false), Some(1000));
}

#[test]
fn without_a_stable_period_each_connection_counts_anew() {
    let mut b = Bench::new(rules());
    b.begin();
    b.fail(false);
    b.up();
    assert_eq!(b.fail(false), Some(1000));
}

#[test]
fn after_so_many_attempts_in_a_row_it_is_given_up() {
    let mut b = Bench::new(ReconnectRules {
        attempts: 3,
        ..rules()
    });
    for _ in 0..2 {
        b.begin();
        assert!(b.fail(false).is_some());
    }
    b.up();
    assert!(b.fail(false).is_some(), "a connection counts anew");
    for _ in 0..2 {
        b.begin();
        assert!(b.fail(false).is_some());
    }
    b.begin();
    assert_eq!(b.fail(false), None);
    assert_eq!(b.life.phase, Phase::GivenUp);
    assert!(!b.life.wanted);
}

#[test]
fn switched_off_nothing_follows_a_failure_or_a_loss() {
    let off = ReconnectRules {
        automatic: false,
        ..rules()
    };
    let mut b = Bench::new(off);
    b.begin();
    assert_eq!((b.fail(false), b.life.phase), (None, Phase::GivenUp));
    let mut b = Bench::new(off);
    b.up();
    assert_eq!((b.fail(false), b.life.phase), (None, Phase::GivenUp));
    // The program's own wish is served, also by a loop that begins later.
    let mut b = Bench::new(off);
    b.life.resume(false, &DELAY, b.now);
    assert_eq!(b.life.next_attempt, Some(b.now));
    b.begin();
    b.life.failed(false, false, &DELAY, b.now);
    b.life.resume(false, &DELAY, b.now);
    assert_eq!(b.life.phase, Phase::GivenUp);
}

#[test]
fn without_a_loop_that_connects_again_a_failure_leaves_it_idle() {
    let mut b = Bench::new(rules());
    b.begin();
    b.life.failed(false, false, &DELAY, b.now);
    assert_eq!((b.life.phase, b.life.next_attempt), (Phase::Idle, None));
    b.life.resume(true, &DELAY, b.now);
    assert_eq!(b.life.phase, Phase::Waiting);
    assert!(b.life.pause());
    assert_eq!((b.life.phase, b.life.next_attempt), (Phase::Idle, None));
}

#[test]
fn the_program_ends_it_in_every_phase() {
    for phase in 0..3 {
        let mut b = Bench::new(rules());
        match phase {
            0 => drop(b.begin()),
            1 => drop(b.up()),
            _ => {
                b.begin();
                b.fail(false);
            }
        }
        b.life.end();
        b.life.closed();
        assert_eq!(b.fail(false), None);
        assert_eq!(b.life.phase, Phase::Idle);
    }
}

#[test]
fn hurry_ends_the_wait_and_the_delay_begins_anew() {
    let mut b = Bench::new(rules());
    for _ in 0..9 {
        b.begin();
        b.fail(false);
    }
    b.life.hurry(b.now);
    assert_eq!(b.life.next_attempt, Some(b.now));
    b.begin();
    assert_eq!(b.fail(false), Some(1000));
}

#[test]
fn each_server_of_the_list_has_its_chance_before_the_delay() {
    let mut b = Bench::listed(rules(), &["a", "b", "c"], ServerOrder::Priority);
    for delay in [1000, 2000] {
        for (server, wait) in [("a", 0), ("b", 0), ("c", delay)] {
            assert_eq!(b.begin(), server);
            // One that refuses for good is no reason to leave out the others.
            assert_eq!(b.fail(server == "b"), Some(wait));
        }
    }
    b.begin();
    b.fail(false);
    assert_eq!(b.up(), "b");
    assert_eq!(b.fail(false), Some(1000), "a loss is followed by the delay");
    assert_eq!(b.begin(), "a", "and by the best");
}

#[test]
fn a_round_of_final_refusals_is_the_end() {
    let mut b = Bench::listed(rules(), &["a", "b"], ServerOrder::RoundRobin);
    b.begin();
    assert_eq!(b.fail(true), Some(0));
    b.begin();
    assert_eq!((b.fail(true), b.life.phase), (None, Phase::GivenUp));
}

#[test]
fn a_reference_is_followed_if_the_program_allows_it() {
    for follow_references in [false, true] {
        let mut b = Bench::new(ReconnectRules {
            follow_references,
            ..rules()
        });
        b.begin();
        b.life.refer("x y:2", 1);
        match follow_references {
            false => assert_eq!(b.fail(true), None),
            true => {
                assert_eq!(b.fail(true), Some(0));
                assert_eq!(b.begin(), "x");
                assert_eq!(b.fail(true), Some(0));
                assert_eq!(b.begin(), "y");
                assert_eq!(b.fail(true), Some(1000), "then its own again");
                assert_eq!(b.begin(), "own");
            }
        }
    }
}

#[test]
fn servers_that_name_each_other_are_left_to_the_delay() {
    let follow_references = true;
    let mut b = Bench::new(ReconnectRules {
        follow_references,
        ..rules()
    });
    for _ in 0..100 {
        assert_eq!(b.up(), "own");
        b.life.refer("other", 1);
        assert_eq!(b.fail(false), Some(0));
        assert_eq!(b.up(), "other");
        b.life.refer("own", 1);
        assert_eq!(b.fail(false), Some(1000));
    }
    // One that was good for a while may name another.
    b.up();
    b.life.refer("other", 1);
    b.fail(false);
    b.up();
    b.now += SETTLED;
    b.life.refer("third", 1);
    assert_eq!(b.fail(false), Some(0));
    assert_eq!(b.begin(), "third");
}

#[test]
fn events_say_where_it_stands_and_nobody_gets_them_who_does_not_ask() {
    let mut b = Bench::new(rules());
    b.begin();
    let error = Error::invalid("x");
    b.life.failed(false, true, &DELAY, b.now);
    assert!(b.life.tell(Some(&error), b.now));
    let event = b.life.poll_untold().unwrap();
    assert_eq!((event.phase, event.error), (Phase::Waiting, Some(error)));
    assert_eq!((event.attempt, event.delay), (1, SECOND));
    assert_eq!(event.server, Some(("own".to_owned(), 1)));
    assert!(b.life.poll_untold().is_none());
    b.life.observe(false, 1);
    assert!(!b.life.tell(None, b.now));
    assert!(!Lifecycle::default().tell(None, b.now));
}
