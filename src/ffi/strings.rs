//! Names of codes.
