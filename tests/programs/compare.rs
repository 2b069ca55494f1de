//! What a program did on one library against what it did on the other.

use crate::library::Library;
use crate::run::{self, Outcome, Ran};
use crate::script::{End, Script};

/// Runs a case on both libraries and panics with all that differs.
pub(crate) fn check(text: &str) {
    let problems = problems(text, &Library::ours());
    assert!(problems.is_empty(), "{text}\n\n{}", problems.join("\n"));
}

/// All that differs between Debian's library and this one.
pub(crate) fn problems(text: &str, library: &Library) -> Vec<String> {
    let script = Script::parse(text);
    let debian = run::run(&script, &Library::Debian);
    let ours = run::run(&script, library);
    let mut problems = Vec::new();
    for (name, ran) in [(Library::Debian.name(), &debian), (library.name(), &ours)] {
        let file = |name: &str| std::fs::read(ran.dir.file(name)).expect("a file of the case");
        let unmet = unmet(&script, &ran.outcomes, file);
        problems.extend(unmet.iter().map(|unmet| format!("on {name}: {unmet}")));
    }
    problems.extend(differences(&script, &debian, &ours));
    problems
}

/// All that the case says of itself and that `outcomes` do not show.
pub(crate) fn unmet(
    script: &Script,
    outcomes: &[Outcome],
    file: impl Fn(&str) -> Vec<u8>,
) -> Vec<String> {
    let mut unmet: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.ended_as_expected())
        .map(|outcome| {
            format!(
                "{}: expected {:?}, but {}\n  stdout: {}\n  stderr: {}",
                outcome.command,
                outcome.expected,
                outcome.end(),
                excerpt(&outcome.stdout),
                excerpt(&outcome.stderr)
            )
        })
        .collect();
    for text in &script.sees {
        let seen = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(text.as_str());
        if !outcomes.iter().any(|o| seen(&o.stdout) || seen(&o.stderr)) {
            unmet.push(format!("no program printed {text:?}"));
        }
    }
    for name in &script.gets {
        let content = file(name);
        if !outcomes.iter().any(|o| o.stdout == content) {
            unmet.push(format!("no program printed the file {name}, and only it"));
        }
    }
    unmet
}

/// The differences between two runs of one case; none is what we want.
pub(crate) fn differences(script: &Script, debian: &Ran, ours: &Ran) -> Vec<String> {
    assert_eq!(debian.outcomes.len(), ours.outcomes.len(), "one script");
    let mut differences = Vec::new();
    let mut differ = |of: &str, what: &str, on_debian: String, on_ours: String| {
        if on_debian != on_ours {
            differences.push(format!(
                "{of}: {what} differs\n{}",
                first_difference(&on_debian, &on_ours)
            ));
        }
    };
    for (on_debian, on_ours) in debian.outcomes.iter().zip(&ours.outcomes) {
        let of = &on_ours.command;
        // Where Debian's library takes one of two ways by chance, the end was judged alone.
        let by_chance = matches!(on_ours.expected, End::Either(_));
        if !by_chance {
            differ(of, "end", on_debian.end(), on_ours.end());
        }
        let output = |stream: fn(&Outcome) -> &[u8]| {
            (
                comparable(script, debian, stream(on_debian)),
                comparable(script, ours, stream(on_ours)),
            )
        };
        let (on_debian, on_ours) = output(|outcome| &outcome.stdout);
        differ(of, "stdout", on_debian, on_ours);
        let (on_debian, on_ours) = output(|outcome| &outcome.stderr);
        if !by_chance {
            differ(of, "stderr", on_debian, on_ours);
        }
    }
    let requests = |ran: &Ran| {
        let masked = mask_generated(&ran.requests);
        mask_pids(script, ran, masked)
    };
    let (on_debian, on_ours) = (requests(debian), requests(ours));
    differ("the broker", "what it saw", on_debian, on_ours);
    differences
}

