//! TLS, by rustls.

mod certificate;
pub(super) mod check;
mod ciphers;
mod config;
mod key;
mod key_log;
mod material;
mod old_key;
mod provider;
mod reason;
mod revocation;
mod stream;
#[cfg(test)]
mod testing;
mod verify;
mod version_1;

use std::io;

use crate::error::Error;

pub use config::{client_config, hold_configurations, Configurations, TlsConfig};
pub use key::KeyPassword;
pub use stream::TlsStream;

/// What TLS itself had against the connection, if that is why a read or write failed.
pub(super) fn refusal(error: &io::Error) -> Option<Error> {
    let refused = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let connection = reason::Connection {
        certificate: None,
        answered: true,
    };
    Some(Error::Tls(reason::text(refused, connection)))
}
