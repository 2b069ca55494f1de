//! Host names to addresses. A look-up may take as long as it likes, so it never
//! runs on a loop thread and never under a lock.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::thread;

use crate::error::{Error, Result};

/// The addresses of `host`, in the order to try them. Blocks unless `host` is an
/// address itself.
pub fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>> {
    if let Some(address) = literal(host, port) {
        return Ok(vec![address]);
    }
    let addresses: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| Error::Resolver(format!("{host}: {error}")))?
        .collect();
    if addresses.is_empty() {
        return Err(Error::Resolver(format!("{host}: no address")));
    }
    Ok(addresses)
}

/// Runs `work`, which resolves names, on a thread of its own.
pub fn resolve_in_background(work: impl FnOnce() + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name("mqttrs-resolve".to_owned())
        .spawn(work)
        .map(drop)
        .map_err(|error| Error::io("start of the resolver thread", &error))
}

/// The address that `host` is, if it is one.
pub(super) fn literal(host: &str, port: u16) -> Option<SocketAddr> {
    let address: IpAddr = host.parse().ok()?;
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_no_look_up() {
        assert_eq!(
            resolve("127.0.0.1", 7).unwrap(),
            ["127.0.0.1:7".parse().unwrap()]
        );
        assert_eq!(resolve("::1", 7).unwrap(), ["[::1]:7".parse().unwrap()]);
    }

    #[test]
    fn an_unknown_name_is_a_resolver_error() {
        assert!(matches!(
            resolve("no-such-host.invalid", 1),
            Err(Error::Resolver(_))
        ));
    }
}
