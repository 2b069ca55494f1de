//! Debian's `mosquitto_pub`, `mosquitto_sub` and `mosquitto_rr`, not rebuilt,
//! on our library.
//!
//! Every case runs twice against a real Mosquitto broker: on Debian's
//! `libmosquitto.so.1` and on ours (`make dropin` puts it where it is looked
//! for, see `programs/library.rs`). Exit status, standard output and standard
//! error must be the same. The cases are tables in `programs/cases/`, in a
//! small language that `programs/script.rs` describes.
//!
//! Needs Debian's packages `mosquitto` and `mosquitto-clients`. To see that
//! the cases themselves are stable, let them compare Debian with Debian:
//! `mkdir -p /tmp/aa/dropin`, copy Debian's `libmosquitto.so.1` there, and run
//! with `MQTTRS_BUILD_DIR=/tmp/aa`.

#[path = "programs/broker.rs"]
mod broker;
#[path = "programs/cases/mod.rs"]
mod cases;
#[path = "programs/compare.rs"]
mod compare;
#[path = "programs/library.rs"]
mod library;
#[path = "programs/run.rs"]
mod run;
#[path = "programs/script.rs"]
mod script;
#[path = "programs/self_check.rs"]
mod self_check;

use library::Library;
use script::Script;

/// Runs a case on both libraries and panics with all that differs.
fn check(text: &str) {
    let problems = compare_with(text, &Library::ours());
    assert!(problems.is_empty(), "{text}\n\n{}", problems.join("\n"));
}

fn compare_with(text: &str, library: &Library) -> Vec<String> {
    let script = Script::parse(text);
    let mut problems = Vec::new();
    let mut outcomes = Vec::new();
    for library in [&Library::Debian, library] {
        let (outcome, dir) = run::run(&script, library);
        let file = |name: &str| std::fs::read(dir.file(name)).expect("a file of the case");
        for unmet in compare::unmet(&script, &outcome, file) {
            problems.push(format!("on {}: {unmet}", library.name()));
        }
        outcomes.push((outcome, dir));
    }
    let [debian, ours] = &outcomes[..] else {
        unreachable!("two libraries, two runs");
    };
    problems.extend(compare::differences(
        &script,
        (&debian.0, debian.1.path()),
        (&ours.0, ours.1.path()),
    ));
    problems
}
