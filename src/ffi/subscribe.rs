//! Subscribing and unsubscribing.
