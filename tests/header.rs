//! The C headers: made from the sources, compared with the committed ones, compiled as C and
//! C++, and compared with the tables of libmosquitto's interface.
//!
//! `MQTTRS_UPDATE_HEADERS=1` writes the headers instead of comparing them.

#[path = "header/compiler.rs"]
mod compiler;
#[path = "header/generate.rs"]
mod generate;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Once;

use compiler::{compile, C11, C99, CXX17};

const FUNCTIONS: &str = include_str!("data/libmosquitto-functions.tsv");
const CONSTANTS: &str = include_str!("data/libmosquitto-constants.tsv");

#[test]
fn committed_headers_are_those_of_the_sources() {
    let include = include_dir();
    let headers = generate::headers();
    for (name, text) in &headers {
        let committed = fs::read_to_string(include.join(name)).unwrap_or_default();
        assert!(
            committed == *text,
            "include/{name} is not what the sources say: run `make headers`\n{}",
            first_difference(&committed, text)
        );
    }
    let committed: BTreeSet<String> = header_names().into_iter().collect();
    let generated: BTreeSet<String> = headers.into_keys().collect();
    let foreign: Vec<_> = committed.difference(&generated).collect();
    assert!(foreign.is_empty(), "nothing makes {foreign:?}");
}

#[test]
fn each_header_compiles_alone_and_twice() {
    for name in header_names() {
        let program = format!("#include <{name}>\n#include <{name}>\nint unused;\n");
        for language in [C99, C11, CXX17] {
            compile(language, &program, &name);
        }
    }
}

#[test]
fn headers_compile_in_every_order() {
    let headers = [
        "mosquitto.h",
        "mqtt_protocol.h",
        "mqttrs.h",
        "mosquitto/libmosquitto.h",
    ];
    for language in [C99, C11, CXX17] {
        for order in permutations(&headers) {
            let includes: Vec<_> = order
                .iter()
                .map(|name| format!("#include <{name}>"))
                .collect();
            let program = includes.join("\n") + "\nint unused;\n";
            compile(language, &program, &order.join(", "));
        }
    }
}

#[test]
fn constants_have_libmosquittos_values() {
    let rows = table(CONSTANTS);
    assert!(rows.len() > 200, "{}", rows.len());
    let mut c = INCLUDES.to_owned();
    let mut cxx = INCLUDES.to_owned() + "#include <type_traits>\n";
    for [kind, name, value] in rows {
        let check = format!("({name} == {value}LL, \"{name}\");\n");
        let _ = write!(c, "_Static_assert{check}");
        let _ = write!(cxx, "static_assert{check}");
        if kind == "define" {
            let _ = write!(c, "#ifndef {name}\n#error {name} is no macro\n#endif\n");
        } else {
            // C++ takes no number for an enum: the constant has to be the enum's own.
            let check = format!("(std::is_same<decltype({name}), {kind}>::value, \"{name}\");\n");
            let _ = write!(cxx, "static_assert{check}");
        }
    }
    compile(C11, &c, "constants");
    compile(CXX17, &cxx, "constants");
}

#[test]
fn functions_are_declared_with_libmosquittos_prototypes() {
    let rows = table(FUNCTIONS);
    assert_eq!(rows.len(), 126);
    let mut c = INCLUDES.to_owned();
    for [_, name, prototype] in rows {
        let pointer = prototype.replacen(&format!("{name}("), &format!("(*check_{name})("), 1);
        assert_ne!(pointer, prototype, "{name}");
        let _ = writeln!(c, "extern {pointer};\n{pointer} = {name};");
    }
    compile(C99, &c, "prototypes");
    // C++ compares pointer types exactly, and knows _Bool by its own name only.
    compile(CXX17, &c.replace("_Bool", "bool"), "prototypes");
}

#[test]
fn structures_have_libmosquittos_layout() {
    compile(C11, include_str!("header/layout.c"), "layout.c");
}

