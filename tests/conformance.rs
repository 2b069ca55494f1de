//! Every statement of MQTT 3.1.1 and 5.0 that binds a client has a test that proves it,
//! and docs/conformance.md says which.
//!
//! The facts come from `conformance/` and from the `proves!` in the sources of the tests.
//! Whether the tests hold is theirs to say; `make conformance` runs them and counts.

#[path = "conformance/document.rs"]
mod document;
#[path = "conformance/scan.rs"]
mod scan;
#[path = "conformance/table.rs"]
mod table;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use scan::{Proof, Test};
use table::{Difference, Gap, Statement};

const UPDATE: &str = "MQTTRS_UPDATE_DOCS";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn statements() -> Vec<Statement> {
    table::statements(&read(&root().join("conformance/statements.tsv")))
}

fn differences() -> Vec<Difference> {
    table::differences(&read(&root().join("conformance/mqtt31.tsv")))
}

fn gaps() -> Vec<Gap> {
    table::gaps(&read(&root().join("conformance/libmosquitto.tsv")))
}

/// All test files, each with its name without `.rs`.
fn sources() -> Vec<(String, String)> {
    let mut sources: Vec<_> = std::fs::read_dir(root().join("tests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, read(&path))
        })
        .collect();
    sources.sort();
    sources
}

fn scan_all() -> (Vec<Test>, Vec<Proof>) {
    let (mut tests, mut proofs) = (Vec::new(), Vec::new());
    for (file, source) in sources() {
        // This one is about `proves!`.
        if file != "conformance" {
            let (more_tests, more_proofs) = scan::scan(&file, &source);
            tests.extend(more_tests);
            proofs.extend(more_proofs);
        }
    }
    (tests, proofs)
}

#[track_caller]
fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn the_table_has_every_statement_once() {
    let statements = statements();
    let count = |version: &str, client: bool| {
        let mine = statements
            .iter()
            .filter(|s| s.version == version && (!client || s.binds_client()));
        mine.count()
    };
    assert_eq!((count("3.1.1", false), count("3.1.1", true)), (141, 72));
    assert_eq!((count("5.0", false), count("5.0", true)), (251, 133));
    let distinct: HashSet<_> = statements.iter().map(|s| (&s.version, &s.id)).collect();
    assert_eq!(distinct.len(), statements.len());
}

#[test]
fn every_statement_that_binds_a_client_is_proven_or_says_why_not() {
    let (_, proofs) = scan_all();
    let proven: HashSet<_> = proofs.iter().map(|p| (&*p.version, &*p.id)).collect();
    let open: Vec<_> = statements()
        .iter()
        .filter(|s| s.binds_client())
        .filter(|s| s.untestable.is_empty() && !proven.contains(&(&*s.version, &*s.id)))
        .map(|s| format!("{} {} {}", s.version, s.id, s.subject))
        .collect();
    assert_none("no test proves", &open);
}

#[test]
fn nothing_is_proven_that_counts_as_untestable() {
    let (_, proofs) = scan_all();
    let wrong: Vec<_> = statements()
        .iter()
        .filter(|s| !s.untestable.is_empty())
        .filter(|s| {
            !s.binds_client()
                || proofs
                    .iter()
                    .any(|p| p.version == s.version && p.id == s.id)
        })
        .map(|s| format!("{} {}", s.version, s.id))
        .collect();
    assert_none("untestable, and yet tested or not the client's", &wrong);
}

#[test]
fn every_proof_names_a_statement_that_binds_a_client() {
    let statements = statements();
    let (_, proofs) = scan_all();
    let strangers: Vec<_> = proofs
        .iter()
        .filter(|p| {
            !statements
                .iter()
                .any(|s| s.binds_client() && s.version == p.version && s.id == p.id)
        })
        .map(Proof::to_string)
        .collect();
    assert_none("no such statement for a client", &strangers);
}

#[test]
fn every_proof_stands_in_a_test_that_runs() {
    let (tests, proofs) = scan_all();
    let runs: HashSet<_> = tests
        .iter()
        .filter(|test| test.runs)
        .map(|test| (&test.file, &test.name))
        .collect();
    let idle: Vec<_> = proofs
        .iter()
        .filter(|p| !runs.contains(&(&p.file, &p.test)))
        .map(Proof::to_string)
        .collect();
    assert_none("not directly in a #[test] that runs", &idle);
}

#[test]
fn every_proof_asserts_something() {
    let (_, proofs) = scan_all();
    let empty: Vec<_> = proofs
        .iter()
        .filter(|p| ["true", "!false", "1 == 1"].contains(&&*p.condition))
        .map(Proof::to_string)
        .collect();
    assert_none("a condition that cannot fail", &empty);
}

#[test]
fn each_difference_of_mqtt_3_1_has_tests_and_each_of_its_tests_a_difference() {
    let (tests, _) = scan_all();
    let here: HashSet<_> = tests
        .iter()
        .filter(|test| test.file == "conformance_v31" && test.runs)
        .map(|test| test.name.clone())
        .collect();
    let listed: HashSet<_> = differences().into_iter().flat_map(|d| d.tests).collect();
    assert_eq!(here, listed);
    assert!(differences().iter().all(|d| !d.tests.is_empty()));
}

#[test]
fn what_libmosquitto_breaks_is_proven_here() {
    let (_, proofs) = scan_all();
    let open: Vec<_> = gaps()
        .iter()
        .filter(|gap| {
            !proofs
                .iter()
                .any(|p| p.version == gap.version && p.id == gap.id)
        })
        .map(|gap| format!("{} {}", gap.version, gap.id))
        .collect();
    assert_none("no test proves", &open);
}

#[test]
fn the_document_says_what_the_tests_prove() {
    let (_, proofs) = scan_all();
    let wanted = document::document(&statements(), &proofs, &differences(), &gaps());
    let path = root().join("docs/conformance.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &wanted).unwrap();
    }
    // Not assert_eq: nobody wants to read both in full.
    let found = read(&path);
    let difference = wanted
        .lines()
        .zip(found.lines())
        .find(|(wanted, found)| wanted != found);
    assert!(
        wanted == found,
        "docs/conformance.md is out of date: {difference:?}; `{UPDATE}=1 cargo test --test conformance` writes it anew"
    );
}
