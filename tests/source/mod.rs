//! Reads Rust sources for the tests that guard the crate's structure: tokens without
//! comments, without test modules, and the paths named among them.

#![allow(dead_code)] // each test that includes this module uses its own part of it

use std::fs;
use std::path::{Path, PathBuf};

/// One token and the line it begins in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path as it is written, `use` groups spread out: `use a::{b, c::d}` gives `a::b` and
/// `a::c::d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPath {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Names of the inline modules around it, outermost first.
    pub(crate) inside: Vec<String>,
}

/// All `.rs` files of the crate, relative to `src`, sorted.
pub(crate) fn files() -> Vec<PathBuf> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path.strip_prefix(&root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// The text of one of [`files`].
pub(crate) fn text(file: &Path) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The module that a file, named relative to `src`, makes: `a/b.rs` and `a/b/mod.rs` are
/// both `a::b`, and `lib.rs` is the empty path.
pub(crate) fn module_of(file: &Path) -> Vec<String> {
    let mut module: Vec<String> = file
        .with_extension("")
        .iter()
        .map(|part| part.to_str().unwrap().to_owned())
        .collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

/// The tokens of a source text: no comments, no items under `#[cfg(test)]`.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    without_tests(&split(source))
}

/// Every path in the tokens that has at least two segments or is imported by `use`.
pub(crate) fn paths(tokens: &[Token]) -> Vec<NamedPath> {
    let mut found = Vec::new();
    let mut modules: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let inside = || modules.iter().map(|(name, _)| name.clone()).collect();
        match tokens[at].text.as_str() {
            "{" => depth += 1,
            "}" => {
                if modules.last().is_some_and(|(_, opened)| *opened == depth) {
                    modules.pop();
                }
                depth -= 1;
            }
            "mod" if text_at(tokens, at + 2) == "{" => {
                modules.push((tokens[at + 1].text.clone(), depth + 1));
            }
            // `impl Trait + use<'a>` is no import.
            "use" if text_at(tokens, at + 1) != "<" => {
                let mut imported = Vec::new();
                at = use_tree(tokens, at + 1, &[], &mut imported);
                found.extend(imported.into_iter().map(|(segments, line)| NamedPath {
                    segments,
                    line,
                    inside: inside(),
                }));
                continue;
            }
            _ if is_name(&tokens[at].text) && !follows_path(tokens, at) => {
                let line = tokens[at].line;
                let mut segments = vec![tokens[at].text.clone()];
                while text_at(tokens, at + 1) == "::" && is_name(text_at(tokens, at + 2)) {
                    segments.push(tokens[at + 2].text.clone());
                    at += 2;
                }
                if segments.len() > 1 {
                    found.push(NamedPath {
                        segments,
                        line,
                        inside: inside(),
                    });
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Index of the token that closes the bracket at `open`.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    panic!("line {}: bracket is never closed", tokens[open].line);
}

/// The text at an index, or nothing past the end.
pub(crate) fn text_at(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| &token.text)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Whether the token continues something: a later segment, a field, a method. A leading
/// `::` begins a path.
fn follows_path(tokens: &[Token], at: usize) -> bool {
    match at.checked_sub(1).map(|before| text_at(tokens, before)) {
        Some(".") => true,
        Some("::") => {
            at >= 2 && (is_name(text_at(tokens, at - 2)) || text_at(tokens, at - 2) == ">")
        }
        _ => false,
    }
}

/// Reads one `use` tree and returns the index after it.
fn use_tree(
    tokens: &[Token],
    mut at: usize,
    prefix: &[String],
    found: &mut Vec<(Vec<String>, usize)>,
) -> usize {
    let mut segments = prefix.to_vec();
    let line = tokens[at].line;
    loop {
        match text_at(tokens, at) {
            "::" => at += 1,
            "{" => {
                let end = closing(tokens, at);
                at += 1;
                while at < end {
                    if text_at(tokens, at) == "," {
                        at += 1;
                    } else {
                        at = use_tree(tokens, at, &segments, found);
                    }
                }
                return end + 1;
            }
            "as" => at += 2,
            name if is_name(name) || name == "*" => {
                segments.push(name.to_owned());
                at += 1;
            }
            _ => break,
        }
    }
    if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
        segments.pop();
    }
    found.push((segments, line));
    at
}

/// Leaves out each item that stands under `#[cfg(test)]`, the attribute included.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const CFG_TEST: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !(0..CFG_TEST.len()).all(|i| text_at(tokens, at + i) == CFG_TEST[i]) {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += CFG_TEST.len();
        while text_at(tokens, at) == "#" {
            at = closing(tokens, at + 1) + 1;
        }
        // The item ends with its braces or, where it has none, with its semicolon.
        loop {
            match text_at(tokens, at) {
                "" => break,
                ";" => {
                    at += 1;
                    break;
                }
                "{" => {
                    at = closing(tokens, at) + 1;
                    break;
                }
                "(" | "[" => at = closing(tokens, at) + 1,
                _ => at += 1,
            }
        }
    }
    kept
}

/// Splits a source text into tokens; comments vanish, a string literal is one token that
/// begins with its quote.
fn split(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let begins = |text: &str| {
            text.chars()
                .enumerate()
                .all(|(i, c)| rest.get(i) == Some(&c))
        };
        let (length, keep) = if begins("//") {
            (
                rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
                false,
            )
        } else if begins("/*") {
            (block_comment(rest), false)
        } else if let Some(length) = raw_string(rest) {
            (length, true)
        } else if begins("\"") || begins("b\"") || begins("c\"") {
            (quoted(rest), true)
        } else if begins("'") || begins("b'") {
            (character_or_lifetime(rest), true)
        } else if rest[0].is_alphanumeric() || rest[0] == '_' {
            let is_word = |c: &char| c.is_alphanumeric() || *c == '_';
            (
                rest.iter().position(|c| !is_word(c)).unwrap_or(rest.len()),
                true,
            )
        } else if begins("::") || begins("->") || begins("=>") {
            (2, true)
        } else {
            (1, !rest[0].is_whitespace())
        };
        let text: String = rest[..length].iter().collect();
        let lines = text.matches('\n').count();
        if keep {
            tokens.push(Token { text, line });
        }
        line += lines;
        at += length;
    }
    tokens
}

fn block_comment(rest: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at + 1 < rest.len() {
        match (rest[at], rest[at + 1]) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of `r"..."`, `br#"..."#` and the like, if one begins here.
fn raw_string(rest: &[char]) -> Option<usize> {
    let start = usize::from(matches!(rest[0], 'b' | 'c'));
    if rest.get(start) != Some(&'r') {
        return None;
    }
    let hashes = rest[start + 1..].iter().take_while(|&&c| c == '#').count();
    let mut at = start + 1 + hashes;
    if rest.get(at) != Some(&'"') {
        return None;
    }
    at += 1;
    while at < rest.len() {
        let closes = rest[at] == '"' && rest[at + 1..].iter().take(hashes).all(|&c| c == '#');
        at += 1;
        if closes {
            return Some(at + hashes);
        }
    }
    Some(rest.len())
}

fn quoted(rest: &[char]) -> usize {
    let mut at = if rest[0] == '"' { 1 } else { 2 };
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn character_or_lifetime(rest: &[char]) -> usize {
    let start = if rest[0] == 'b' { 2 } else { 1 };
    if rest.get(start) == Some(&'\\') {
        let end = rest[start + 2..].iter().position(|&c| c == '\'');
        return end.map_or(rest.len(), |end| start + 2 + end + 1);
    }
    if rest.get(start + 1) == Some(&'\'') {
        return start + 2;
    }
    1
}
