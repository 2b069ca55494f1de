//! The C and C++ compilers, with all warnings as errors.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// A language and its standard.
#[derive(Clone, Copy)]
pub struct Language {
    variable: &'static str,
    default: &'static str,
    name: &'static str,
    standard: &'static str,
}

pub const C99: Language = c("-std=c99");
pub const C11: Language = c("-std=c11");
pub const CXX17: Language = Language {
    variable: "CXX",
    default: "c++",
    name: "c++",
    standard: "-std=c++17",
};

const fn c(standard: &'static str) -> Language {
    Language {
        variable: "CC",
        default: "cc",
        name: "c",
        standard,
    }
}

/// Compiles a program that includes our headers; what the compiler says is the panic's message.
pub fn compile(language: Language, program: &str, what: &str) {
    if let Err(messages) = try_compile(language, program) {
        panic!(
            "{what} as {} {}:\n{messages}",
            language.name, language.standard
        );
    }
}

/// Compiles a program that includes our headers; the error is what the compiler says.
pub fn try_compile(language: Language, program: &str) -> Result<(), String> {
    let compiler = std::env::var(language.variable).unwrap_or_else(|_| language.default.to_owned());
    let mut words = compiler.split_whitespace();
    let mut child = Command::new(words.next().unwrap_or(language.default))
        .args(words)
        .args(["-x", language.name, language.standard])
        .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"])
        .arg("-I")
        .arg(crate::include_dir())
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{compiler}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    stdin
        .write_all(program.as_bytes())
        .expect("the compiler reads all of its input");
    drop(stdin);
    let output = child.wait_with_output().expect("the compiler ends");
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}
