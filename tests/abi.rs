//! The binary interface of the libraries that `make` builds: names and versions of what
//! they export, what they need, and what version they say they are.

mod built;

use built::{build_dir, built, run, source, stdout_of, Scratch};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

/// File and SONAME of each shared library.
const LIBRARIES: &[(&str, &str)] = &[
    ("libmqttrs.so.0", "libmqttrs.so.0"),
    ("dropin/libmosquitto.so.1", "libmosquitto.so.1"),
];

/// What may be needed at run time: the C library and the compiler's support library.
const MAY_NEED: &[&str] = &["libc.so.6", "libm.so.6", "ld-linux-"];

/// Function to version node.
type Versions = BTreeMap<String, String>;

#[test]
fn every_function_of_libmosquitto_is_exported_under_its_version() {
    for (file, _) in LIBRARIES {
        let exported = exports(&built(file));
        let wrong: Vec<String> = table()
            .iter()
            .filter_map(|(function, node)| match exported.get(function) {
                None => Some(format!("{function}@@{node} is missing")),
                Some(other) if other != node => {
                    Some(format!("{function}@@{other} should be {node}"))
                }
                Some(_) => None,
            })
            .collect();
        assert!(wrong.is_empty(), "{file}:\n{}", wrong.join("\n"));
    }
}

#[test]
fn nothing_is_exported_but_libmosquittos_functions_and_our_own() {
    let table = table();
    let ours = our_functions();
    for (file, _) in LIBRARIES {
        for (name, node) in exports(&built(file)) {
            if ours.contains(&name) {
                assert!(node.starts_with("MQTTRS_"), "{file}: {name}@@{node}");
            } else {
                assert!(
                    table.contains_key(&name),
                    "{file}: {name}@@{node} is exported"
                );
            }
        }
    }
}

#[test]
fn every_function_of_our_own_header_is_exported() {
    for (file, _) in LIBRARIES {
        let exported = exports(&built(file));
        let missing: Vec<_> = our_functions()
            .into_iter()
            .filter(|name| !exported.contains_key(name))
            .collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
}

#[test]
fn symbol_map_is_the_table_of_functions() {
    let map = fs::read_to_string(source("mqttrs.map")).unwrap();
    let mut mapped = Versions::new();
    let mut node = String::new();
    let mut comment = false;
    for line in map.lines().map(str::trim) {
        comment |= line.starts_with("/*");
        if comment {
            comment = !line.ends_with("*/");
        } else if let Some(name) = line.strip_suffix(" {") {
            node = name.to_owned();
        } else if let Some(function) = line.strip_suffix(';') {
            if function != "*" && !function.starts_with('}') {
                let before = mapped.insert(function.to_owned(), node.clone());
                assert_eq!(before, None, "{function} is there twice");
            }
        }
    }
    let (ours, theirs): (Versions, Versions) = mapped
        .into_iter()
        .partition(|(_, node)| node.starts_with("MQTTRS_"));
    assert_eq!(theirs, table());
    assert_eq!(ours.into_keys().collect::<BTreeSet<_>>(), our_functions());
}

/// By which programs' packages know what version of ours they need. `scripts/deb_symbols.py update`
/// adds what is new.
#[test]
fn the_table_of_symbols_of_the_debian_package_has_each_symbol_with_its_node() {
    let text = fs::read_to_string(source("packaging/debian/libmqttrs0.symbols")).unwrap();
    let listed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(' ')?.split(' ').next())
        .collect();
    let exported = exports(&built("libmqttrs.so.0"));
    let nodes = exported.values().map(|node| format!("{node}@{node}"));
    let symbols = exported.iter().map(|(name, node)| format!("{name}@{node}"));
    let there: BTreeSet<String> = nodes.chain(symbols).collect();
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    assert_eq!(listed, there);
}

#[test]
fn version_nodes_follow_each_other_as_libmosquittos_do() {
    let nodes: BTreeSet<String> = table().into_values().collect();
    let nodes: Vec<String> = nodes.into_iter().collect();
    for (file, _) in LIBRARIES {
        let listing = stdout_of(Command::new("readelf").arg("-VW").arg(built(file)));
        let mut parents = BTreeMap::new();
        let mut node = String::new();
        for line in listing.lines() {
            if let Some((_, name)) = line
                .split_once("Cnt: 1  Name: ")
                .or(line.split_once("Cnt: 2  Name: "))
            {
                node = name.trim().to_owned();
                parents.insert(node.clone(), None);
            } else if let Some((_, parent)) = line.split_once("Parent 1: ") {
                parents.insert(node.clone(), Some(parent.trim().to_owned()));
            }
        }
        for (at, node) in nodes.iter().enumerate() {
            let expected = at.checked_sub(1).map(|before| nodes[before].clone());
            assert_eq!(parents.get(node), Some(&expected), "{file}: {node}");
        }
    }
}

