//! Faults with real parts: programs that use the built library through the C API talk to Debian's
//! Mosquitto through a proxy that breaks connections, while brokers and processes end at any
//! moment. A publisher and a subscriber that count prove that nothing which was accepted is lost,
//! and that nothing of QoS 2 comes twice.
//!
//! `make chaos FAULTS=n SEED=s` is the long form: it spreads n faults over these tests.

mod built;
mod chaos_support;

use std::thread;
use std::time::Duration;

use chaos_support::ledger::Role;
use chaos_support::proxy::Fault;
use chaos_support::report::{Row, Run, Store};
use chaos_support::world::{Setting, World};

/// What all worlds of `make chaos` have together, in parts.
const SHARES: usize = 1000;

/// Runs a kind of fault with each version and store: `few` faults, or its share, in
/// thousandths, of those that the long form has.
fn each(
    kind: &'static str,
    stores: &[Store],
    few: usize,
    share: usize,
    test: impl Fn(&Run) + Sync,
) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<usize>().unwrap())
    };
    let seed = number("MQTTRS_CHAOS_SEED").unwrap_or(1) as u64;
    let all = number("MQTTRS_CHAOS_FAULTS");
    let worlds = 2 * stores.len();
    let faults = all.map_or(few, |all| (all * share).div_ceil(SHARES * worlds).max(1));
    let worlds: Vec<Run> = stores
        .iter()
        .flat_map(|store| [3, 5].map(|version| (*store, version)))
        .map(|(store, version)| Run {
            kind,
            version,
            store,
            faults,
            seed,
        })
        .collect();
    // They wait most of the time.
    thread::scope(|scope| {
        for world in &worlds {
            let test = &test;
            scope.spawn(move || test(world));
        }
    });
}

/// Without a store, and with one.
const STORES: &[Store] = &[Store::Off, Store::ProcessCrash];

/// Faults of the network alone: the publisher and the subscriber live through all of them.
fn network(run: &Run, faults: &[Fault]) -> Row {
    let mut world = World::start(
        run,
        Setting {
            faults,
            ..Setting::default()
        },
    );
    world.break_connections(run.faults);
    let row = world.finish();
    row.publish();
    row.nothing_lost_nothing_doubled();
    row.every_message_acknowledged_once();
    row
}

#[test]
fn connections_cut_at_any_byte_lose_nothing_and_double_nothing() {
    each("cut", STORES, 4, 150, |run| {
        network(run, &[Fault::Cut]);
    });
}

#[test]
fn connections_reset_at_any_byte_lose_nothing_and_double_nothing() {
    each("reset", STORES, 4, 200, |run| {
        network(run, &[Fault::Reset]);
    });
}

#[test]
fn connections_stalled_at_any_byte_lose_nothing_and_double_nothing() {
    each("stall", STORES, 4, 100, |run| {
        network(run, &[Fault::Stall]);
    });
}

#[test]
fn bytes_that_come_one_by_one_make_no_difference() {
    each("slow", STORES, 4, 100, |run| {
        network(run, &[Fault::Slow]);
    });
}

#[test]
fn half_open_connections_are_given_up_and_lose_nothing_and_double_nothing() {
    each("half-open", STORES, 1, 30, |run| {
        let row = network(run, &[Fault::HalfOpen]);
        // Nobody tells a client: it has found out by its keep alive, each time but the last.
        row.at_least_ended(run.faults.saturating_sub(2));
    });
}

#[test]
fn a_broker_that_is_restarted_with_its_sessions_loses_nothing_and_doubles_nothing() {
    each("broker restarted", STORES, 2, 50, |run| {
        let mut world = World::start(
            run,
            Setting {
                persistent: true,
                pause: 300,
                ..Setting::default()
            },
        );
        for _ in 0..run.faults {
            let messages = 1 + world.rng.below(100);
            world.progress(messages);
            world.broker.stop();
            world.broker.run();
            world.injected += 1;
        }
        let row = world.finish();
        row.publish();
        row.nothing_lost_nothing_doubled();
        row.every_message_acknowledged_once();
    });
}

#[test]
fn of_a_broker_that_is_killed_and_forgets_everything_is_accounted_for() {
    each("broker killed", STORES, 2, 50, |run| {
        let mut world = World::start(
            run,
            Setting {
                resubscribe: true,
                lossy: true,
                pause: 300,
                ..Setting::default()
            },
        );
        for _ in 0..run.faults {
            let messages = 1 + world.rng.below(100);
            world.progress(messages);
            world.broker.kill();
            world.broker.run();
            world.injected += 1;
        }
        // More than can be on its way from before: the subscriber is subscribed again.
        world.progress(200);
        let row = world.finish();
        row.publish();
        row.only_the_broker_has_lost();
    });
}

#[test]
fn without_descriptors_for_a_while_a_client_tries_on_and_loses_nothing() {
    each("descriptors", STORES, 2, 50, |run| {
        let mut world = World::start(run, Setting::default());
        for number in 1..=run.faults {
            let role = [Role::Publisher, Role::Subscriber][number % 2];
            let messages = 1 + world.rng.below(100);
            world.progress(messages);
            let count = world
                .ledger
                .read(|entries| entries.count(role, "exhausted"));
            world.client(role).tell("exhaust");
            world.expect("exhausting", |entries| {
                entries.count(role, "exhausted") > count
            });
            let (ups, failed) = world
                .ledger
                .read(|entries| (entries.of(role).ups, entries.of(role).failed_attempts));
            world.proxy.reset_all();
            let attempts = 1 + world.rng.below(4);
            world.expect("attempts that fail", |entries| {
                entries.of(role).failed_attempts >= failed + attempts
            });
            world.client(role).tell("release");
            world.expect("a connection again", |entries| entries.of(role).ups > ups);
            world.injected += 1;
        }
        let row = world.finish();
        row.publish();
        row.nothing_lost_nothing_doubled();
        row.every_message_acknowledged_once();
        assert!(row.failed_attempts >= run.faults);
    });
}

