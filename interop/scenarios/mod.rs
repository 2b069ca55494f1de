//! What each broker is asked to do with the library, one row of the table each.
//!
//! A scenario fails by panicking; it does not know the brokers. Which broker
//! cannot do what, and why, stands in `interop/deviations.tsv`. That nothing
//! comes is never waited for: a later message that must come shows it.

mod connect;
mod limits;
mod messages;
mod properties;
mod retain;
mod session;
mod subscribe;
mod will;

use super::link::Context;
use crate::support::Version;

/// One row of the table.
pub struct Scenario {
    pub name: String,
    pub run: Box<dyn Fn(&Context<'_>) + Send + Sync>,
}

impl Scenario {
    fn new(
        version: Version,
        name: &str,
        run: impl Fn(&Context<'_>) + Send + Sync + 'static,
    ) -> Scenario {
        Scenario {
            name: format!("MQTT {}: {name}", called(version)),
            run: Box::new(run),
        }
    }
}

/// All of them, in the order of the table.
pub fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for version in [Version::V31, Version::V311, Version::V5] {
        connect::add(version, &mut all);
        messages::add(version, &mut all);
        subscribe::add(version, &mut all);
        retain::add(version, &mut all);
        will::add(version, &mut all);
        session::add(version, &mut all);
    }
    properties::add(&mut all);
    limits::add(&mut all);
    all
}

fn called(version: Version) -> &'static str {
    match version {
        Version::V31 => "3.1",
        Version::V311 => "3.1.1",
        Version::V5 => "5",
    }
}