#[test]
fn library_carries_its_soname_and_needs_the_c_library_only() {
    for (file, soname) in LIBRARIES {
        let dynamic = stdout_of(Command::new("readelf").arg("-dW").arg(built(file)));
        let values = |tag: &str| -> Vec<String> {
            dynamic
                .lines()
                .filter(|line| line.contains(&format!("({tag})")))
                .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
                .collect()
        };
        assert_eq!(values("SONAME"), [*soname], "{file}");
        let needed = values("NEEDED");
        assert!(
            needed.iter().any(|name| name == "libc.so.6"),
            "{file}: {needed:?}"
        );
        for name in &needed {
            assert!(
                MAY_NEED.iter().any(|allowed| name.starts_with(allowed)),
                "{file} needs {name}"
            );
        }
        assert!(
            !dynamic.contains("(TEXTREL)"),
            "{file} has text relocations"
        );
        assert!(
            !dynamic.contains("(RUNPATH)") && !dynamic.contains("(RPATH)"),
            "{file} names folders"
        );
    }
}

#[test]
fn library_is_small_enough_for_devices() {
    const LARGEST: u64 = 5 * 1024 * 1024 / 2;
    let scratch = Scratch::new("stripped");
    for (file, _) in LIBRARIES {
        let stripped = scratch.path("library");
        run(Command::new("strip")
            .arg("-o")
            .arg(&stripped)
            .arg(built(file)));
        let size = fs::metadata(&stripped).unwrap().len();
        assert!(size <= LARGEST, "{file}: {size} bytes without symbols");
    }
}

#[test]
fn name_for_the_linker_leads_to_the_library() {
    let link = fs::read_link(built("libmqttrs.so")).unwrap();
    assert_eq!(link, Path::new("libmqttrs.so.0"));
}

#[test]
fn version_numbers_agree() {
    let scratch = Scratch::new("versions");
    let program = scratch.write(
        "versions.c",
        r#"
        #include <stdio.h>
        #include <mqttrs.h>
        int main(void)
        {
            int major, minor, revision;
            int number = mosquitto_lib_version(&major, &minor, &revision);
            if (mosquitto_lib_version(NULL, NULL, NULL) != number) {
                return 1;
            }
            printf("%d.%d.%d %d\n", major, minor, revision, number);
            printf("%d.%d.%d %d\n", LIBMOSQUITTO_MAJOR, LIBMOSQUITTO_MINOR,
                LIBMOSQUITTO_REVISION, LIBMOSQUITTO_VERSION_NUMBER);
            printf("%d.%d.%d\n", MQTTRS_VERSION_MAJOR, MQTTRS_VERSION_MINOR, MQTTRS_VERSION_REVISION);
            return 0;
        }"#,
    );
    let executable = scratch.path("versions");
    run(Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&executable)
        .arg(program)
        .arg("-I")
        .arg(source("include"))
        .arg("-L")
        .arg(build_dir())
        .arg("-lmqttrs"));
    let printed = stdout_of(Command::new(executable).env("LD_LIBRARY_PATH", build_dir()));
    let [library, header, ours] = printed.lines().collect::<Vec<_>>()[..] else {
        panic!("{printed}");
    };
    assert_eq!(
        library, header,
        "mosquitto_lib_version() and LIBMOSQUITTO_* differ"
    );
    // Programs refuse a major version other than 2.
    assert!(library.starts_with("2."), "{library}");
    assert_eq!(
        ours,
        env!("CARGO_PKG_VERSION"),
        "mqttrs.h and Cargo.toml differ"
    );

    let changes = fs::read_to_string(source("CHANGELOG.md")).unwrap();
    let newest = changes
        .lines()
        .find_map(|line| line.strip_prefix("## "))
        .unwrap();
    assert_eq!(
        newest.split(' ').next(),
        Some(env!("CARGO_PKG_VERSION")),
        "CHANGELOG.md and Cargo.toml differ"
    );

    let packages = fs::read_to_string(source("packaging/debian/changelog")).unwrap();
    assert!(
        packages.starts_with(concat!("mqttrs (", env!("CARGO_PKG_VERSION"), ") ")),
        "packaging/debian/changelog and Cargo.toml differ"
    );
}

