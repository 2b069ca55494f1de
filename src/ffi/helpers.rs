//! Subscribing in one call.
