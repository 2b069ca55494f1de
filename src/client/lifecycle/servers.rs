//! Which server is next: those of the program's list, and those that a server named.

use std::collections::VecDeque;

/// Host name or address, and port.
pub type Address = (String, u16);

/// No more of the servers that a server names are tried.
const MOST_REFERENCES: usize = 16;

/// In which order the servers of a list are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerOrder {
    /// By their priority, the lowest number first; again from the first after each connection.
    #[default]
    Priority,
    /// In turn, as they stand in the list; after a connection goes on with the next one.
    RoundRobin,
}

/// The program's servers, and how far a round of attempts has come.
///
/// A round ends when each was tried once since the last delay.
#[derive(Debug, Default)]
pub(super) struct Servers {
    list: Vec<Address>,
    order: ServerOrder,
    next: usize,
    tried: usize,
    /// An error of this round may pass.
    hopeful: bool,
}

impl Servers {
    /// Servers with their priorities.
    pub(super) fn new(mut list: Vec<(Address, i32)>, order: ServerOrder) -> Self {
        if order == ServerOrder::Priority {
            // Stable: those of equal priority stay as the program has them.
            list.sort_by_key(|(_, priority)| *priority);
        }
        Servers {
            list: list.into_iter().map(|(address, _)| address).collect(),
            order,
            ..Servers::default()
        }
    }

    /// The server of the next attempt, `None` where the list is empty.
    pub(super) fn current(&self) -> Option<&Address> {
        self.list.get(self.next)
    }

    /// The program asks for a connection: from the beginning.
    pub(super) fn restart(&mut self) {
        self.next = 0;
        self.begin_round();
    }

    /// The attempt at the current server failed. Whether others are left in this round; if not,
    /// whether there is no hope that another round fares better.
    pub(super) fn failed(&mut self, is_final: bool) -> AfterFailure {
        self.hopeful |= !is_final;
        self.tried += 1;
        self.next = (self.next + 1) % self.list.len().max(1);
        if self.tried < self.list.len() {
            return AfterFailure::NextServer;
        }
        let hopeful = self.hopeful;
        if self.order == ServerOrder::Priority {
            self.next = 0;
        }
        self.begin_round();
        match hopeful {
            true => AfterFailure::Delay,
            false => AfterFailure::GiveUp,
        }
    }

    /// The connection to the current server is gone.
    pub(super) fn lost(&mut self) {
        self.next = match self.order {
            ServerOrder::Priority => 0,
            ServerOrder::RoundRobin => (self.next + 1) % self.list.len().max(1),
        };
        self.begin_round();
    }

    fn begin_round(&mut self) {
        self.tried = 0;
        self.hopeful = false;
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    /// The next server, at once.
    NextServer,
    /// The delay.
    Delay,
    /// Nothing: each server refused for good.
    GiveUp,
}

/// The servers in a Server Reference (MQTT 5.0 section 4.11): names or addresses with spaces
/// between them, each with a port or without, for which `port` stands then. What cannot be
/// read so is passed over.
pub(crate) fn parse_references(text: &str, port: u16) -> VecDeque<Address> {
    let one = |word: &str| -> Option<Address> {
        let (host, rest) = match word.strip_prefix('[') {
            Some(inside) => inside.split_once(']')?,
            // More than one colon and no brackets: an IPv6 address.
            None => match word.find(':') {
                Some(at) if word.rfind(':') == Some(at) => word.split_at(at),
                _ => (word, ""),
            },
        };
        let port = match rest.strip_prefix(':') {
            Some(number) => number.parse().ok().filter(|port| *port != 0)?,
            None if rest.is_empty() => port,
            None => return None,
        };
        // A path would be that of a Unix socket, which is not a server's to choose.
        let is_name = !host.is_empty() && host.len() <= 255 && !host.contains('/');
        is_name.then(|| (host.to_owned(), port))
    };
    text.split(' ')
        .filter_map(one)
        .take(MOST_REFERENCES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(order: ServerOrder, priorities: &[i32]) -> Servers {
        let address = |(n, priority): (usize, &i32)| ((n.to_string(), 1), *priority);
        Servers::new(priorities.iter().enumerate().map(address).collect(), order)
    }

    fn current(servers: &Servers) -> &str {
        &servers.current().unwrap().0
    }

    #[test]
    fn priorities_count_from_the_lowest_and_equals_stay_in_order() {
        let mut s = servers(ServerOrder::Priority, &[5, -1, 5, 0]);
        let mut order = Vec::new();
        for last in [false, false, false, true] {
            order.push(current(&s).to_owned());
            let expected = match last {
                false => AfterFailure::NextServer,
                true => AfterFailure::Delay,
            };
            assert_eq!(s.failed(false), expected);
        }
        assert_eq!(order, ["1", "3", "0", "2"]);
        assert_eq!(current(&s), "1", "a round begins with the best");
    }

    #[test]
    fn after_a_connection_the_best_has_the_next_chance() {
        let mut s = servers(ServerOrder::Priority, &[0, 1, 2]);
        s.failed(false);
        assert_eq!(current(&s), "1");
        s.lost();
        assert_eq!(current(&s), "0");
        // And a whole round of chances follows.
        assert_eq!(s.failed(false), AfterFailure::NextServer);
        assert_eq!(s.failed(false), AfterFailure::NextServer);
        assert_eq!(s.failed(false), AfterFailure::Delay);
    }

    #[test]
    fn round_robin_goes_on_where_it_was() {
        let mut s = servers(ServerOrder::RoundRobin, &[9, 5, 1]);
        assert_eq!(current(&s), "0", "priorities say nothing");
        s.lost();
        assert_eq!(current(&s), "1");
        for next in ["2", "0"] {
            assert_eq!(s.failed(false), AfterFailure::NextServer);
            assert_eq!(current(&s), next);
        }
        assert_eq!(s.failed(false), AfterFailure::Delay);
        assert_eq!(current(&s), "1");
    }

    #[test]
    fn only_a_round_of_final_refusals_is_the_end() {
        let mut s = servers(ServerOrder::Priority, &[0, 0]);
        s.failed(true);
        assert_eq!(s.failed(true), AfterFailure::GiveUp);
        s.failed(true);
        assert_eq!(s.failed(false), AfterFailure::Delay);
        s.failed(false);
        assert_eq!(s.failed(true), AfterFailure::Delay);
        s.failed(true);
        assert_eq!(s.failed(true), AfterFailure::GiveUp, "hope does not last");
    }

    #[test]
    fn references_are_read_as_the_specification_has_them() {
        let read = |text: &str| Vec::from(parse_references(text, 1883));
        let own = |host: &str, port| (host.to_owned(), port);
        assert_eq!(
            read("myserver.xyz.org myserver.xyz.org:8883 10.10.151.22:8883 [fe80::9610:3eff:fe1c]:1884"),
            [
                own("myserver.xyz.org", 1883),
                own("myserver.xyz.org", 8883),
                own("10.10.151.22", 8883),
                own("fe80::9610:3eff:fe1c", 1884),
            ]
        );
        assert_eq!(read("[::1] ::1"), [own("::1", 1883), own("::1", 1883)]);
    }

    #[test]
    fn references_that_make_no_sense_are_passed_over() {
        let junk = "  :1 a: a:0 a:65536 a:x [::1 []:1 [a]b /tmp/socket a/b:1 ";
        assert!(parse_references(junk, 1).is_empty());
        assert!(parse_references(&"x".repeat(256), 1).is_empty());
        assert_eq!(
            parse_references(&"a ".repeat(1000), 1).len(),
            MOST_REFERENCES
        );
    }
}
