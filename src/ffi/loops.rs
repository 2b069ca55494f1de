//! Running a client.
