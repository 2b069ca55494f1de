//! The layers of the crate, and who may use whom:
//!
//! `types <- codec <- session`, `types <- transport <- store`,
//! `{session, store} <- client <- reactor <- ffi`; `error` by all.
//!
//! A layer may use everything below the layers it stands on. Besides, what the sources
//! may reach outside the crate: `mio` only where sockets are polled, `libc` and `unsafe`
//! only at the C boundary and in one file of socket options, and nothing that has a
//! clock, a socket, a thread or chance in the protocol core.

mod source;

use source::{module_of, paths, tokens, NamedPath, Token};
use std::path::Path;

/// A layer and the layers it stands on.
const LAYERS: &[(&str, &[&str])] = &[
    // One pair at the bottom: an error carries a reason code, parsing can fail.
    ("error", &["types"]),
    ("types", &["error"]),
    ("codec", &["types"]),
    ("session", &["codec"]),
    ("transport", &["types"]),
    ("store", &["transport"]),
    ("client", &["session", "store"]),
    ("reactor", &["client"]),
    ("ffi", &["reactor"]),
];

/// The layers that make up the protocol core: bytes, `now` and a seed come in as
/// arguments, so that a test can replay hours of protocol in no time.
const CORE: &[&str] = &["error", "types", "codec", "session"];

/// The one file outside `ffi` that speaks to the system directly.
const SOCKET_OPTIONS: &str = "transport/socket.rs";

/// Crates, and where they may be used: a layer, or one file.
const CRATES: &[(&str, &[&str])] = &[
    ("mio", &["transport", "reactor"]),
    ("libc", &["ffi", SOCKET_OPTIONS]),
    ("socket2", &["transport"]),
];

/// Beginnings of paths that bring a clock, a socket, a file, a thread or chance along.
const IMPURE: &[&[&str]] = &[
    &["std", "net"],
    &["std", "os"],
    &["std", "thread"],
    &["std", "fs"],
    &["std", "env"],
    &["std", "process"],
    &["std", "sync", "mpsc"],
    &["std", "time", "SystemTime"],
    &["std", "hash", "RandomState"],
    &["std", "collections", "hash_map", "RandomState"],
];

