//! Arguments from C, as Rust values or an error code.
