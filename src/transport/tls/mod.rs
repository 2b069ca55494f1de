//! TLS, by rustls.

mod ciphers;
mod config;
mod key;
mod stream;
mod verify;

use std::io;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::error::Error;

pub use config::{client_config, KeyPassword};
pub use stream::TlsStream;

/// A configuration made by [`client_config`].
pub type TlsConfig = Arc<ClientConfig>;

/// What TLS itself had against the connection, if that is why a read or write failed.
pub(super) fn refusal(error: &io::Error) -> Option<Error> {
    let refused = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(Error::Tls(refused.to_string()))
}
