//! Topic functions.
