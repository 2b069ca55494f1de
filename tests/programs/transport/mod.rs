//! The cases, by subject. Each `name: "script"` is a test of that name.

mod client_certificates;
mod other_transports;
mod reasons;
mod settings;
mod terminal;
mod trust;

/// One test a line.
macro_rules! cases {
    ($($name:ident: $script:expr;)*) => {
        $(#[test] fn $name() { crate::compare::check($script); })*
    };
}

use cases;
