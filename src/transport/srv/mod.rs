//! Which servers offer MQTT for a domain: DNS SRV records (RFC 2782), asked of the system's
//! name servers. The C library's resolver has no call for them that every system shares.

mod config;
mod exchange;
mod message;
mod order;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use simple_dns::Name;

use crate::error::{Error, Result};
use config::Settings;
use exchange::{ask, Failure};
use message::{Question, Reply};
use order::order;

/// How many aliases may stand in a row, so that a circle of them comes to an end.
const MOST_ALIASES: usize = 8;

/// What a domain is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// MQTT without TLS, `_mqtt._tcp`.
    Mqtt,
    /// MQTT over TLS, `_secure-mqtt._tcp`.
    SecureMqtt,
}

/// A server that a domain names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrvTarget {
    /// A host name.
    pub host: String,
    /// The TCP port there.
    pub port: u16,
}

impl Service {
    const fn prefix(self) -> &'static str {
        match self {
            Service::Mqtt => "_mqtt._tcp",
            Service::SecureMqtt => "_secure-mqtt._tcp",
        }
    }
}

/// The servers that offer `service` for `domain`, in the order to try them: by priority,
/// and by chance according to weight where that is equal. Blocks until `deadline` at most.
pub fn lookup(domain: &str, service: Service, deadline: Instant) -> Result<Vec<SrvTarget>> {
    lookup_with(&Settings::system(), domain, service, deadline)
}

/// Whether `domain` may be looked up: dots with up to 63 bytes of printable ASCII between
/// them, short enough for DNS with the service in front.
pub fn check_domain(domain: &str) -> Result<()> {
    let full = domain.strip_suffix('.').unwrap_or(domain);
    // A backslash would begin an escape sequence.
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    let longest = format!("{}.{full}", Service::SecureMqtt.prefix());
    match full.split('.').all(is_label) && Name::new(&longest).is_ok() {
        true => Ok(()),
        false => Err(Error::invalid("host is not a domain name")),
    }
}

/// For fuzzing: judges a message that answers the question of this identifier and name.
#[cfg(fuzzing)]
pub fn judge_message(id: u16, name: &str, message: &[u8]) {
    if let Ok(name) = Name::new(name) {
        let _ = Question::new(id, &name.into_owned(), true).judge(message);
    }
}

fn lookup_with(
    settings: &Settings,
    domain: &str,
    service: Service,
    deadline: Instant,
) -> Result<Vec<SrvTarget>> {
    check_domain(domain)?;
    let full = domain.strip_suffix('.').unwrap_or(domain);
    let record = format!("{}.{full}", service.prefix());
    for candidate in settings.candidates(&record, full.len() < domain.len()) {
        let Ok(name) = Name::new(&candidate) else {
            continue; // too long together with a search domain
        };
        match resolve(settings, &name, deadline) {
            Ok(records) if records.is_empty() => {}
            Ok(records) => return targets(&candidate, records),
            Err(failure) => return Err(Error::Resolver(format!("SRV {candidate}: {failure}"))),
        }
    }
    Err(Error::Resolver(format!("no SRV record {record}")))
}

/// The records of a name, following its aliases; none where it has none.
fn resolve(
    settings: &Settings,
    name: &Name<'_>,
    deadline: Instant,
) -> std::result::Result<Vec<order::Record>, Failure> {
    let mut name = name.clone().into_owned();
    for _ in 0..=MOST_ALIASES {
        match ask_servers(settings, &name, deadline)? {
            Reply::Records(records) => return Ok(records),
            Reply::Alias(target) => name = target,
            _ => return Ok(Vec::new()),
        }
    }
    Err(Failure::Aliases)
}

/// The answer of the first server that has one. `Records`, `Alias` or `NoSuchName`.
fn ask_servers(
    settings: &Settings,
    name: &Name<'static>,
    deadline: Instant,
) -> std::result::Result<Reply, Failure> {
    let mut failure = Failure::TimedOut;
    for _ in 0..settings.attempts {
        for server in &settings.servers {
            let until = deadline.min(Instant::now() + settings.timeout);
            match ask_server(*server, name, settings.edns, until) {
                Ok(reply) => return Ok(reply),
                Err(error) => failure = error,
            }
            if Instant::now() >= deadline {
                return Err(Failure::TimedOut);
            }
        }
    }
    Err(failure)
}

fn ask_server(
    server: SocketAddr,
    name: &Name<'static>,
    edns: bool,
    until: Instant,
) -> std::result::Result<Reply, Failure> {
    let question = |edns| Question::new(random() as u16, name, edns);
    match ask(server, &question(edns), until) {
        // A server that is older than EDNS says so in this way.
        Err(Failure::Refused(_)) if edns => ask(server, &question(false), until),
        outcome => outcome,
    }
}

fn targets(name: &str, records: Vec<order::Record>) -> Result<Vec<SrvTarget>> {
    // A lone "." as target: the service is decidedly not available.
    if records.iter().all(|record| record.target.host.is_empty()) {
        return Err(Error::Resolver(format!(
            "SRV {name}: the domain does not offer this service"
        )));
    }
    let usable = |record: &order::Record| is_host_name(&record.target.host);
    let records: Vec<_> = records.into_iter().filter(usable).collect();
    if records.is_empty() {
        return Err(Error::Resolver(format!(
            "SRV {name}: no target is a host name"
        )));
    }
    Ok(order(records, |count| random() % count))
}

/// As far as it matters to those who get the name; an underscore is no rarity.
fn is_host_name(host: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !host.is_empty() && host.bytes().all(allowed)
}

/// A number that a stranger cannot guess: the standard library's keyed hasher is seeded by
/// the system.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// What is left of the time until `deadline`; none when it is over.
fn time_left(deadline: Instant) -> Option<Duration> {
    deadline
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
}
