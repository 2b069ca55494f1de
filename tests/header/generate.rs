//! Makes the headers from the sources.

use std::fs;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config};

use crate::Headers;

/// Every header in include/.
pub fn headers() -> Headers {
    // Each item of the C API belongs to one of three headers, by the file it is in.
    let protocol_file = ffi_dir().join("constants/mqtt_protocol.rs");
    let (own_files, files): (Vec<_>, Vec<_>) =
        sources().into_iter().partition(|path| is_our_own(path));
    let protocol = items(std::slice::from_ref(&protocol_file));
    let own = items(&own_files);
    let libmosquitto: Vec<_> = items(&files)
        .into_iter()
        .filter(|name| !protocol.contains(name))
        .collect();
    assert!(protocol.len() > 20 && libmosquitto.len() > 150);

    let all = ffi_dir().join("mod.rs");
    let mut headers = Headers::new();
    let text = Header {
        guard: "MQTT_PROTOCOL_H",
        start: PROTOCOL_START,
        end: PROTOCOL_END,
        include: protocol.clone(),
        exclude: Vec::new(),
    }
    .generate(&protocol_file);
    headers.insert("mqtt_protocol.h".to_owned(), text);
    let text = Header {
        guard: "MOSQUITTO_H",
        start: MOSQUITTO_START,
        end: "",
        include: Vec::new(),
        exclude: [protocol.clone(), own].concat(),
    }
    .generate(&all);
    headers.insert("mosquitto.h".to_owned(), text);
    let text = Header {
        guard: "MQTTRS_H",
        start: &own_start(),
        end: "",
        include: Vec::new(),
        exclude: [protocol, libmosquitto].concat(),
    }
    .generate(&all);
    headers.insert("mqttrs.h".to_owned(), text);

    for name in PARTS {
        let (target, what) = match *name {
            "mqtt_protocol" => ("mqtt_protocol.h", "mqtt_protocol.h"),
            _ => ("mosquitto.h", "all of libmosquitto's interface"),
        };
        let text = format!(
            "/* {FIRST_LINE}\n * libmosquitto has a part of its interface here; this is {what}. */\n\
             #include \"../{target}\"\n"
        );
        headers.insert(format!("mosquitto/{name}.h"), text);
    }
    headers
}

/// The headers libmosquitto 2.1 divides its interface into.
const PARTS: &[&str] = &[
    "defs",
    "libcommon",
    "libcommon_properties",
    "libcommon_string",
    "libcommon_topic",
    "libcommon_utf8",
    "libmosquitto",
    "libmosquitto_auth",
    "libmosquitto_callbacks",
    "libmosquitto_connect",
    "libmosquitto_create_delete",
    "libmosquitto_helpers",
    "libmosquitto_loop",
    "libmosquitto_message",
    "libmosquitto_options",
    "libmosquitto_publish",
    "libmosquitto_socks",
    "libmosquitto_subscribe",
    "libmosquitto_tls",
    "libmosquitto_unsubscribe",
    "libmosquitto_will",
    "mqtt_protocol",
];

const FIRST_LINE: &str =
    "Part of mqttrs, an MQTT client library. SPDX-License-Identifier: MIT OR Apache-2.0";

const MOSQUITTO_START: &str = r#"
#include <stddef.h>
#include <stdint.h>
#ifndef __cplusplus
#include <stdbool.h>
#endif

#include "mqtt_protocol.h"

/* Programs and headers written for libmosquitto may use these; here they say nothing. */
#ifndef libmosq_EXPORT
#define libmosq_EXPORT
#endif
#ifndef libcommon_EXPORT
#define libcommon_EXPORT
#endif
#ifndef mosq_EXPORT
#define mosq_EXPORT
#endif

/* A property list is the pointer to its first property; NULL is the empty list. */
struct mqtt5__property;
typedef struct mqtt5__property mosquitto_property;
"#;

const PROTOCOL_START: &str = r#"
/* The protocol names that CONNECT begins with. */
#define PROTOCOL_NAME_v31 "MQIsdp"
#define PROTOCOL_NAME "MQTT"
"#;

const PROTOCOL_END: &str = r#"
/* Reason code 0 under its other names. */
#define MQTT_RC_NORMAL_DISCONNECTION MQTT_RC_SUCCESS
#define MQTT_RC_GRANTED_QOS0 MQTT_RC_SUCCESS

/* The fields of subscription options. */
#define MQTT_SUB_OPT_GET_QOS(options) ((options) & 0x03)
#define MQTT_SUB_OPT_GET_NO_LOCAL(options) ((options) & MQTT_SUB_OPT_NO_LOCAL)
#define MQTT_SUB_OPT_GET_RETAIN_AS_PUBLISHED(options) \
    ((options) & MQTT_SUB_OPT_RETAIN_AS_PUBLISHED)
#define MQTT_SUB_OPT_GET_SEND_RETAIN(options) \
    ((options) & (MQTT_SUB_OPT_SEND_RETAIN_NEW | MQTT_SUB_OPT_SEND_RETAIN_NEVER))
