//! The programs of `examples-c` as a whole: each is short, and each is run by a test.

use super::built::source;
use std::fs;
use std::path::PathBuf;

/// "Under" this many lines.
const LINES: usize = 120;

/// The files in a folder that end so, with what is in them.
fn files(folder: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(source(folder)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == ending))
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    assert!(!files.is_empty(), "{folder} has no files *.{ending}");
    files
}

#[test]
fn each_program_is_short() {
    for (path, code) in files("examples-c", "c") {
        let lines = code.lines().count();
        assert!(lines < LINES, "{} has {lines} lines", path.display());
    }
}

#[test]
fn each_program_is_built_and_run_by_a_test_and_says_how_it_is_called() {
    let tests: String = files("tests/examples", "rs")
        .into_iter()
        .filter(|(path, _)| !path.ends_with("listed.rs"))
        .map(|(_, code)| code)
        .collect();
    for (path, code) in files("examples-c", "c") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let calls = [
            "program(&scratch, ",
            "program_with(&scratch, ",
            "program(scratch, ",
        ];
        let built = calls
            .iter()
            .any(|call| tests.contains(&format!("{call}\"{name}\"")));
        assert!(built, "no test in tests/examples runs {name}");
        assert!(
            code.starts_with(&format!("/*\n * {name} ")),
            "{name}: the first line is not how it is called"
        );
    }
}
