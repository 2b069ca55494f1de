//! Which name servers to ask, and how: `/etc/resolv.conf`.

use std::fs;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use resolv_conf::Config;

const DNS_PORT: u16 = 53;

/// How to ask.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// Asked in this order until one has an answer.
    pub(super) servers: Vec<SocketAddr>,
    /// Domains that a name may lack at its end.
    pub(super) search: Vec<String>,
    /// A name with fewer dots is searched for before it is asked for as it is.
    pub(super) ndots: usize,
    /// How long a server may take.
    pub(super) timeout: Duration,
    /// How often each server is asked.
    pub(super) attempts: u32,
    /// Whether larger datagrams are offered.
    pub(super) edns: bool,
}

impl Settings {
    /// Those of the system. Without the file, the name server is on this machine.
    pub(super) fn system() -> Self {
        Self::parse(&fs::read("/etc/resolv.conf").unwrap_or_default())
    }

    /// Lines that are not understood are passed over, as the C library does.
    fn parse(file: &[u8]) -> Self {
        let (mut config, _) = Config::parse_with_errors(file);
        config.glibc_normalize();
        let servers = config
            .get_nameservers_or_local()
            .iter()
            // Goes by way of text for the zone of a link-local address; never a look-up.
            .filter_map(|address| (address.to_string(), DNS_PORT).to_socket_addrs().ok())
            .flatten()
            .collect();
        Settings {
            servers,
            search: config.get_last_search_or_domain().cloned().collect(),
            ndots: config.ndots as usize,
            // The limits are those of the C library.
            timeout: Duration::from_secs(config.timeout.clamp(1, 30).into()),
            attempts: config.attempts.clamp(1, 5),
            edns: config.edns0,
        }
    }

    /// The full names that `name` may stand for, in the order to ask for them.
    pub(super) fn candidates(&self, name: &str, absolute: bool) -> Vec<String> {
        if absolute {
            return vec![name.to_owned()];
        }
        let search = self
            .search
            .iter()
            .map(|domain| domain.trim_end_matches('.'));
        let mut names: Vec<String> = search
            .filter(|domain| !domain.is_empty())
            .map(|domain| format!("{name}.{domain}"))
            .collect();
        let dots = name.bytes().filter(|byte| *byte == b'.').count();
        let place = if dots >= self.ndots { 0 } else { names.len() };
        names.insert(place, name.to_owned());
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_and_options_come_from_the_file() {
        let settings = Settings::parse(
            b"# made by hand\n\
              nameserver 192.0.2.1\nnameserver 2001:db8::1\n\
              search a.example b.example\noptions timeout:2 attempts:4 ndots:3 edns0 strange\n",
        );
        let servers = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|text| text.parse().unwrap());
        assert_eq!(settings.servers, servers);
        assert_eq!(settings.search, ["a.example", "b.example"]);
        assert_eq!(settings.timeout, Duration::from_secs(2));
        assert_eq!((settings.attempts, settings.ndots), (4, 3));
        assert!(settings.edns);
    }

    #[test]
    fn without_a_file_the_server_is_on_this_machine() {
        let settings = Settings::parse(b"");
        assert_eq!(settings.servers[0], "127.0.0.1:53".parse().unwrap());
        assert_eq!(settings.timeout, Duration::from_secs(5));
        assert_eq!((settings.attempts, settings.ndots), (2, 1));
        assert!(settings.search.is_empty() && !settings.edns);
    }

    #[test]
    fn a_file_of_nonsense_is_passed_over() {
        let settings = Settings::parse(b"\xff\xfe\nnameserver x\noptions timeout:0 attempts:0\n");
        assert_eq!(settings.servers[0], "127.0.0.1:53".parse().unwrap());
        assert_eq!(settings.timeout, Duration::from_secs(1));
        assert_eq!(settings.attempts, 1);
    }

    #[test]
    fn names_with_enough_dots_are_asked_for_before_they_are_searched_for() {
        let mut settings = Settings::parse(b"search x.example y.example.\n");
        assert_eq!(settings.candidates("a.b", true), ["a.b"]);
        assert_eq!(
            settings.candidates("a.b", false),
            ["a.b", "a.b.x.example", "a.b.y.example"]
        );
        settings.ndots = 2;
        assert_eq!(
            settings.candidates("a.b", false),
            ["a.b.x.example", "a.b.y.example", "a.b"]
        );
    }
}
