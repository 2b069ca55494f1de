//! The manual: its reference is complete, its links lead somewhere, its code compiles and runs, and
//! the man pages are what the headers say.

#[allow(dead_code)]
#[path = "programs/broker.rs"]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;

use broker::Broker;
use built::{build_dir, built, run, source, stdout_of, Scratch};
use certificates::certificates;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const EXAMPLES: &str = "docs/reference/examples";
/// Callbacks need not use every argument.
const STRICT: [&str; 3] = ["-Wextra", "-pedantic", "-Wno-unused-parameter"];

#[test]
fn every_function_and_type_is_described_and_every_link_leads_somewhere() {
    run(Command::new("python3")
        .arg("-B")
        .arg(source("scripts/manual"))
        .arg("check"));
}

#[test]
fn the_sources_of_the_book_go_together() {
    let scratch = Scratch::new("manual-book");
    run(Command::new("python3")
        .arg("-B")
        .arg(source("scripts/manual"))
        .arg("book")
        .arg(scratch.path("")));
    let summary = fs::read_to_string(scratch.path("src/SUMMARY.md")).unwrap();
    let mut count = 0;
    for link in summary.split("](").skip(1) {
        let page = scratch.path("src").join(link.split(')').next().unwrap());
        assert!(page.exists(), "{} is missing", page.display());
        count += 1;
    }
    assert!(count > 40, "{count} pages");
}

#[test]
fn the_man_pages_are_well_formed() {
    let mut count = 0;
    for page in files("docs/man", "3") {
        let said = stdout_of(
            Command::new("mandoc")
                .args(["-Tlint", "-W", "warning"])
                .arg(&page),
        );
        assert_eq!(said, "", "{}", page.display());
        count += 1;
    }
    assert!(count > 10, "{count} pages");
}

#[test]
fn the_examples_of_the_reference_run() {
    let scratch = Scratch::new("manual-examples");
    let broker = Broker::start(&scratch.path(""), &[], &[]);
    let port = broker.port().to_string();
    let mut count = 0;
    for example in files(EXAMPLES, "c") {
        let name = example.file_stem().unwrap().to_str().unwrap();
        let program = compiled(&scratch, &example, &STRICT);
        if name != "tls" {
            run(Command::new(program)
                .arg(&port)
                .current_dir(scratch.path("")));
        }
        count += 1;
    }
    assert!(count > 15, "{count} examples");
}

#[test]
fn the_example_of_tls_runs_with_a_broker_that_asks_for_a_certificate() {
    let scratch = Scratch::new("manual-tls");
    let example = source(EXAMPLES).join("tls.c");
    let program = compiled(&scratch, &example, &STRICT);
    let settings = [
        format!("certfile {}", certificates().text("server.crt")),
        format!("keyfile {}", certificates().text("server.key")),
        format!("cafile {}", certificates().text("ca.crt")),
        "require_certificate true".to_owned(),
    ];
    let broker = Broker::start(&scratch.path(""), &settings, &[]);
    run(Command::new(program)
        .arg(broker.port().to_string())
        .arg(certificates().path("ca.crt").parent().unwrap())
        .current_dir(scratch.path("")));
}

#[test]
fn the_example_of_the_store_runs_twice_on_one_folder() {
    let scratch = Scratch::new("manual-store");
    let example = source(EXAMPLES).join("store.c");
    let folder = build_dir().join("store");
    let program = linked(&scratch, &example, &STRICT, &folder);
    let broker = Broker::start(&scratch.path(""), &[], &[]);
    for _ in 0..2 {
        let port = broker.port().to_string();
        let said = stdout_of(
            Command::new(&program)
                .arg(port)
                .current_dir(scratch.path("")),
        );
        assert_eq!(said, "");
        assert!(scratch.path("session/log").exists());
    }
}

#[test]
fn the_code_on_the_pages_compiles_and_whole_programs_run() {
    let scratch = Scratch::new("manual-pages");
    let broker = Broker::start(&scratch.path(""), &[], &[]);
    let (mut blocks, mut programs) = (0, 0);
    for page in [files("docs/book", "md"), files("docs", "md")].concat() {
        let name = page.file_stem().unwrap().to_str().unwrap();
        for (number, block) in c_blocks(&page).iter().enumerate() {
            let code = whole(block);
            let file = scratch.write(&format!("{name}-{number}.c"), &code);
            let relaxed = ["-Wno-unused-function", "-Wno-unused-variable"];
            // The tour's programs have arguments and a test of their own.
            if code.contains("int main(") && page.starts_with(source("docs/book")) {
                let program = compiled(&scratch, &file, &relaxed);
                run(Command::new(program).arg(broker.port().to_string()));
                programs += 1;
            } else {
                run(compiler(&relaxed)
                    .arg("-c")
                    .arg(&file)
                    .arg("-o")
                    .arg("/dev/null"));
            }
            blocks += 1;
        }
    }
    assert!(blocks > 20 && programs > 1, "{blocks} {programs}");
}

/// The lines between ```` ```c ```` and the fence's end, of each such block of a page.
fn c_blocks(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let blocks = text.split("```c\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// A file that compiles: statements become a function that is given a client, if they make none.
fn whole(block: &str) -> String {
    let includes = "#include <stdio.h>\n#include <stdlib.h>\n#include <mqttrs.h>\n";
    let is_file = block
        .lines()
        .any(|line| line.starts_with("static ") || line.starts_with("#include"));
    if is_file {
        return format!("{includes}{block}");
    }
    let parameter = match block.contains("struct mosquitto *mosq =") {
        true => "void",
        false => "struct mosquitto *mosq",
    };
    format!("{includes}void fragment({parameter});\nvoid fragment({parameter})\n{{\n{block}}}\n")
}

/// Builds a program against the headers here and the built library.
fn compiled(scratch: &Scratch, file: &Path, flags: &[&str]) -> PathBuf {
    built("libmqttrs.so");
    linked(scratch, file, flags, &build_dir())
}

/// As [`compiled`], with the library in a folder.
fn linked(scratch: &Scratch, file: &Path, flags: &[&str], folder: &Path) -> PathBuf {
    let program = scratch.path(file.file_stem().unwrap().to_str().unwrap());
    run(compiler(flags)
        .arg(file)
        .arg("-o")
        .arg(&program)
        .arg(format!("-L{}", folder.display()))
        .arg(format!("-Wl,-rpath,{}", folder.display()))
        .arg("-lmqttrs"));
    program
}

fn compiler(flags: &[&str]) -> Command {
    let mut command = Command::new("cc");
    command
        .args(["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Werror"])
        .args(flags)
        .arg("-I")
        .arg(source("include"));
    command
}

/// The files of a folder that have this extension, in order.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(source(folder)).unwrap();
    let mut found: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    found.sort();
    found
}
