//! The program's callbacks.
