//! Property lists.
