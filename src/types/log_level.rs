//! How important a log line is.

/// How important a log line is; the numbers are the C API's `MOSQ_LOG_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum LogLevel {
    /// Information.
    Info = 1,
    /// Worth noticing.
    Notice = 2,
    /// Something may be wrong.
    Warning = 4,
    /// Something is wrong.
    Error = 8,
    /// Every packet.
    Debug = 16,
}
