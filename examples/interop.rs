//! Runs the interoperability scenarios against real brokers and writes the
//! table. `make interop` calls this, with the brokers installed.
//!
//! Environment: `MQTTRS_INTEROP_DIR`, where the brokers are installed;
//! `MQTTRS_INTEROP_BROKERS`, a list of names to run only these;
//! `MQTTRS_INTEROP_SCENARIOS`, a part of names to run only these. With either
//! of the last two nothing is written.

#[allow(dead_code, reason = "tests/interop_mosquitto.rs uses another part")]
#[path = "../interop/mod.rs"]
mod interop;
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, panic, thread};

use interop::brokers::{self, Broker, Place};
use interop::report::{Column, Report};
use interop::run::run_all;
use interop::{deviations, scenarios};

/// So many brokers have to be there.
const ENOUGH: usize = 5;

fn main() -> ExitCode {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let installed = env::var_os("MQTTRS_INTEROP_DIR");
    let place = Place {
        sources: project.join("interop"),
        installed: installed.map_or_else(|| project.join("build/interop"), PathBuf::from),
    };
    let only = |name| env::var(name).ok();
    let (brokers, part) = (
        only("MQTTRS_INTEROP_BROKERS"),
        only("MQTTRS_INTEROP_SCENARIOS"),
    );
    // What a scenario's panic says is in the report.
    panic::set_hook(Box::new(|_| ()));
    let known = fs::read_to_string(place.sources.join("deviations.tsv")).unwrap_or_default();
    let deviations = match deviations::parse(&known) {
        Ok(deviations) => deviations,
        Err(wrong) => {
            eprintln!("interop/deviations.tsv: {wrong}");
            return ExitCode::FAILURE;
        }
    };
    let chosen: Vec<&Broker> = brokers::ALL
        .iter()
        .filter(|broker| brokers.as_ref().is_none_or(|b| b.contains(broker.name)))
        .collect();
    let columns = thread::scope(|scope| {
        let threads: Vec<_> = chosen
            .into_iter()
            .map(|broker| scope.spawn(|| column(broker, &place, part.as_deref())))
            .collect();
        let columns = threads.into_iter().map(|thread| thread.join());
        columns.map(|c| c.expect("no panic here")).collect()
    });
    let report = Report {
        columns,
        deviations,
    };
    let whole = brokers.is_none() && part.is_none();
    if whole {
        let document = project.join("docs/interop.md");
        if let Err(error) = fs::write(&document, report.markdown()) {
            eprintln!("writing docs/interop.md: {error}");
            return ExitCode::FAILURE;
        }
    } else {
        println!("{}", report.markdown());
    }
    judge(&report, whole)
}

/// One broker's column: started, asked everything, stopped.
fn column(broker: &Broker, place: &Place, part: Option<&str>) -> Column {
    let outcomes = match broker.unavailable(place) {
        Some(why) => Err(why),
        None => broker.start(place).map(|running| {
            let chosen: Vec<_> = scenarios::all()
                .into_iter()
                .filter(|scenario| part.is_none_or(|part| scenario.name.contains(part)))
                .collect();
            let outcomes = run_all(&chosen, &running.server);
            if outcomes.iter().all(|outcome| outcome.failure.is_some()) {
                println!("{}'s log:\n{}", broker.name, running.log_end());
            }
            outcomes
        }),
    };
    match &outcomes {
        Ok(outcomes) => {
            let good = outcomes.iter().filter(|o| o.failure.is_none()).count();
            println!("{}: {good} of {} ok", broker.name, outcomes.len());
        }
        Err(why) => println!("{}: not run: {why}", broker.name),
    }
    Column {
        broker: broker.name.into(),
        version: broker.version(place),
        outcomes,
    }
}

/// Prints what is wrong; success when nothing is.
fn judge(report: &Report, whole: bool) -> ExitCode {
    let unexplained = report.unexplained();
    for (broker, outcome) in &unexplained {
        if let Some(failure) = &outcome.failure {
            println!(
                "\n{broker}, {}: {}\n{}",
                outcome.scenario, failure.message, failure.packets
            );
        }
    }
    let mut good = unexplained.is_empty();
    if whole {
        for stale in report.stale() {
            good = false;
            println!(
                "interop/deviations.tsv explains what did not happen: {}, {}: {}",
                stale.broker, stale.scenario, stale.message
            );
        }
        if report.brokers_run() < ENOUGH {
            good = false;
        }
    }
    println!(
        "{} brokers, {} failures without an explanation",
        report.brokers_run(),
        unexplained.len()
    );
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