#[test]
fn jumps_of_the_time_of_day_end_no_connection_and_delay_none() {
    each("clock", STORES, 4, 50, |run| {
        let mut world = World::start(
            run,
            Setting {
                clock: true,
                ..Setting::default()
            },
        );
        let mut resets = 0;
        for number in 1..=run.faults {
            let role = [Role::Publisher, Role::Subscriber][number % 2];
            // Up to decades, forwards and back.
            let size = 1i64 << world.rng.below(31);
            let sign = [-1, 1][world.rng.below(2)];
            let count = world.ledger.read(|entries| entries.count(role, "jumped"));
            world.client(role).tell(&format!("jump {}", sign * size));
            world.expect("jumping", |entries| entries.count(role, "jumped") > count);
            let messages = 1 + world.rng.below(100);
            world.progress(messages);
            world.injected += 1;
            if number % 4 == 0 {
                // Connecting again does not mind either.
                let ups = |entries: &chaos_support::ledger::Entries| {
                    [Role::Publisher, Role::Subscriber].map(|role| entries.of(role).ups)
                };
                let before = world.ledger.read(ups);
                world.proxy.reset_all();
                resets += 2;
                world.expect("connections again", |entries| {
                    ups(entries)
                        .iter()
                        .zip(before)
                        .all(|(now, before)| *now > before)
                });
            }
        }
        let row = world.finish();
        row.publish();
        row.nothing_lost_nothing_doubled();
        row.every_message_acknowledged_once();
        // Besides, each of the two has disconnected in the end, and some connections ended since
        // the broker had sent more at once than MQTT 5 allows, as Mosquitto 2.0 may after a reset;
        // a reset may find one of these.
        let explained = resets + 2 + row.quota_exceeded;
        assert!(row.downs <= explained, "a jump has ended a connection");
    });
}

/// A process that is killed at any moment, with each way to store.
#[test]
fn a_process_that_is_killed_loses_nothing_that_it_was_told_is_accepted() {
    each(
        "process killed",
        &[Store::ProcessCrash, Store::Groups, Store::Every],
        4,
        120,
        |run| {
            let mut world = World::start(run, Setting::default());
            for _ in 0..run.faults {
                a_while(&mut world);
                world.kill_publisher();
            }
            let row = world.finish();
            row.publish();
            row.nothing_lost_nothing_doubled();
        },
    );
}

/// That the programs count right: the same death is seen to lose messages without a store, and none
/// with one.
#[test]
fn what_a_killed_process_had_accepted_is_lost_without_a_store_and_kept_with_one() {
    each("control", STORES, 1, 0, |run| {
        let mut world = World::start(
            run,
            Setting {
                persistent: true,
                lossy: run.store == Store::Off,
                ..Setting::default()
            },
        );
        world.broker.stop();
        world.kill_publisher();
        // None of these can have left the process.
        let accepted = world.ledger.read(|entries| entries.accepted);
        world.expect("publishing without a broker", |entries| {
            entries.accepted >= accepted + 40
        });
        world.kill_publisher();
        world.broker.run();
        world.progress(10);
        let row = world.finish();
        match run.store {
            Store::Off => assert!(row.lost() >= 40, "{} lost", row.lost()),
            _ => row.nothing_lost_nothing_doubled(),
        }
    });
}

/// What its callbacks have not seen dies with a subscriber; what they have seen they do not see again.
#[test]
fn a_subscriber_that_is_killed_sees_nothing_of_qos_2_twice() {
    each(
        "subscriber killed",
        &[Store::ProcessCrash, Store::Every],
        3,
        50,
        |run| {
            let mut world = World::start(
                run,
                Setting {
                    lossy: true,
                    ..Setting::default()
                },
            );
            for _ in 0..run.faults {
                a_while(&mut world);
                world.kill_subscriber();
            }
            world.progress(200);
            let row = world.finish();
            row.publish();
            row.only_the_broker_has_lost();
            row.the_broker_has_kept_its_sessions();
        },
    );
}

/// Everything at once that can be without blaming the broker.
#[test]
fn a_process_that_is_killed_while_network_and_broker_fail_loses_nothing() {
    each("everything", &[Store::ProcessCrash], 6, 50, |run| {
        let faults = [Fault::Cut, Fault::Reset, Fault::Stall, Fault::Slow];
        let mut world = World::start(
            run,
            Setting {
                faults: &faults,
                persistent: true,
                ..Setting::default()
            },
        );
        for number in 0..run.faults {
            match number % 3 {
                0 => world.break_connections(1),
                1 => {
                    world.proxy.inject(1);
                    a_while(&mut world);
                    world.kill_publisher();
                }
                _ => {
                    a_while(&mut world);
                    world.broker.stop();
                    world.broker.run();
                    world.injected += 1;
                }
            }
        }
        let row = world.finish();
        row.publish();
        row.nothing_lost_nothing_doubled();
    });
}

/// Any moment: after some messages, or some time, which may be within the start of a process.
fn a_while(world: &mut World) {
    if world.rng.below(2) == 0 {
        let messages = 1 + world.rng.below(100);
        world.progress(messages);
    } else {
        thread::sleep(Duration::from_micros(world.rng.below(20_000) as u64));
    }
}
