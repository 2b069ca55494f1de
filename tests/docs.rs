//! What the documents list is what there is.

#[path = "built/mod.rs"]
mod built;

use built::source;
use mqttrs::session::LOG_EVENTS;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(source(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of the files in a folder that end so, without the ending.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(source(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect()
}

/// What stands in backquotes in the first cells of all tables with this heading.
fn first_cells(document: &str, heading: &str) -> BTreeSet<String> {
    let cells: BTreeSet<String> = read(document)
        .split(heading)
        .skip(1)
        .flat_map(|table| {
            let rows = table.lines().skip(2);
            let rows = rows.take_while(|line| line.starts_with("| "));
            let cells = rows.map(|row| row.split(" | ").next().unwrap());
            let names = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert!(!cells.is_empty(), "{document} has no table {heading}");
    cells
}

/// The names that are set in a section of Cargo.toml.
fn keys(section: &str) -> BTreeSet<String> {
    let manifest = read("Cargo.toml");
    let (_, section) = manifest.split_once(&format!("\n[{section}]\n")).unwrap();
    let section = section.split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.to_owned())
        .collect()
}

#[test]
fn each_dependency_has_its_reason_in_contributing() {
    let used: BTreeSet<_> = [keys("dependencies"), keys("dev-dependencies")]
        .into_iter()
        .flatten()
        .collect();
    assert_eq!(first_cells("CONTRIBUTING.md", "| crate | why |"), used);
}

#[test]
fn contributing_lists_the_features() {
    let mut features = keys("features");
    assert!(features.remove("default"));
    let heading = "| feature | what it brings | by default |";
    assert_eq!(first_cells("CONTRIBUTING.md", heading), features);
}

#[test]
fn the_fuzzers_readme_lists_the_targets() {
    let heading = "| target | input | what must hold |";
    let listed = first_cells("fuzz/README.md", heading);
    assert_eq!(listed, files("fuzz/fuzz_targets", ".rs"));
}

/// The rows below this heading, and their cells.
fn rows(document: &str, heading: &str) -> Vec<Vec<String>> {
    let text = read(document);
    let (_, table) = text.split_once(heading).expect(heading);
    let rows = table.lines().skip(2);
    let rows = rows.take_while(|line| line.starts_with("| "));
    let cells = |row: &str| -> Vec<String> {
        row.split('|')
            .skip(1)
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    rows.map(cells).collect()
}

#[test]
fn the_page_of_logging_lists_all_events_with_their_levels_and_keys() {
    let mut events: BTreeMap<&str, (BTreeSet<String>, Vec<String>, bool)> = BTreeMap::new();
    let mut keys = BTreeSet::new();
    for event in LOG_EVENTS {
        let names: Vec<String> = event.keys().map(|key| format!("`{key}`")).collect();
        keys.extend(event.keys().map(str::to_owned));
        let (levels, known, is_line) = events
            .entry(event.name())
            .or_insert_with(|| (BTreeSet::new(), names.clone(), false));
        assert_eq!(*known, names, "{}", event.name());
        levels.insert(format!("{:?}", event.level).to_lowercase());
        *is_line |= event.is_line;
    }
    let heading = "| event | level | keys | when |";
    let listed = rows("docs/logging.md", heading);
    assert_eq!(listed.len(), events.len());
    for row in listed {
        let name = row[0].split('`').nth(1).unwrap();
        let (levels, keys, is_line) = events.remove(name).expect(name);
        let listed: BTreeSet<_> = row[1].split(", ").map(str::to_owned).collect();
        assert_eq!(listed, levels, "{name}");
        assert_eq!(row[2], keys.join(" "), "{name}");
        assert_eq!(row[0].ends_with('*'), !is_line, "{name}");
    }
    assert_eq!(first_cells("docs/logging.md", "| key | value |"), keys);
}

#[test]
fn the_makefile_and_the_readme_of_the_examples_have_all_of_them() {
    let makefile = read("examples-c/Makefile");
    // A backslash at the end of a line continues it.
    let makefile = makefile.replace("\\\n", " ");
    let lines = makefile.lines().filter_map(|line| {
        ["EXAMPLES := ", "ON_LIBUV := "]
            .iter()
            .find_map(|name| line.strip_prefix(name))
    });
    let list: BTreeSet<_> = lines
        .flat_map(|line| line.split_whitespace().map(str::to_owned))
        .collect();
    assert_eq!(list, files("examples-c", ".c"));
    let heading = "| program | what it shows |";
    assert_eq!(first_cells("examples-c/README.md", heading), list);
}

#[test]
fn functions_that_documents_name_are_there_and_ours_are_all_named() {
    let mut documents = files("docs", ".md")
        .iter()
        .map(|name| read(&format!("docs/{name}.md")))
        .collect::<String>();
    documents += &read("README.md");
    documents += &read("CHANGELOG.md");
    let words = |text: &str| -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let words = text.split(|c| !is_part(c));
        words.map(str::to_owned).collect()
    };
    let headers = words(&(read("include/mosquitto.h") + &read("include/mqttrs.h")));
    let named = words(&documents);
    for name in &named {
        // A name that ends so stands for all that begin so; these are no functions.
        let is_function = (name.starts_with("mqttrs_") || name.starts_with("mosquitto_"))
            && !name.ends_with('_')
            && ![
                "mosquitto_pub",
                "mosquitto_sub",
                "mosquitto_rr",
                "mosquitto_rs",
                "mosquitto_client",
                "mosquitto_ctrl",
                "mqttrs_static",
            ]
            .contains(&name.as_str());
        assert!(!is_function || headers.contains(name), "{name}");
    }
    let map = read("mqttrs.map");
    let ours = words(&map)
        .into_iter()
        .filter(|word| word.starts_with("mqttrs_") && !word.ends_with('_'));
    for function in ours {
        assert!(
            named.contains(&function),
            "{function} is in no document for users"
        );
    }
}

#[test]
fn every_function_of_ours_is_called_with_wrong_arguments_and_inside_callbacks() {
    // These change the course of the test's own connection; tests of theirs do it.
    const DISTURBING: [&str; 4] = [
        "mqttrs_connect",
        "mqttrs_disconnect_timeout",
        "mqttrs_queue_clear",
        "mqttrs_store_open",
    ];
    let header = read("include/mqttrs.h");
    let wrong = read("tests/c/null_arguments.c");
    let inside = read("tests/c/every_mqttrs_call.h");
    let is_called = |program: &str, name: &str| program.contains(&format!("{name}("));
    let mut count = 0;
    for line in read("mqttrs.map").lines() {
        let Some(name) = line.trim().strip_suffix(';') else {
            continue;
        };
        if !name.starts_with("mqttrs_") {
            continue;
        }
        assert!(is_called(&wrong, name), "{name} with wrong arguments");
        let takes_a_client = ["", "const "]
            .iter()
            .any(|word| header.contains(&format!("{name}({word}struct mosquitto *mosq")));
        if takes_a_client && !DISTURBING.contains(&name) {
            assert!(is_called(&inside, name), "{name} inside callbacks");
            count += 1;
        }
    }
    assert!(count > 25, "{count} functions");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents: Vec<String> = ["CONTRIBUTING.md", "CHANGELOG.md", "fuzz/README.md"]
        .map(str::to_owned)
        .to_vec();
    documents.extend(
        files("docs", ".md")
            .iter()
            .map(|name| format!("docs/{name}.md")),
    );
    let mut count = 0;
    for document in documents {
        let text = read(&document);
        let folder = Path::new(&document).parent().unwrap();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap();
            let target = source(folder.join(file).to_str().unwrap());
            assert!(target.exists(), "{document}: {link} does not exist");
            count += 1;
        }
    }
    assert!(count > 5, "{count} links");
}