#[test]
fn callback_types_are_libmosquittos() {
    compile(C99, include_str!("header/callbacks.c"), "callbacks.c");
    compile(CXX17, include_str!("header/callbacks.c"), "callbacks.c");
}

#[test]
fn macros_do_what_programs_expect() {
    compile(C11, include_str!("header/macros.c"), "macros.c");
}

#[test]
fn program_written_for_libmosquitto_compiles() {
    for language in [C99, C11] {
        compile(language, include_str!("header/program.c"), "program.c");
    }
    compile(CXX17, include_str!("header/program.cpp"), "program.cpp");
}

#[test]
fn wrong_program_does_not_compile() {
    // Without this the tests above would pass with a compiler that accepts everything.
    for (language, program) in [
        (
            C11,
            "#include <mosquitto.h>\n_Static_assert(MOSQ_ERR_INVAL == 4, \"\");\n",
        ),
        (
            C99,
            "#include <mosquitto.h>\nint (*f)(int) = mosquitto_lib_init;\n",
        ),
        (CXX17, "#include <mosquitto.h>\nmosq_err_t e = 3;\n"),
        (
            C99,
            "#include <mosquitto.h>\nint (*f)(void) = mosquitto_unheard_of;\n",
        ),
    ] {
        assert!(
            compiler::try_compile(language, program).is_err(),
            "{program}"
        );
    }
}

const INCLUDES: &str = "#include <mosquitto.h>\n#include <mqtt_protocol.h>\n";

/// The folder of the headers, which are written first where that is asked for.
fn include_dir() -> PathBuf {
    static UPDATE: Once = Once::new();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    UPDATE.call_once(|| {
        if std::env::var_os("MQTTRS_UPDATE_HEADERS").is_some_and(|value| value == "1") {
            for (name, text) in generate::headers() {
                let path = include.join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("folder is made");
                fs::write(path, text).expect("header is written");
            }
        }
    });
    include
}

/// Every committed header, relative to include/.
fn header_names() -> Vec<String> {
    fn collect(dir: &Path, prefix: &str, names: &mut Vec<String>) {
        for entry in fs::read_dir(dir).expect("include/ is readable") {
            let entry = entry.expect("include/ is readable");
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                collect(&entry.path(), &format!("{name}/"), names);
            } else if name.ends_with(".h") {
                names.push(name);
            }
        }
    }
    let mut names = Vec::new();
    collect(&include_dir(), "", &mut names);
    names.sort();
    assert!(names.contains(&"mosquitto.h".to_owned()), "{names:?}");
    names
}

/// The rows of a table with three columns, without its heading.
fn table(text: &'static str) -> Vec<[&'static str; 3]> {
    let columns = |line: &'static str| line.split('\t').collect::<Vec<_>>();
    let rows = text.lines().skip(1).map(columns);
    rows.map(|row| row.try_into().expect("three columns"))
        .collect()
}

fn permutations<'a>(items: &[&'a str]) -> Vec<Vec<&'a str>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (index, first) in items.iter().enumerate() {
        let rest: Vec<_> = items
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != index)
            .collect();
        let rest: Vec<_> = rest.into_iter().map(|(_, item)| *item).collect();
        for mut order in permutations(&rest) {
            order.insert(0, first);
            all.push(order);
        }
    }
    all
}

fn first_difference(old: &str, new: &str) -> String {
    let lines = old.lines().map(Some).chain(std::iter::repeat(None));
    let different = new
        .lines()
        .zip(lines)
        .enumerate()
        .find(|(_, (new, old))| Some(*new) != *old);
    match different {
        Some((index, (new, old))) => {
            format!("line {}:\n-{}\n+{new}", index + 1, old.unwrap_or_default())
        }
        None => "the committed one is longer".to_owned(),
    }
}

/// Header name to its text.
type Headers = BTreeMap<String, String>;
