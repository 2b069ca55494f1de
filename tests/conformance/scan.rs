//! Reads the sources of tests: which tests there are, and which `proves!` they have.
//!
//! The sources are formatted by rustfmt, which makes reading them line by line enough.

use std::fmt;

/// A function with `#[test]`.
#[derive(Debug, PartialEq, Eq)]
pub struct Test {
    pub file: String,
    /// With the modules it is in.
    pub name: String,
    /// It is not `#[ignore]`d.
    pub runs: bool,
}

/// A `proves!`.
#[derive(Debug, PartialEq, Eq)]
pub struct Proof {
    /// `3.1.1` or `5.0`.
    pub version: String,
    pub id: String,
    pub condition: String,
    pub file: String,
    /// The function it stands in, with its modules.
    pub test: String,
    pub line: usize,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Proof {
            file,
            line,
            test,
            version,
            id,
            ..
        } = self;
        write!(f, "tests/{file}.rs:{line}: {test}: {version} {id}")
    }
}

/// What encloses a line.
struct Scope {
    indent: usize,
    name: String,
}

/// The tests and proofs of one source file.
pub fn scan(file: &str, source: &str) -> (Vec<Test>, Vec<Proof>) {
    let (mut tests, mut proofs) = (Vec::new(), Vec::new());
    let mut scopes: Vec<Scope> = Vec::new();
    let mut attributes = String::new();
    let lines: Vec<_> = source.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if text.is_empty() || text.starts_with("//") {
            continue;
        }
        while scopes
            .last()
            .is_some_and(|scope| text.starts_with('}') && indent <= scope.indent)
        {
            scopes.pop();
        }
        if text.starts_with("#[") {
            attributes += text;
            continue;
        }
        if let Some(name) = opened(text) {
            scopes.push(Scope {
                indent,
                name: name.into(),
            });
            if attributes.contains("#[test]") {
                tests.push(Test {
                    file: file.into(),
                    name: path(&scopes),
                    runs: !attributes.contains("#[ignore") && !attributes.contains("cfg"),
                });
            }
        }
        attributes.clear();
        if let Some(at) = text.find("proves!(") {
            let call = text[at + "proves!(".len()..].to_owned() + &lines[index + 1..].join(" ");
            let (version, id, condition) = arguments(&call)
                .unwrap_or_else(|| panic!("{file}.rs:{}: not readable: {text}", index + 1));
            proofs.push(Proof {
                version,
                id,
                condition,
                file: file.into(),
                test: path(&scopes),
                line: index + 1,
            });
        }
    }
    (tests, proofs)
}

/// The name of the function or module that begins on this line.
fn opened(text: &str) -> Option<&str> {
    let text = ["pub(crate) ", "pub(super) ", "pub "]
        .iter()
        .find_map(|start| text.strip_prefix(start))
        .unwrap_or(text);
    let text = ["unsafe ", "const ", "extern \"C\" "]
        .iter()
        .fold(text, |text, start| text.strip_prefix(start).unwrap_or(text));
    let name = match text.strip_prefix("fn ") {
        Some(name) => name,
        // `mod x;` encloses nothing.
        None => text.strip_prefix("mod ").filter(|_| text.ends_with('{'))?,
    };
    name.split(|c: char| !c.is_alphanumeric() && c != '_')
        .next()
}

fn path(scopes: &[Scope]) -> String {
    let names: Vec<_> = scopes.iter().map(|scope| &*scope.name).collect();
    names.join("::")
}

/// Version, identifier and the beginning of the condition.
fn arguments(call: &str) -> Option<(String, String, String)> {
    let (version, rest) = call.trim_start().split_once(',')?;
    let version = match version.trim() {
        "V311" => "3.1.1",
        "V5" => "5.0",
        _ => return None,
    };
    let (id, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    let condition = rest.trim_start_matches(',').trim_start();
    let end = condition.find([',', ';']).unwrap_or(condition.len());
    let condition = condition[..end].trim().trim_end_matches(')').trim();
    Some((version.into(), id.into(), condition.into()))
}

#[test]
fn proofs_are_found_in_their_tests() {
    let source = r#"
mod support;

fn helper() {
    let x = || {
        1
    };
    proves!(V5, "MQTT-9.9.9-1", x());
}

#[test]
fn short() {
    // proves!(V5, "MQTT-0.0.0-0", false);
    proves!(V311, "MQTT-1.1.1-1", a == b, "{}", 1);
    for x in y {
        proves!(V5, "MQTT-1.1.1-2", true);
    }
}

mod inner {
    #[test]
    #[ignore]
    fn long() {
        proves!(
            V5,
            "MQTT-2.2.2-2",
            condition(1),
            "text"
        );
    }
}
"#;
    let (tests, proofs) = scan("some", source);
    let tests: Vec<_> = tests.iter().map(|t| (&*t.name, t.runs)).collect();
    assert_eq!(tests, [("short", true), ("inner::long", false)]);
    let proofs: Vec<_> = proofs
        .iter()
        .map(|p| (&*p.version, &*p.id, &*p.test, &*p.condition, p.line))
        .collect();
    assert_eq!(
        proofs,
        [
            ("5.0", "MQTT-9.9.9-1", "helper", "x(", 8),
            ("3.1.1", "MQTT-1.1.1-1", "short", "a == b", 14),
            ("5.0", "MQTT-1.1.1-2", "short", "true", 16),
            ("5.0", "MQTT-2.2.2-2", "inner::long", "condition(1", 24),
        ]
    );
}