#[test]
fn debians_programs_and_libraries_find_all_they_ask_for_in_the_dropin() {
    let dropin = built("dropin/libmosquitto.so.1");
    for user in [
        "/usr/bin/mosquitto_pub",
        "/usr/bin/mosquitto_sub",
        "/usr/bin/mosquitto_rr",
        &libmosquittopp(),
    ] {
        let found = stdout_of(
            Command::new("ldd")
                .args(["-r", user])
                .env("LD_LIBRARY_PATH", dropin.parent().unwrap()),
        );
        let line = format!("libmosquitto.so.1 => {} ", dropin.display());
        assert!(found.contains(&line), "{user}:\n{found}");
        for complaint in [
            "undefined symbol",
            "no version information",
            "not found",
            "not defined",
        ] {
            assert!(!found.contains(complaint), "{user}:\n{found}");
        }
    }
}

#[test]
fn program_using_both_names_of_the_library_runs() {
    // Debian's libmosquittopp brings libmosquitto.so.1 along, the program itself is
    // linked to libmqttrs.so.0.
    let scratch = Scratch::new("both-names");
    let program = scratch.write(
        "both.cc",
        r#"
        #include <cstdio>
        #include <mosquittopp.h>
        extern "C" int mosquitto_connect(struct mosquitto *, const char *, int, int);
        extern "C" struct mosquitto *mosquitto_new(const char *, bool, void *);
        extern "C" void mosquitto_destroy(struct mosquitto *);
        extern "C" const char *mosquitto_strerror(int);
        int main(int, char **argv)
        {
            int port;
            std::sscanf(argv[1], "%d", &port);
            int major;
            mosqpp::lib_init();
            mosqpp::lib_version(&major, nullptr, nullptr);
            std::printf("%d\n", major);
            {
                mosqpp::mosquittopp client("from-cpp");
                std::printf("%s\n", mosqpp::strerror(client.connect("127.0.0.1", port, 60)));
            }
            struct mosquitto *handle = mosquitto_new("from-c", true, nullptr);
            std::printf("%s\n", mosquitto_strerror(mosquitto_connect(handle, "127.0.0.1", port, 60)));
            mosquitto_destroy(handle);
            mosqpp::lib_cleanup();
            return 0;
        }"#,
    );
    let executable = scratch.path("both");
    run(Command::new("c++")
        .args(["-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&executable)
        .arg(program)
        .arg("-L")
        .arg(build_dir())
        .args(["-lmqttrs", "-lmosquittopp"]));

    // A listener that nobody accepts from: the connection comes about all the same.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let folders = std::env::join_paths([build_dir(), build_dir().join("dropin")]).unwrap();
    let printed = stdout_of(
        Command::new(executable)
            .arg(port)
            .env("LD_LIBRARY_PATH", folders)
            .env("LD_BIND_NOW", "1"),
    );
    assert_eq!(printed, "2\nNo error.\nNo error.\n");
}

/// What a shared library exports, version nodes themselves left out.
fn exports(library: &Path) -> Versions {
    let listing = stdout_of(
        Command::new("nm")
            .args(["--dynamic", "--defined-only", "--with-symbol-versions"])
            .arg(library),
    );
    let exported: Versions = listing
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        // `A` is the symbol of a version node.
        .filter(|columns| columns[1] != "A")
        .map(|columns| {
            let (name, node) = columns[2]
                .split_once("@@")
                .unwrap_or((columns[2], "no version"));
            (name.to_owned(), node.to_owned())
        })
        .collect();
    assert!(
        !exported.is_empty(),
        "{} exports nothing",
        library.display()
    );
    exported
}

/// libmosquitto's functions and their version nodes.
fn table() -> Versions {
    let table: Versions = include_str!("data/libmosquitto-functions.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let mut columns = line.split('\t').map(str::to_owned);
            let node = columns.next().unwrap();
            (columns.next().unwrap(), node)
        })
        .collect();
    assert_eq!(table.len(), 126);
    table
}

/// The functions that our own header declares.
fn our_functions() -> BTreeSet<String> {
    let header = fs::read_to_string(source("include/mqttrs.h")).unwrap();
    header
        .match_indices("mqttrs_")
        .filter_map(|(at, _)| header[at..].split_once('('))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .map(str::to_owned)
        .collect()
}

/// The path of Debian's C++ wrapper of libmosquitto.
fn libmosquittopp() -> String {
    let path = stdout_of(Command::new("c++").arg("-print-file-name=libmosquittopp.so.1"));
    path.trim().to_owned()
}
