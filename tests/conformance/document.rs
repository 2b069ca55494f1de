//! The text of docs/conformance.md.

use std::fmt::Write;

use super::scan::Proof;
use super::table::{Difference, Gap, Statement};

const HEAD: &str = "\
# Conformance

The specifications of MQTT 3.1.1 and 5.0 number their normative statements. These tables
name, for each statement that binds a client (or both sides), the tests that prove it
through the bytes libmqttrs sends and takes. `make conformance` runs them all and counts.

This file is written by `MQTTRS_UPDATE_DOCS=1 cargo test --test conformance`, from
`conformance/` and from the `proves!` assertions in `tests/`: edit those. A test
`file::name` is the function `name` in `tests/file.rs`. Subjects are catchwords of ours; the
specification's text decides.
";

const V31_HEAD: &str = "
## MQTT 3.1

The older protocol has no numbered statements. Where it differs from 3.1.1, this is what
libmqttrs does; in all else 3.1 is treated as 3.1.1.

| Subject | MQTT 3.1 | MQTT 3.1.1 | Tests |
|---|---|---|---|
";

const GAPS_HEAD: &str = "
## What libmosquitto breaks

Statements that libmosquitto is known to break, with the tests in which libmqttrs keeps them.

| MQTT | Statement | libmosquitto | Kept by |
|---|---|---|---|
";

/// The whole document.
pub fn document(
    statements: &[Statement],
    proofs: &[Proof],
    differences: &[Difference],
    gaps: &[Gap],
) -> String {
    let mut out = HEAD.to_owned();
    for version in ["5.0", "3.1.1"] {
        out += &section(version, statements, proofs);
    }
    out += V31_HEAD;
    for row in differences {
        let tests: Vec<_> = row
            .tests
            .iter()
            .map(|test| format!("`conformance_v31::{test}`"))
            .collect();
        let cells = [&row.subject, &row.v31, &row.v311, &tests.join("<br>")];
        writeln!(out, "| {} |", cells.map(|cell| escape(cell)).join(" | ")).unwrap();
    }
    out += GAPS_HEAD;
    for row in gaps {
        let tests = proven_by(&row.version, &row.id, proofs).join("<br>");
        let cells = [&row.version, &row.id, &row.gap, &tests];
        writeln!(out, "| {} |", cells.map(|cell| escape(cell)).join(" | ")).unwrap();
    }
    out
}

/// The tests that prove a statement, each once.
fn proven_by(version: &str, id: &str, proofs: &[Proof]) -> Vec<String> {
    let mut tests = Vec::new();
    for proof in proofs.iter().filter(|p| p.version == version && p.id == id) {
        let test = format!("`{}::{}`", proof.file, proof.test);
        if !tests.contains(&test) {
            tests.push(test);
        }
    }
    tests
}

fn section(version: &str, statements: &[Statement], proofs: &[Proof]) -> String {
    let mine: Vec<_> = statements
        .iter()
        .filter(|s| s.version == version && s.binds_client())
        .collect();
    let mut out = format!(
        "\n## MQTT {version}\n\n{} statements bind a client.\n\n| Statement | Subject | Proven by |\n|---|---|---|\n",
        mine.len()
    );
    for statement in &mine {
        let tests = proven_by(version, &statement.id, proofs);
        let tests = if statement.untestable.is_empty() {
            tests.join("<br>")
        } else {
            "untestable, see below".into()
        };
        let subject = escape(&statement.subject);
        writeln!(out, "| {} | {subject} | {tests} |", statement.id).unwrap();
    }
    let untestable: Vec<_> = mine.iter().filter(|s| !s.untestable.is_empty()).collect();
    if !untestable.is_empty() {
        out += "\nThese cannot be tested in this client:\n\n";
        for statement in untestable {
            writeln!(out, "- {}: {}", statement.id, statement.untestable).unwrap();
        }
    }
    out
}

/// Text for a cell of a table.
fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}
