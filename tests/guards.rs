//! No exported function lets a panic out: each body is one call of `guard`, or of `guard_panic`.
//!
//! A body that C may enter looks like `pub unsafe extern "C" fn name(..) -> R { guard(..) }`,
//! with nothing before the guard and nothing after it. That holds for callbacks which we
//! hand to C as well.

mod source;

use source::{closing, text_at, tokens, Token};
use std::collections::BTreeSet;

/// A function with a body that C can call.
#[derive(Debug, PartialEq, Eq)]
struct CFunction {
    name: String,
    line: usize,
    exported: bool,
    guarded: bool,
}

#[test]
fn every_c_function_is_one_guard() {
    let mut found = Vec::new();
    let mut guarded = 0;
    for file in source::files() {
        for function in c_functions(&tokens(&source::text(&file))) {
            if function.guarded {
                guarded += 1;
            } else {
                let (file, line) = (file.display(), function.line);
                found.push(format!(
                    "src/{file}:{line}: {} is not guarded",
                    function.name
                ));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
    assert!(guarded >= table().len(), "only {guarded} guards were found");
}

#[test]
fn c_functions_stand_in_ffi_only() {
    let strangers: Vec<String> = source::files()
        .iter()
        .filter(|file| !file.starts_with("ffi"))
        .flat_map(|file| c_functions(&tokens(&source::text(file))))
        .map(|function| function.name)
        .collect();
    assert!(strangers.is_empty(), "outside src/ffi: {strangers:?}");
}

#[test]
fn sources_export_the_functions_of_the_table_and_our_own() {
    let exported: Vec<String> = source::files()
        .iter()
        .flat_map(|file| c_functions(&tokens(&source::text(file))))
        .filter(|function| function.exported)
        .map(|function| function.name)
        .collect();
    let names: BTreeSet<String> = exported.iter().cloned().collect();
    assert_eq!(names.len(), exported.len(), "a function is exported twice");

    let table = table();
    let missing: Vec<_> = table.difference(&names).collect();
    assert!(missing.is_empty(), "not in src/ffi: {missing:?}");
    let unknown: Vec<_> = names
        .difference(&table)
        .filter(|name| !name.starts_with("mqttrs_"))
        .collect();
    assert!(unknown.is_empty(), "not in the table: {unknown:?}");
}

#[test]
fn checker_tells_guarded_from_unguarded() {
    let function = |body: &str| {
        format!("#[no_mangle]\npub unsafe extern \"C\" fn f(a: *const u8, g: extern \"C\" fn(i32)) -> i32 {{ {body} }}")
    };
    let verdict = |source: &str| {
        let found = c_functions(&tokens(source));
        assert_eq!(found.len(), 1, "{source}");
        found[0].guarded
    };
    for guarded in [
        "guard(0, || { g(1) })",
        "guard(0, || { if true { return 1; } 2 });",
        "super::guard::guard(0, || 1)",
        "guard_panic(0, || 1)",
        "// SAFETY: as promised\nguard(ptr::null(), move || unsafe { *a })",
    ] {
        assert!(verdict(&function(guarded)), "{guarded}");
    }
    for unguarded in [
        "",
        "1",
        "let b = *a; guard(0, || b)",
        "g(1); guard(0, || 1)",
        "guard(0, || 1); g(1)",
        "guard(0, || 1) + g(1)",
        "if true { guard(0, || 1) } else { 2 }",
        "unguard(0, || 1)",
        "// guard(0, || 1)\ng(1)",
        "\"guard(0, || 1)\"; 1",
    ] {
        assert!(!verdict(&function(unguarded)), "{unguarded}");
    }
}

#[test]
fn checker_finds_functions_by_what_makes_them_c_functions() {
    let source = "
        #[no_mangle] pub unsafe extern \"C\" fn one() { guard((), || ()) }
        #[unsafe(no_mangle)] #[must_use] pub extern \"C\" fn two<T: Fn() -> i32>() -> i32 { 2 }
        unsafe extern \"C\" fn lent_to_c(x: i32) { three() }
        #[no_mangle] pub fn rust_abi() {}
        #[no_mangle] pub extern fn four() {}
        extern \"C\" { fn declared_only(x: i32) -> i32; }
        type Pointer = unsafe extern \"C\" fn(i32) -> i32;
        fn rust() { let f: extern \"C\" fn() = lent_to_c; }
        #[cfg(test)] mod tests { #[no_mangle] extern \"C\" fn in_a_test() {} }
    ";
    let found: Vec<(String, bool, bool)> = c_functions(&tokens(source))
        .into_iter()
        .map(|function| (function.name, function.exported, function.guarded))
        .collect();
    let expected = [
        ("one", true, true),
        ("two", true, false),
        ("lent_to_c", false, false),
        ("rust_abi", true, false),
        ("four", true, false),
    ]
    .map(|(name, exported, guarded)| (name.to_owned(), exported, guarded));
    assert_eq!(found, expected);
}

/// Functions that are exported, or that have the C calling convention, and have a body.
fn c_functions(tokens: &[Token]) -> Vec<CFunction> {
    let mut found = Vec::new();
    let mut exported = false;
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "#" if text_at(tokens, at + 1) == "[" => {
                let end = closing(tokens, at + 1);
                exported |= tokens[at..end]
                    .iter()
                    .any(|token| matches!(token.text.as_str(), "no_mangle" | "export_name"));
                at = end + 1;
                continue;
            }
            "extern" if text_at(tokens, at + 2) == "{" => {
                // Declarations of functions that are somebody else's.
                at = closing(tokens, at + 2) + 1;
                continue;
            }
            "fn" => {
                let is_c = (1..=2).any(|back| {
                    at.checked_sub(back)
                        .is_some_and(|before| tokens[before].text == "extern")
                });
                let named =
                    text_at(tokens, at + 1).starts_with(|c: char| c.is_alphabetic() || c == '_');
                if named && (is_c || exported) {
                    if let Some(body) = body(tokens, at) {
                        found.push(CFunction {
                            name: tokens[at + 1].text.clone(),
                            line: tokens[at].line,
                            exported,
                            guarded: is_one_guard(&tokens[body]),
                        });
                    }
                }
                exported = false;
            }
            ";" | "}" => exported = false,
            _ => {}
        }
        at += 1;
    }
    found
}

/// Where the body of the function whose `fn` is at `at` stands, braces left out.
fn body(tokens: &[Token], at: usize) -> Option<std::ops::Range<usize>> {
    let mut at = at;
    loop {
        match text_at(tokens, at) {
            "(" | "[" => at = closing(tokens, at) + 1,
            "{" => return Some(at + 1..closing(tokens, at)),
            "" | ";" => return None,
            _ => at += 1,
        }
    }
}

/// Whether a body is a call of `guard` or `guard_panic`, perhaps by a longer path, and nothing besides.
fn is_one_guard(body: &[Token]) -> bool {
    let Some(open) = body.iter().position(|token| token.text == "(") else {
        return false;
    };
    let (callee, rest) = (&body[..open], &body[closing(body, open) + 1..]);
    let is_path = callee
        .iter()
        .enumerate()
        .all(|(i, token)| (i % 2 == 1) == (token.text == "::"));
    is_path
        && callee
            .last()
            .is_some_and(|token| matches!(token.text.as_str(), "guard" | "guard_panic"))
        && rest.iter().all(|token| token.text == ";")
}

/// The names of libmosquitto's functions.
fn table() -> BTreeSet<String> {
    let names: BTreeSet<String> = include_str!("data/libmosquitto-functions.tsv")
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 126);
    names
}
