//! Runs scenarios against a broker.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::link::{Context, Server};
use super::scenarios::Scenario;

/// How one scenario ended.
pub struct Outcome {
    pub scenario: String,
    /// `None` when all was as it should be.
    pub failure: Option<Failure>,
}

pub struct Failure {
    pub message: String,
    /// The last packets of each connection.
    pub packets: String,
}

/// Packets of each connection that a failure shows.
const SHOWN: usize = 24;

/// So many scenarios run at once: most of the time they wait.
const AT_ONCE: usize = 6;

/// Runs scenarios; the outcomes are in their order.
///
/// They have names of their own for all they use and do not meet.
pub fn run_all(scenarios: &[Scenario], server: &Server) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::SeqCst);
            let Some(scenario) = scenarios.get(at) else {
                return done;
            };
            done.push((at, run(scenario, server)));
        }
    };
    let mut outcomes: Vec<(usize, Outcome)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let outcomes = workers.into_iter().map(|worker| worker.join());
        outcomes
            .flat_map(|o| o.expect("a scenario's panic is caught"))
            .collect()
    });
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Runs one scenario; a panic in it is its failure.
pub fn run(scenario: &Scenario, server: &Server) -> Outcome {
    let context = Context::new(server);
    let ended = panic::catch_unwind(AssertUnwindSafe(|| (scenario.run)(&context)));
    let failure = ended.err().map(|panic| Failure {
        message: message(&*panic),
        packets: packets(&context),
    });
    Outcome {
        scenario: scenario.name.clone(),
        failure,
    }
}

/// A panic's message, on one line.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    text.replace("assertion `left == right` failed: ", "")
        .replace("assertion `left != right` failed: ", "")
        .replace("\n  left: ", ": ")
        .replace("\n right: ", ", expected ")
        .replace('\n', " ")
}

fn packets(context: &Context<'_>) -> String {
    let mut text = String::new();
    for (number, packets) in context.packets().iter().enumerate() {
        text += &format!("  client {number}:\n");
        for packet in &packets[packets.len().saturating_sub(SHOWN)..] {
            text += &format!("    {packet}\n");
        }
    }
    text
}
