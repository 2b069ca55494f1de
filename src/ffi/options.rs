//! Client options.
