//! `make install`, `make install-dropin` and `make uninstall`, and programs built and run
//! on what they put in place.

mod built;

use built::{build_dir, run, source, stdout_of, Scratch};
use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that says which major version of the interface it has, and connects.
const PROGRAM: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <mosquitto.h>
#include <mosquitto/libmosquitto.h>
#include <mqtt_protocol.h>
#include <mqttrs.h>

int main(int argc, char **argv)
{
    int major;
    int rc = MOSQ_ERR_NOMEM;
    struct mosquitto *mosq;

    if (argc != 2) {
        return 2;
    }
    mosquitto_lib_init();
    mosquitto_lib_version(&major, NULL, NULL);
    mosq = mosquitto_new("installed", true, NULL);
    if (mosq != NULL) {
        rc = mosquitto_connect(mosq, "127.0.0.1", atoi(argv[1]), 60);
        mosquitto_destroy(mosq);
    }
    mosquitto_lib_cleanup();
    printf("%d %s\n", major, mosquitto_strerror(rc));
    return rc;
}
"#;

/// The same in C++, by both headers that there are for it.
const CXX_PROGRAM: &str = r#"
#include <cstdlib>
#include <iostream>
#include <mosquittopp.h>
#include <mqttrs.hpp>

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    int major = 0;
    mosqpp::lib_version(&major, NULL, NULL);
    mosqpp::mosquittopp other("other");
    auto client = mqttrs::client::create({"installed"}).value();
    const auto connected = client.connect("127.0.0.1", std::atoi(argv[1]));
    std::cout << major << " " << mosqpp::strerror(connected ? 0 : MOSQ_ERR_UNKNOWN) << std::endl;
    return connected ? 0 : 1;
}
"#;

