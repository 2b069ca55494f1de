//! Connecting, reconnecting, disconnecting.
