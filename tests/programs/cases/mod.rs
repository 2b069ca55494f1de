//! The cases, by subject. Each `name: "script"` is a test of that name.

mod connecting;
mod debug_output;
mod messages;
mod output;
mod properties;
mod request_response;
mod sessions;

use crate::script::Script;

/// One test a line.
macro_rules! cases {
    ($($name:ident: $script:expr;)*) => {
        $(#[test] fn $name() { crate::check($script); })*
        pub(super) const CASES: &[&str] = &[$($script),*];
    };
}

/// Nine tests a line: `{v}` and `{q}` stand for each protocol version and QoS.
macro_rules! grid {
    ($($name:ident: $script:expr;)*) => {
        $(mod $name {
            use super::super::check_at;
            #[test] fn mqttv31_qos0() { check_at($script, "mqttv31", "0"); }
            #[test] fn mqttv31_qos1() { check_at($script, "mqttv31", "1"); }
            #[test] fn mqttv31_qos2() { check_at($script, "mqttv31", "2"); }
            #[test] fn mqttv311_qos0() { check_at($script, "mqttv311", "0"); }
            #[test] fn mqttv311_qos1() { check_at($script, "mqttv311", "1"); }
            #[test] fn mqttv311_qos2() { check_at($script, "mqttv311", "2"); }
            #[test] fn mqttv5_qos0() { check_at($script, "mqttv5", "0"); }
            #[test] fn mqttv5_qos1() { check_at($script, "mqttv5", "1"); }
            #[test] fn mqttv5_qos2() { check_at($script, "mqttv5", "2"); }
        })*
        pub(super) const GRID: &[&str] = &[$($script),*];
    };
}

/// Three tests a line: `{v}` stands for each protocol version.
macro_rules! versions {
    ($($name:ident: $script:expr;)*) => {
        $(mod $name {
            use super::super::check_at;
            #[test] fn mqttv31() { check_at($script, "mqttv31", ""); }
            #[test] fn mqttv311() { check_at($script, "mqttv311", ""); }
            #[test] fn mqttv5() { check_at($script, "mqttv5", ""); }
        })*
        pub(super) const VERSIONS: &[&str] = &[$($script),*];
    };
}

pub(crate) use {cases, grid, versions};

/// Runs a case of a grid. What depends on the version and is known has a
/// placeholder of its own: `{refused}` is the exit status after a refused login,
/// `{wide}` the largest receive maximum where there is one.
fn check_at(script: &str, version: &str, qos: &str) {
    crate::check(&fill(script, version, qos));
}

fn fill(script: &str, version: &str, qos: &str) -> String {
    let refused = if version == "mqttv5" { "135" } else { "5" };
    let wide = if version == "mqttv5" {
        "-D connect receive-maximum 65535"
    } else {
        ""
    };
    script
        .replace("{v}", version)
        .replace("{q}", qos)
        .replace("{refused}", refused)
        .replace("{wide}", wide)
}

#[test]
fn at_least_120_different_command_lines_are_compared() {
    let count = |cases: &[&str]| -> usize {
        let scripts = cases
            .iter()
            .map(|case| Script::parse(&fill(case, "mqttv5", "1")));
        scripts.map(|script| script.command_lines()).sum()
    };
    let single: usize = [
        connecting::CASES,
        messages::CASES,
        output::CASES,
        properties::CASES,
        request_response::CASES,
        sessions::CASES,
    ]
    .map(count)
    .iter()
    .sum();
    let grids = count(messages::GRID) + count(debug_output::GRID) + count(request_response::GRID);
    let versions = count(connecting::VERSIONS)
        + count(messages::VERSIONS)
        + count(sessions::VERSIONS)
        + count(debug_output::VERSIONS);
    let all = single + 9 * grids + 3 * versions;
    assert!(all >= 120, "{all}");
}