const CMAKE_LISTS: &str = "
cmake_minimum_required(VERSION 3.10)
project(installed C)
find_package(mqttrs 0.1 REQUIRED)
add_executable(shared program.c)
target_link_libraries(shared PRIVATE mqttrs::mqttrs)
add_executable(static program.c)
target_link_libraries(static PRIVATE mqttrs::mqttrs_static)
find_package(mqttrs 99 QUIET)
if(mqttrs_FOUND)
    message(FATAL_ERROR \"version 99 was found\")
endif()
";

#[test]
fn install_puts_each_file_in_its_place() {
    let scratch = Scratch::new("install-files");
    let folders = [
        "PREFIX=/opt/mq",
        "LIBDIR=/opt/mq/lib/triplet",
        "INCLUDEDIR=/opt/mq/headers",
    ];
    make(&["install"], &folders, &scratch);

    let mut expected: BTreeSet<PathBuf> = [
        "libmqttrs.a",
        "libmqttrs.so",
        "libmqttrs.so.0",
        "pkgconfig/mqttrs.pc",
        "cmake/mqttrs/mqttrsConfig.cmake",
        "cmake/mqttrs/mqttrsConfigVersion.cmake",
    ]
    .iter()
    .map(|file| Path::new("opt/mq/lib/triplet").join(file))
    .collect();
    let mut headers = files(&source("include"));
    headers.extend(files(&source("bindings/cpp/include")));
    for header in ["mosquitto.h", "mosquittopp.h", "mqttrs.hpp"] {
        assert!(headers.contains(Path::new(header)), "{headers:?}");
    }
    expected.extend(
        headers
            .iter()
            .map(|header| Path::new("opt/mq/headers/mqttrs").join(header)),
    );
    let (manual, rest): (BTreeSet<_>, BTreeSet<_>) = files(&scratch.path(""))
        .into_iter()
        .partition(|path| path.starts_with("opt/mq/share/man"));
    assert_eq!(rest, expected);
    let pages = fs::read_dir(source("docs/man")).unwrap().count();
    assert!(pages > 10 && manual.len() > pages + 100, "{manual:?}");

    let mode = |file: &str| {
        let metadata = fs::metadata(scratch.path("opt/mq").join(file)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode("lib/triplet/libmqttrs.so.0"), 0o755);
    assert_eq!(mode("lib/triplet/libmqttrs.a"), 0o644);
    assert_eq!(mode("lib/triplet/pkgconfig/mqttrs.pc"), 0o644);
    assert_eq!(mode("headers/mqttrs/mosquitto.h"), 0o644);
}

#[test]
fn each_function_is_the_name_of_a_man_page() {
    let scratch = Scratch::new("install-man");
    make(&["install"], &["MANDIR=/man"], &scratch);
    let map = fs::read_to_string(source("mqttrs.map")).unwrap();
    let functions = map.lines().filter_map(|line| line.trim().strip_suffix(';'));
    let mut count = 0;
    for function in functions.filter(|name| name.contains("mosquitto_") || name.contains("mqttrs_"))
    {
        let page = fs::read_to_string(scratch.path(&format!("man/man3/{function}.3")));
        let page = page.unwrap_or_else(|error| panic!("{function}: {error}"));
        assert!(page.contains(&format!(".SS {function}()")), "{function}");
        count += 1;
    }
    assert!(count > 180, "{count}");
    assert!(scratch.path("man/man3/libmqttrs.3").exists());
}

#[test]
fn uninstall_leaves_nothing_of_ours_and_everything_else() {
    let scratch = Scratch::new("uninstall");
    let strangers: BTreeSet<PathBuf> = [
        "usr/local/lib/libother.so",
        "usr/local/lib/cmake/other/otherConfig.cmake",
        "usr/local/include/mosquitto.h",
        "usr/local/lib/libmosquitto.so.1",
    ]
    .map(PathBuf::from)
    .into();
    for stranger in &strangers {
        scratch.write(stranger.to_str().unwrap(), "not ours");
    }
    make(&["install", "install-dropin"], &[], &scratch);
    assert!(scratch
        .path("usr/local/lib/mqttrs/libmosquitto.so.1")
        .exists());

    make(&["uninstall"], &[], &scratch);
    assert_eq!(files(&scratch.path("")), strangers);
    for folder in ["include/mqttrs", "lib/mqttrs", "lib/cmake/mqttrs"] {
        assert!(
            !scratch.path("usr/local").join(folder).exists(),
            "{folder} is left"
        );
    }
}

#[test]
fn uninstall_keeps_a_folder_of_ours_that_somebody_else_uses() {
    let scratch = Scratch::new("uninstall-shared");
    let stranger = scratch.write("usr/local/include/mqttrs/notes.txt", "not ours");
    make(&["install"], &[], &scratch);
    make(&["uninstall"], &[], &scratch);
    let left = files(&scratch.path(""));
    assert_eq!(
        left,
        [stranger.strip_prefix(scratch.path("")).unwrap().to_owned()].into()
    );
}

#[test]
fn program_builds_and_runs_with_the_shared_library_by_pkg_config() {
    let scratch = Scratch::new("pkg-config-shared");
    let prefix = install_at_prefix(&scratch);
    let executable = compile(&scratch, &[], &pkg_config(&prefix, &["--cflags", "--libs"]));
    assert!(needed(&executable).contains("libmqttrs.so.0"));
    assert_connects(Command::new(executable).env("LD_LIBRARY_PATH", prefix.join("lib")));
}

#[test]
fn program_in_cxx_builds_and_runs_by_pkg_config() {
    let scratch = Scratch::new("pkg-config-cxx");
    let prefix = install_at_prefix(&scratch);
    let program = scratch.write("program.cpp", CXX_PROGRAM);
    let executable = scratch.path("program");
    run(Command::new("c++")
        .args(["-std=c++17", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&executable)
        .arg(program)
        .args(pkg_config(&prefix, &["--cflags", "--libs"])));
    assert!(needed(&executable).contains("libmqttrs.so.0"));
    assert_connects(Command::new(executable).env("LD_LIBRARY_PATH", prefix.join("lib")));
}

#[test]
fn program_builds_and_runs_all_static_by_pkg_config() {
    let scratch = Scratch::new("pkg-config-static");
    let prefix = install_at_prefix(&scratch);
    let flags = pkg_config(&prefix, &["--static", "--cflags", "--libs"]);
    let executable = compile(&scratch, &["-static"], &flags);
    assert_eq!(needed(&executable), "");
    assert_connects(&mut Command::new(executable));
}

#[test]
fn static_link_line_serves_a_program_with_a_shared_c_library_too() {
    let scratch = Scratch::new("pkg-config-mixed");
    let prefix = install_at_prefix(&scratch);
    fs::remove_file(prefix.join("lib/libmqttrs.so")).unwrap();
    let flags = pkg_config(&prefix, &["--static", "--cflags", "--libs"]);
    let executable = compile(&scratch, &[], &flags);
    let needed = needed(&executable);
    assert!(
        needed.contains("libc.so.6") && !needed.contains("mqttrs"),
        "{needed}"
    );
    assert_connects(&mut Command::new(executable));
}

#[test]
fn pkg_config_file_tells_our_version() {
    let scratch = Scratch::new("pkg-config-version");
    let prefix = install_at_prefix(&scratch);
    let version = pkg_config(&prefix, &["--modversion"]);
    assert_eq!(version, [env!("CARGO_PKG_VERSION")]);
}

#[test]
fn program_builds_and_runs_by_cmake_from_a_tree_that_was_moved() {
    let scratch = Scratch::new("cmake");
    // Installed for /usr, found elsewhere.
    make(&["install"], &["PREFIX=/usr"], &scratch);
    scratch.write("project/program.c", PROGRAM);
    scratch.write("project/CMakeLists.txt", CMAKE_LISTS);
    let mut prefix = std::ffi::OsString::from("-DCMAKE_PREFIX_PATH=");
    prefix.push(scratch.path("usr"));
    run(Command::new("cmake")
        .arg("-S")
        .arg(scratch.path("project"))
        .arg("-B")
        .arg(scratch.path("objects"))
        .arg(prefix));
    run(Command::new("cmake")
        .arg("--build")
        .arg(scratch.path("objects")));

    let shared = scratch.path("objects/shared");
    assert!(needed(&shared).contains("libmqttrs.so.0"));
    assert_connects(&mut Command::new(shared)); // CMake set the path to search
    let archived = scratch.path("objects/static");
    assert!(!needed(&archived).contains("mqttrs"));
    assert_connects(&mut Command::new(archived));
}

#[test]
fn dropin_folder_serves_by_its_name_in_the_library_path() {
    let scratch = Scratch::new("dropin-path");
    make(&["install-dropin"], &[], &scratch);
    let folder = scratch.path("usr/local/lib/mqttrs");
    let found = stdout_of(
        Command::new("ldd")
            .arg("/usr/bin/mosquitto_sub")
            .env("LD_LIBRARY_PATH", &folder),
    );
    let line = format!(
        "libmosquitto.so.1 => {}/libmosquitto.so.1 ",
        folder.display()
    );
    assert!(found.contains(&line), "{found}");
}

#[test]
fn dropin_folder_serves_by_its_name_in_ld_so_conf() {
    let scratch = Scratch::new("dropin-conf");
    make(&["install-dropin"], &[], &scratch);
    let folder = scratch.path("usr/local/lib/mqttrs");
    let conf = scratch.write("ld.so.conf", &format!("{}\n", folder.display()));
    let cache = scratch.path("ld.so.cache");
    run(Command::new("/sbin/ldconfig")
        .args(["-X", "-i", "-f"])
        .arg(conf)
        .arg("-C")
        .arg(&cache));
    let known = stdout_of(
        Command::new("/sbin/ldconfig")
            .arg("-p")
            .arg("-C")
            .arg(cache),
    );
    // The first of a name is taken.
    let first = known
        .lines()
        .find(|line| line.trim().starts_with("libmosquitto.so.1 "))
        .unwrap_or("");
    let path = folder.join("libmosquitto.so.1");
    assert!(
        first.ends_with(&format!("=> {}", path.display())),
        "{known}"
    );
    // And ldconfig makes no further names for it.
    run(Command::new("/sbin/ldconfig").arg("-n").arg(&folder));
    assert_eq!(files(&folder), [PathBuf::from("libmosquitto.so.1")].into());
}

/// Runs make for the given targets with DESTDIR in the scratch folder.
fn make(targets: &[&str], variables: &[&str], scratch: &Scratch) {
    let destdir = format!("DESTDIR={}", scratch.path("").display());
    make_with(
        targets,
        &[variables, &[destdir.trim_end_matches('/')]].concat(),
    );
}

fn make_with(targets: &[&str], variables: &[&str]) {
    let mut command = Command::new("make");
    // What cargo says of the package under test would have crates compiled anew.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
    run(command
        .arg("-C")
        .arg(source(""))
        .args(targets)
        .arg(format!("BUILD={}", build_dir().display()))
        .args(variables)
        // The make that runs this test is none of this one's business.
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .env_remove("MAKELEVEL")
        .env_remove("DESTDIR")
        .env_remove("PREFIX")
        .env_remove("LIBDIR")
        .env_remove("INCLUDEDIR"));
}

/// Installs for good at a prefix in the scratch folder.
fn install_at_prefix(scratch: &Scratch) -> PathBuf {
    let prefix = scratch.path("prefix");
    make_with(&["install"], &[&format!("PREFIX={}", prefix.display())]);
    prefix
}

fn pkg_config(prefix: &Path, arguments: &[&str]) -> Vec<String> {
    let flags = stdout_of(
        Command::new("pkg-config")
            .args(arguments)
            .arg("mqttrs")
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig")),
    );
    flags.split_whitespace().map(str::to_owned).collect()
}

fn compile(scratch: &Scratch, before: &[&str], flags: &[String]) -> PathBuf {
    let program = scratch.write("program.c", PROGRAM);
    let executable = scratch.path("program");
    run(Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror"])
        .args(before)
        .arg("-o")
        .arg(&executable)
        .arg(program)
        .args(flags));
    executable
}

/// The dynamic section's list of needed libraries.
fn needed(executable: &Path) -> String {
    let dynamic = stdout_of(Command::new("readelf").arg("-dW").arg(executable));
    let lines: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .collect();
    lines.join("\n")
}

/// Runs [`PROGRAM`] against a listener.
fn assert_connects(program: &mut Command) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(stdout_of(program.arg(port.to_string())), "2 No error.\n");
    // And it really was there.
    listener.accept().unwrap();
}

/// All files and links below a folder, relative to it.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            } else {
                found.insert(entry.path().strip_prefix(folder).unwrap().to_owned());
            }
        }
    }
    found
}
