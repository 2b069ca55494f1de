//! The interoperability scenarios against Mosquitto, the broker that every
//! run of the tests has. `make interop` runs them against others too.

#[allow(dead_code, reason = "examples/interop.rs uses the other part")]
#[path = "../interop/mod.rs"]
mod interop;
mod support;

use std::path::Path;

use interop::brokers::{self, Place};
use interop::run::run_all;
use interop::{deviations, scenarios};

#[test]
fn every_scenario_ends_well_with_mosquitto_or_as_is_known_of_it() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop");
    let known = std::fs::read_to_string(sources.join("deviations.tsv")).unwrap();
    let known = deviations::parse(&known).unwrap();
    let place = Place {
        installed: sources.clone(),
        sources,
    };
    let mosquitto = &brokers::ALL[0];
    assert_eq!(mosquitto.name, "Mosquitto");
    let running = mosquitto.start(&place).unwrap();

    let outcomes = run_all(&scenarios::all(), &running.server);

    assert!(outcomes.len() > 100, "{} scenarios", outcomes.len());
    let mut unexplained = String::new();
    for outcome in &outcomes {
        let Some(failure) = &outcome.failure else {
            continue;
        };
        let explained = known
            .iter()
            .any(|known| known.explains(mosquitto.name, &outcome.scenario, &failure.message));
        if !explained {
            unexplained += &format!(
                "{}: {}\n{}",
                outcome.scenario, failure.message, failure.packets
            );
        }
    }
    assert!(unexplained.is_empty(), "{unexplained}");
}