#define MQTT_SUB_OPT_SET(options, value) ((options) |= (value))
#define MQTT_SUB_OPT_CLEAR(options, value) ((options) &= ~(value))
#define MQTT_SUB_OPT_SET_QOS(options, value) ((options) = ((options) & ~0x03) | ((value) & 0x03))
#define MQTT_SUB_OPT_SET_NO_LOCAL(options, value) \
    ((options) = ((options) & ~0x04) | ((value) ? 0x04 : 0))
#define MQTT_SUB_OPT_SET_RETAIN_AS_PUBLISHED(options, value) \
    ((options) = ((options) & ~0x08) | ((value) ? 0x08 : 0))
#define MQTT_SUB_OPT_SET_SEND_RETAIN(options, value) \
    ((options) = ((options) & ~0x30) | ((value) & 0x30))
"#;

/// `mqttrs.h` has the library's own version: that in `mosquitto.h` is libmosquitto's.
fn own_start() -> String {
    let [major, minor, revision] = [
        env!("CARGO_PKG_VERSION_MAJOR"),
        env!("CARGO_PKG_VERSION_MINOR"),
        env!("CARGO_PKG_VERSION_PATCH"),
    ];
    format!(
        r#"
#include "mosquitto.h"

/* The version of this library; that in mosquitto.h is the version of libmosquitto whose
 * interface it has. */
#define MQTTRS_VERSION_MAJOR {major}
#define MQTTRS_VERSION_MINOR {minor}
#define MQTTRS_VERSION_REVISION {revision}
/* As LIBMOSQUITTO_VERSION_NUMBER: 1002003 for 1.2.3. */
#define MQTTRS_VERSION_NUMBER \
    (MQTTRS_VERSION_MAJOR * 1000000 + MQTTRS_VERSION_MINOR * 1000 + MQTTRS_VERSION_REVISION)
"#
    )
}

/// The files of the C API, in the order of their names.
fn sources() -> Vec<PathBuf> {
    fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("src/ffi is readable") {
            let path = entry.expect("src/ffi is readable").path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(&ffi_dir(), &mut files);
    files.sort_by_key(|path| path.with_extension(""));
    files
}

/// Whether a file declares what libmosquitto does not have: `mqttrs.rs` and files in `mqttrs/`.
fn is_our_own(path: &Path) -> bool {
    path.strip_prefix(ffi_dir())
        .is_ok_and(|path| path.starts_with("mqttrs") || path == Path::new("mqttrs.rs"))
}

fn ffi_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi")
}

/// The names of the public items in these files that a header can have.
fn items(files: &[PathBuf]) -> Vec<String> {
    let mut names = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).expect("src/ffi is readable");
        names.extend(text.lines().filter_map(item).map(str::to_owned));
    }
    names
}

/// The name of the item that a line begins, which is at the start of a line as rustfmt has it.
fn item(line: &str) -> Option<&str> {
    let declaration = [
        "pub const ",
        "pub enum ",
        "pub struct ",
        "pub union ",
        "pub type ",
        "pub unsafe extern \"C\" fn ",
        "pub extern \"C\" fn ",
    ]
    .iter()
    .find_map(|start| line.strip_prefix(start))?;
    declaration
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

/// What differs between headers.
struct Header<'a> {
    guard: &'static str,
    /// What stands before the items.
    start: &'a str,
    /// What stands behind them.
    end: &'static str,
    /// Items that no function needs.
    include: Vec<String>,
    /// Items that are another header's.
    exclude: Vec<String>,
}

impl Header<'_> {
    /// The header for the items in `source` and its modules.
    fn generate(self, source: &Path) -> String {
        let toml = Path::new(env!("CARGO_MANIFEST_DIR")).join("cbindgen.toml");
        let mut config = Config::from_file(toml).expect("cbindgen.toml is good");
        config.include_guard = Some(self.guard.to_owned());
        config.header = Some(format!(
            "/* {FIRST_LINE}\n * Made from the sources in src/ffi by `make headers`: not to be edited. */"
        ));
        config.after_includes = Some(self.start.trim_matches('\n').to_owned());
        config.export.include.extend(self.include);
        // Of a structure that another header declares, C wants to hear that it is one.
        const TAGGED: [&str; 2] = ["mosquitto", "mosquitto_message"];
        let foreign = self.exclude.iter();
        let foreign = foreign.filter(|name| TAGGED.contains(&name.as_str()));
        let tagged = foreign.map(|name| (name.clone(), format!("struct {name}")));
        config.export.rename.extend(tagged);
        config.export.exclude.extend(self.exclude);
        let mut text = Vec::new();
        let builder = Builder::new().with_config(config).with_src(source);
        builder
            .generate()
            .expect("the sources are good")
            .write(&mut text);
        let text = String::from_utf8(text).expect("the sources are UTF-8");
        // What Rust calls safety is what C calls the contract.
        let text = text.replace(" * # Safety\n", " * The caller promises:\n");
        if self.end.is_empty() {
            return text;
        }
        let at = text.rfind("#endif").expect("an include guard");
        let (start, guard) = text.split_at(at);
        format!("{}\n{}\n{guard}", start.trim_end_matches('\n'), self.end)
    }
}
