//! Pages put together from results are what their parts say.

#[path = "built/mod.rs"]
mod built;

use built::{run, source};
use std::fs;
use std::process::Command;

#[test]
fn the_pages_are_what_is_made_of_their_parts() {
    run(Command::new("python3")
        .arg("-B")
        .arg(source("scripts/pages.py"))
        .arg("check"));
}

#[test]
fn the_results_name_no_machine_and_no_folder_of_it() {
    let mut count = 0;
    let folders = ["docs/reliability", "docs/features", "docs/consumers"];
    let entries = folders.map(|folder| fs::read_dir(source(folder)).unwrap());
    for entry in entries.into_iter().flatten() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for word in ["/home/", "/root", "/tmp/", "/work/"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
        count += 1;
    }
    assert!(count > 1);
}

#[test]
fn every_table_has_the_cells_that_its_heading_has() {
    let read = |name: &str| fs::read_to_string(source(name)).unwrap();
    let page = ["reliability", "features", "consumers"]
        .map(|name| read(&format!("docs/{name}.md")))
        .concat();
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut rows = 0;
    for two in page.lines().collect::<Vec<_>>().windows(2) {
        if two.iter().all(|line| line.starts_with('|')) {
            assert_eq!(cells(two[0]), cells(two[1]), "{}", two[1]);
            rows += 1;
        }
    }
    assert!(rows > 20, "{rows} rows");
}
