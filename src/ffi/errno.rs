//! Errors as C sees them.