/// Output with everything taken out that differs between any two runs.
fn comparable(script: &Script, ran: &Ran, output: &[u8]) -> String {
    // Bytes that are not UTF-8 stay apart from each other.
    let mut text: String = match std::str::from_utf8(output) {
        Ok(text) => text.to_owned(),
        Err(_) => output.escape_ascii().to_string(),
    };
    text = text.replace(&ran.dir.path().display().to_string(), "<dir>");
    text = mask_pids(script, ran, text);
    text = mask_version(&text);
    text = mask_generated(&text);
    if script.mask_digits {
        text = mask_digits(&text);
    }
    if script.sorted {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines.sort_unstable();
        text = lines.concat();
    }
    text
}

fn mask_pids(script: &Script, ran: &Ran, mut text: String) -> String {
    if script.mask_pid {
        for outcome in &ran.outcomes {
            text = text.replace(&outcome.pid.to_string(), "<pid>");
        }
    }
    text
}

/// Client identifiers that the library (`mosq-`) or the broker (`auto-`) made up.
fn mask_generated(text: &str) -> String {
    let text = mask_after(text, "mosq-", 18, |c| c.is_ascii_alphanumeric());
    mask_after(&text, "auto-", 36, |c| c.is_ascii_hexdigit() || c == '-')
}

/// Replaces the generated part, `length` characters that are `part`, of
/// identifiers that begin with `prefix`.
fn mask_after(text: &str, prefix: &str, length: usize, part: impl Fn(char) -> bool) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(prefix) {
        let (before, after) = rest.split_at(at + prefix.len());
        masked.push_str(before);
        rest = after;
        if rest.chars().take_while(|&c| part(c)).count() == length {
            masked.push_str("<generated>");
            rest = &rest[length..];
        }
    }
    masked + rest
}

/// The programs say on which library they run; ours is another version.
fn mask_version(text: &str) -> String {
    const BEFORE: &str = "running on libmosquitto ";
    text.split_inclusive('\n')
        .map(|line| match line.find(BEFORE) {
            Some(at) => format!("{}{BEFORE}<version>\n", &line[..at]),
            None => line.to_owned(),
        })
        .collect()
}

fn mask_digits(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            masked.push(c);
        } else if !masked.ends_with('#') {
            masked.push('#');
        }
    }
    masked
}

/// The first lines that differ, with some that do not before them.
fn first_difference(debian: &str, ours: &str) -> String {
    let at = debian
        .lines()
        .zip(ours.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let part = |text: &str| -> String {
        let lines = text.lines().skip(at.saturating_sub(3)).take(12);
        lines
            .map(|line| format!("    | {}\n", excerpt(line.as_bytes())))
            .collect()
    };
    format!(
        "  from line {} on, Debian's:\n{}  ours:\n{}",
        at.saturating_sub(3) + 1,
        part(debian),
        part(ours)
    )
}

/// The beginning of an output, on one line.
fn excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut text: String = text.escape_debug().take(400).collect();
    if bytes.len() > 400 {
        text.push_str(&format!("... ({} bytes)", bytes.len()));
    }
    text
}

#[test]
fn generated_client_identifiers_are_masked_and_chosen_ones_are_not() {
    assert_eq!(
        mask_after("Client mosq-0123456789abcdefGH up", "mosq-", 18, |c| {
            c.is_ascii_alphanumeric()
        }),
        "Client mosq-<generated> up"
    );
    assert_eq!(
        mask_after("mosq-mine mosq-", "mosq-", 18, |c| c
            .is_ascii_alphanumeric()),
        "mosq-mine mosq-"
    );
}

#[test]
fn the_version_of_the_library_is_masked_and_nothing_else_of_its_line() {
    assert_eq!(
        mask_version("a\nx version 2.0.11 running on libmosquitto 2.0.11.\nb"),
        "a\nx version 2.0.11 running on libmosquitto <version>\nb"
    );
}

#[test]
fn runs_of_digits_are_masked_whatever_their_length() {
    assert_eq!(mask_digits("a12b3 4567"), "a#b# #");
}