#[test]
fn sources_keep_to_the_layers() {
    let violations = check_all(layer_violations);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn crates_of_the_system_are_used_in_their_places_only() {
    let violations = check_all(crate_violations);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn unsafe_code_stands_at_the_c_boundary_only() {
    let violations = check_all(unsafe_violations);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn protocol_core_has_no_clock_socket_thread_or_chance() {
    let violations = check_all(purity_violations);
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn every_source_file_belongs_to_a_layer() {
    let files = source::files();
    assert!(files.len() > LAYERS.len(), "sources not found: {files:?}");
    for file in files {
        let Some(layer) = module_of(&file).first().cloned() else {
            continue; // lib.rs
        };
        assert!(
            LAYERS.iter().any(|(name, _)| *name == layer),
            "{} belongs to no layer",
            file.display()
        );
    }
}

#[test]
fn checker_sees_a_layer_that_reaches_upwards() {
    let caught = [
        ("types/topic.rs", "use crate::codec::Packet;"),
        ("codec/frame.rs", "use crate::{error::Error, session};"),
        (
            "codec/frame.rs",
            "use crate::{\n    types::{self, QoS},\n    client::{self as c,},\n};",
        ),
        (
            "session/inbound.rs",
            "fn f() { crate::transport::tcp::send() }",
        ),
        (
            "session/inbound.rs",
            "pub(crate) use super::super::client::Event;",
        ),
        ("transport/tcp.rs", "impl crate::codec::Sink for Tcp {}"),
        ("transport/tcp.rs", "use crate::session;"),
        ("transport/mod.rs", "use super::client;"),
        ("client/mod.rs", "mod inner { use super::super::reactor; }"),
        (
            "client/mod.rs",
            "macro_rules! m { () => { $crate::ffi::f() } }",
        ),
        ("reactor/mod.rs", "fn f(x: &crate::ffi::handle::Slot) {}"),
        ("error.rs", "use crate::codec::PropertyId;"),
        (
            "types/mod.rs",
            "/* a /* nested */ comment */ use crate::client; // end",
        ),
        (
            "types/mod.rs",
            "#[cfg(test)]\nmod tests { fn f() {} }\nuse crate::client;",
        ),
        ("types/mod.rs", "use crate::*;"),
        ("types/mod.rs", "use crate::unheard_of;"),
    ];
    for (file, text) in caught {
        let found = check(file, text, layer_violations);
        assert_eq!(found.len(), 1, "{file}: {text}\n{found:?}");
    }
}

#[test]
fn checker_allows_what_the_layers_allow() {
    let allowed = [
        ("types/topic.rs", "use crate::error::Error;"),
        ("codec/frame.rs", "use crate::types; use super::primitive;"),
        (
            "session/inbound.rs",
            "use crate::{codec, types::QoS, error::*};",
        ),
        (
            "transport/tcp.rs",
            "use crate::types::QoS; use super::Transport;",
        ),
        (
            "client/mod.rs",
            "use crate::{codec, session, transport, types};",
        ),
        (
            "ffi/loops.rs",
            "use crate::reactor; use super::guard; use crate::codec::Properties;",
        ),
        (
            "types/mod.rs",
            "// use crate::client;\n/* crate::ffi */ const S: &str = \"crate::ffi\";",
        ),
        (
            "types/mod.rs",
            "const S: &str = r#\"say \"crate::ffi::f\" aloud\"#; const Q: char = '\"';",
        ),
        ("types/mod.rs", "mod tests { use super::QoS; }"),
        (
            "codec/mod.rs",
            "#[cfg(test)]\n#[allow(unused)]\nmod tests { use crate::client; }",
        ),
        (
            "codec/mod.rs",
            "#[cfg(test)]\nuse crate::client;\nfn f<'a>(x: &'a u8) {}",
        ),
        ("lib.rs", "pub mod client; pub mod types;"),
    ];
    for (file, text) in allowed {
        let found = check(file, text, layer_violations);
        assert!(found.is_empty(), "{file}: {text}\n{found:?}");
    }
}

#[test]
fn checker_sees_a_crate_out_of_its_place() {
    let caught = [
        ("client/mod.rs", "use mio::Token;"),
        ("client/mod.rs", "use {std::io, mio::Token};"),
        ("session/mod.rs", "fn f() -> ::mio::Poll { todo!() }"),
        ("client/driver.rs", "fn f() { libc::send(); }"),
        ("transport/tcp.rs", "use libc;"),
        ("reactor/mod.rs", "extern crate libc;"),
        ("codec/mod.rs", "use socket2::Socket;"),
    ];
    for (file, text) in caught {
        let found = check(file, text, crate_violations);
        assert_eq!(found.len(), 1, "{file}: {text}\n{found:?}");
    }
    let allowed = [
        (
            "transport/tcp.rs",
            "use mio::net::TcpStream; use socket2::Socket;",
        ),
        (SOCKET_OPTIONS, "use libc::setsockopt;"),
        ("ffi/errno.rs", "fn f() { libc::abs(1); let x = self.mio; }"),
    ];
    for (file, text) in allowed {
        let found = check(file, text, crate_violations);
        assert!(found.is_empty(), "{file}: {text}\n{found:?}");
    }
}

#[test]
fn checker_sees_unsafe_code_out_of_its_place() {
    let text = "fn f() { unsafe { g() } }";
    assert_eq!(check("client/mod.rs", text, unsafe_violations).len(), 1);
    assert_eq!(check("transport/tcp.rs", text, unsafe_violations).len(), 1);
    assert!(check("ffi/mod.rs", text, unsafe_violations).is_empty());
    assert!(check(SOCKET_OPTIONS, text, unsafe_violations).is_empty());
    let harmless = "#![forbid(unsafe_code)] // unsafe\nconst S: &str = \"unsafe\";";
    assert!(check("client/mod.rs", harmless, unsafe_violations).is_empty());
}

#[test]
fn checker_sees_a_clock_socket_thread_or_chance_in_the_core() {
    let caught = [
        (
            "session/mod.rs",
            "use std::time::Instant; fn f() { Instant::now(); }",
        ),
        ("session/mod.rs", "fn f() { std::time::Instant::now(); }"),
        ("session/mod.rs", "fn f() { std::time::SystemTime::now(); }"),
        ("codec/mod.rs", "use std::{io, net::TcpStream};"),
        ("types/mod.rs", "use std::thread;"),
        ("session/mod.rs", "use std::os::fd::RawFd;"),
    ];
    for (file, text) in caught {
        let found = check(file, text, purity_violations);
        assert_eq!(found.len(), 1, "{file}: {text}\n{found:?}");
    }
    let allowed = [
        (
            "session/mod.rs",
            "use std::time::{Duration, Instant}; fn f(now: Instant) {}",
        ),
        (
            "client/mod.rs",
            "use std::net::TcpStream; fn f() { Instant::now(); }",
        ),
    ];
    for (file, text) in allowed {
        let found = check(file, text, purity_violations);
        assert!(found.is_empty(), "{file}: {text}\n{found:?}");
    }
}

/// What a checker sees of a file.
struct Source<'a> {
    file: &'a Path,
    tokens: &'a [Token],
    paths: &'a [NamedPath],
}

impl Source<'_> {
    fn layer(&self) -> Option<String> {
        module_of(self.file).first().cloned()
    }

    fn is_one_of(&self, places: &[&str]) -> bool {
        let layer = self.layer();
        places
            .iter()
            .any(|place| layer.as_deref() == Some(place) || self.file == Path::new(place))
    }

    fn violation(&self, line: usize, what: &str) -> String {
        format!("src/{}:{line}: {what}", self.file.display())
    }
}

type Checker = fn(&Source) -> Vec<String>;

fn check_all(checker: Checker) -> Vec<String> {
    let files = source::files();
    assert!(!files.is_empty(), "no sources were found");
    files
        .iter()
        .flat_map(|file| check(file.to_str().unwrap(), &source::text(file), checker))
        .collect()
}

fn check(file: &str, text: &str, checker: Checker) -> Vec<String> {
    let tokens = tokens(text);
    checker(&Source {
        file: Path::new(file),
        tokens: &tokens,
        paths: &paths(&tokens),
    })
}

fn layer_violations(source: &Source) -> Vec<String> {
    let Some(layer) = source.layer() else {
        return Vec::new(); // lib.rs: the modules meet here
    };
    let mut found = Vec::new();
    for path in source.paths {
        let mut module = module_of(source.file);
        module.extend(path.inside.iter().cloned());
        let Some(target) = layer_named(&module, &path.segments) else {
            continue;
        };
        if target != layer && !below(&layer).contains(&target.as_str()) {
            let what = format!("{layer} uses {target}: {}", path.segments.join("::"));
            found.push(source.violation(path.line, &what));
        }
    }
    found
}

/// The layer that a path names, seen from `module`; none if it leads out of the crate or
/// stays inside the module.
fn layer_named(module: &[String], segments: &[String]) -> Option<String> {
    if segments[0] == "crate" {
        return segments.get(1).cloned();
    }
    let ups = segments
        .iter()
        .take_while(|segment| *segment == "super")
        .count();
    if ups == 0 || ups < module.len() {
        return None;
    }
    segments.get(ups).cloned()
}

/// All layers that a layer stands on, directly or through others.
fn below(layer: &str) -> Vec<&'static str> {
    let mut found = vec!["error"];
    let mut open = vec![layer];
    while let Some(layer) = open.pop() {
        for (name, stands_on) in LAYERS {
            if *name == layer {
                for other in *stands_on {
                    if !found.contains(other) {
                        found.push(other);
                        open.push(other);
                    }
                }
            }
        }
    }
    found
}

fn crate_violations(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (name, places) in CRATES {
        if source.is_one_of(places) {
            continue;
        }
        for path in source.paths.iter().filter(|path| path.segments[0] == *name) {
            found.push(source.violation(path.line, &format!("{name} is used")));
        }
        for pair in source.tokens.windows(2) {
            if pair[0].text == "crate" && pair[1].text == *name {
                found.push(source.violation(pair[1].line, &format!("{name} is used")));
            }
        }
    }
    found
}

fn unsafe_violations(source: &Source) -> Vec<String> {
    if source.is_one_of(&["ffi", SOCKET_OPTIONS]) {
        return Vec::new();
    }
    source
        .tokens
        .iter()
        .filter(|token| token.text == "unsafe")
        .map(|token| source.violation(token.line, "unsafe code"))
        .collect()
}

fn purity_violations(source: &Source) -> Vec<String> {
    if !source.is_one_of(CORE) {
        return Vec::new();
    }
    source
        .paths
        .iter()
        .filter(|path| {
            let named = |start: &[&str]| {
                path.segments.len() >= start.len()
                    && start.iter().zip(&path.segments).all(|(a, b)| a == b)
            };
            let reads_clock = path.segments.ends_with(&["Instant".into(), "now".into()]);
            reads_clock || IMPURE.iter().any(|start| named(start))
        })
        .map(|path| source.violation(path.line, &path.segments.join("::")))
        .collect()
}
