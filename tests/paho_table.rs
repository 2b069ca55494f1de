//! docs/paho.md says for each thing that the Paho Python client offers what does it here: none is
//! left out, and the calls and tests that it names are there.

#[path = "built/mod.rs"]
mod built;

use built::source;
use std::collections::BTreeSet;
use std::fs;

const HEADING: &str = "| Paho | what it does | here | shown by |";
const NAMES: &str = "tests/data/paho-python-2.2.0-names.txt";

/// A row: what stands in backquotes in the cells "Paho", "here" and "shown by".
struct Row {
    paho: Vec<String>,
    here: Vec<String>,
    tests: Vec<String>,
    /// Nothing does it here, and the row says so.
    needless: bool,
}

fn read(name: &str) -> String {
    fs::read_to_string(source(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn quoted(cell: &str) -> Vec<String> {
    let parts = cell.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

fn rows() -> Vec<Row> {
    let document = read("docs/paho.md");
    let tables = document.split(HEADING).skip(1);
    let lines = tables.flat_map(|table| {
        let rows = table.lines().skip(2);
        rows.take_while(|line| line.starts_with('|'))
    });
    lines
        .map(|line| {
            let cells: Vec<_> = line.trim_matches('|').split('|').collect();
            assert_eq!(cells.len(), 4, "{line}");
            Row {
                paho: quoted(cells[0]),
                here: quoted(cells[2]),
                tests: quoted(cells[3]),
                needless: cells[2].trim().starts_with("not needed:"),
            }
        })
        .collect()
}

/// Paho's names, from the file that tells of which version they are.
fn names() -> BTreeSet<String> {
    let file = read(NAMES);
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Whether a file of Rust has a test of this name, be it a function or a line of a macro that makes
/// one of each.
fn has_test(code: &str, name: &str) -> bool {
    code.lines().map(str::trim_start).any(|line| {
        let rest = match line.strip_prefix("fn ") {
            Some(rest) => rest.strip_prefix(name).map(|rest| rest.starts_with('(')),
            None => line
                .strip_prefix(name)
                .map(|rest| rest.starts_with([':', ' '])),
        };
        rest == Some(true)
    })
}

#[test]
fn nothing_that_paho_offers_is_left_out_or_there_twice() {
    let mut listed = BTreeSet::new();
    for name in rows().into_iter().flat_map(|row| row.paho) {
        assert!(listed.insert(name.clone()), "{name} has two rows");
    }
    let names = names();
    let missing: Vec<_> = names.difference(&listed).collect();
    assert!(missing.is_empty(), "no row: {missing:?}");
    let unknown: Vec<_> = listed.difference(&names).collect();
    assert!(unknown.is_empty(), "not Paho's: {unknown:?}");
}

#[test]
fn each_call_is_in_a_header_and_each_row_has_one() {
    let headers = ["mosquitto", "mqtt_protocol", "mqttrs"]
        .map(|name| read(&format!("include/{name}.h")))
        .concat();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: BTreeSet<_> = headers.split(|c| !is_part(c)).collect();
    for row in rows() {
        let mut calls = 0;
        for name in &row.here {
            if name.contains('/') {
                assert!(source(name).exists(), "{name}: {:?}", row.paho);
                continue;
            }
            let is_call = name.starts_with("mosquitto_") || name.starts_with("mqttrs_");
            let is_constant = name.starts_with("MOSQ_") || name.starts_with("MQTT");
            if is_call || is_constant {
                assert!(words.contains(name.as_str()), "{name}: {:?}", row.paho);
            }
            calls += usize::from(is_call);
        }
        let says_where = calls > 0 || row.needless || row.here.iter().any(|it| it == "mid");
        assert!(
            says_where || row.paho == ["MQTTMessage.topic"],
            "{:?}",
            row.paho
        );
    }
}

#[test]
fn each_row_names_tests_and_they_exist() {
    for row in rows() {
        let mut file = None;
        let mut tests = 0;
        for name in &row.tests {
            if name.contains('/') {
                file = Some((name, read(name)));
                continue;
            }
            let (path, code) = file.as_ref().expect("a file stands before its tests");
            assert!(has_test(code, name), "{path} has no test {name}");
            tests += 1;
        }
        assert!(tests > 0 || row.needless, "{:?} has no test", row.paho);
    }
}

#[test]
fn a_name_that_is_no_test_is_found_out() {
    let code = "    fn a_test() {\n    row: 1;\n    route = 2;\n}";
    for name in ["a_test", "row", "route"] {
        assert!(has_test(code, name), "{name}");
    }
    for name in ["a_tes", "test", "ro", "missing"] {
        assert!(!has_test(code, name), "{name}");
    }
}
