//! Constants and structures.
