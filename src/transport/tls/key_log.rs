//! The secrets of connections in the NSS key log format, for those who look at captured
//! traffic. Only a program's own request leads here, never the environment.

use std::fs::File;
use std::io::{self, Write};

use data_encoding::HEXLOWER;
use rustls::KeyLog;

use super::super::tls_settings::append;

#[derive(Debug)]
pub(super) struct KeyLogFile(File);

impl KeyLogFile {
    pub(super) fn open(path: &str) -> io::Result<Self> {
        append(path).map(KeyLogFile)
    }
}

impl KeyLog for KeyLogFile {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let (random, secret) = (HEXLOWER.encode(client_random), HEXLOWER.encode(secret));
        // One write a line, so that lines of several connections do not mix. A full disk
        // must not end the connection.
        let _ = (&self.0).write_all(format!("{label} {random} {secret}\n").as_bytes());
    }
}
