//! The handle, `struct mosquitto`.
