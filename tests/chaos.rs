//! Faults with real parts: programs that use the built library through the C API talk to Debian's
//! Mosquitto through a proxy that breaks connections, while brokers and processes end at any
//! moment. A publisher and a subscriber that count prove that nothing which was accepted is lost,
//! and that nothing of QoS 2 comes twice.
//!
//! `make chaos FAULTS=n SEED=s` is the long form: it spreads n faults over these tests.

#[allow(dead_code)]
mod built;
#[allow(dead_code)] // some is for kinds of faults of its own
mod chaos_support;
#[allow(dead_code)] // not all of it is of use here
#[path = "c/program.rs"]
mod program;

use chaos_support::proxy::Fault;
use chaos_support::report::{Row, Run, Store};
use chaos_support::world::{Setting, World};

/// What all worlds of `make chaos` have together, in parts.
const SHARES: usize = 1000;

/// Runs a kind of fault with each version and store: `few` faults, or its share, in
/// thousandths, of those that the long form has.
fn each(kind: &'static str, stores: &[Store], few: usize, share: usize, test: impl Fn(&Run)) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .map(|text| text.parse::<usize>().unwrap())
    };
    let seed = number("MQTTRS_CHAOS_SEED").unwrap_or(1) as u64;
    let all = number("MQTTRS_CHAOS_FAULTS");
    let worlds = 2 * stores.len();
    let faults = all.map_or(few, |all| (all * share).div_ceil(SHARES * worlds).max(1));
    for store in stores {
        for version in [3, 5] {
            test(&Run {
                kind,
                version,
                store: *store,
                faults,
                seed,
            });
        }
    }
}

/// Without a store and, where the library has it, with one.
const STORES: &[Store] = if cfg!(feature = "store") {
    &[Store::Off, Store::ProcessCrash]
} else {
    &[Store::Off]
};

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
    each("cut", STORES, 4, 200, |run| {
        network(run, &[Fault::Cut]);
    });
}

#[test]
fn connections_reset_at_any_byte_lose_nothing_and_double_nothing() {
    each("reset", STORES, 4, 200, |run| {
        network(run, &[Fault::Reset]);
    });
}
