//! Topic aliases in both directions (MQTT 5.0 section 3.3.2.3.4). They live as
//! long as a connection.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::error::{Error, PeerError, Result};

/// Aliases the server introduces.
#[derive(Debug, Default)]
pub struct InboundAliases {
    maximum: u16,
    /// Absent until there is one.
    introduced: Option<Box<Introduced>>,
}

#[derive(Debug, Default)]
struct Introduced {
    topics: HashMap<u16, Arc<str>>,
}

impl InboundAliases {
    /// A connection begins, with the Topic Alias Maximum its CONNECT announces.
    pub fn reset(&mut self, maximum: u16) {
        self.maximum = maximum;
        self.introduced = None;
    }

    /// The topic of a PUBLISH with this alias and this topic field; `None` when the
    /// topic field itself is the topic.
    pub fn resolve(&mut self, alias: u16, topic: &str) -> Result<Option<Arc<str>>> {
        if alias == 0 || alias > self.maximum {
            return Err(Error::Peer(PeerError::TopicAliasInvalid));
        }
        if topic.is_empty() {
            let introduced = self.introduced.as_ref();
            let known = introduced.and_then(|introduced| introduced.topics.get(&alias));
            // An alias without a topic and never introduced is a protocol error
            // (MQTT 5.0 section 3.3.4).
            return known
                .map(|topic| Some(Arc::clone(topic)))
                .ok_or_else(|| Error::protocol("unknown topic alias"));
        }
        let topics = &mut self.introduced.get_or_insert_default().topics;
        match topics.get(&alias) {
            Some(known) if &**known == topic => {}
            _ => {
                topics.insert(alias, topic.into());
            }
        }
        Ok(None)
    }
}

/// Aliases the program introduces.
#[derive(Debug, Default)]
pub struct OutboundAliases {
    /// The server's Topic Alias Maximum.
    maximum: u16,
    /// Most clients never use an alias.
    known: Option<Box<Known>>,
    automatic: Option<Box<Automatic>>,
}

/// Which topics aliases stand for.
#[derive(Debug, Default)]
struct Known {
    /// What the program has said; outlives a connection, so that a message it
    /// addressed by alias can still be sent on the next one.
    said: HashMap<u16, Arc<str>>,
    /// What the server was told on this connection.
    sent: HashMap<u16, Arc<str>>,
}

/// Aliases given to topics without the program's doing, the least recently used one
/// again when there are no more.
#[derive(Debug, Default)]
struct Automatic {
    /// The alias of each topic, and when it was last used.
    topics: HashMap<Arc<str>, (u16, u64)>,
    /// The topics by last use.
    uses: BTreeMap<u64, Arc<str>>,
    clock: u64,
}

impl Automatic {
    /// The alias for `topic`, of those from 1 to `maximum`.
    fn alias(&mut self, topic: &str, maximum: u16) -> (u16, Arc<str>) {
        self.clock += 1;
        let (alias, name) = match self.topics.remove_entry(topic) {
            Some((name, (alias, last_use))) => {
                self.uses.remove(&last_use);
                (alias, name)
            }
            None if self.topics.len() < usize::from(maximum) => {
                (self.topics.len() as u16 + 1, topic.into())
            }
            None => {
                let oldest = self.uses.pop_first();
                let freed = oldest.and_then(|(_, topic)| self.topics.remove(&topic));
                (freed.map_or(1, |(alias, _)| alias), topic.into())
            }
        };
        self.topics.insert(Arc::clone(&name), (alias, self.clock));
        self.uses.insert(self.clock, Arc::clone(&name));
        (alias, name)
    }
}

impl OutboundAliases {
    /// A connection begins or CONNACK arrived with this Topic Alias Maximum.
    pub fn reset(&mut self, maximum: u16) {
        self.maximum = maximum;
        if let Some(known) = &mut self.known {
            known.sent.clear();
        }
        if let Some(automatic) = &mut self.automatic {
            **automatic = Automatic::default();
        }
    }

    /// Whether topics get aliases without the program's doing.
    pub fn set_automatic(&mut self, on: bool) {
        match (on, &self.automatic) {
            (true, None) => self.automatic = Some(Box::default()),
            (true, Some(_)) => {}
            (false, _) => self.automatic = None,
        }
    }

    /// Whether they do, if only the server takes aliases.
    pub const fn wants_automatic(&self) -> bool {
        self.automatic.is_some()
    }

    /// Whether they do, and the server takes aliases.
    pub const fn is_automatic(&self) -> bool {
        self.automatic.is_some() && self.maximum > 0
    }

    /// A PUBLISH to `topic` is about to be sent: the alias to send with it, and whether the
    /// server knows already that it stands for the topic. It will know from now on.
    pub fn automatic(&mut self, topic: &str) -> Option<(u16, bool)> {
        if !self.is_automatic() {
            return None;
        }
        let (alias, topic) = self.automatic.as_mut()?.alias(topic, self.maximum);
        Some((alias, self.announce(alias, &topic)))
    }

    /// The program publishes with this alias and topic field: the topic meant.
    pub fn say(&mut self, alias: u16, topic: &str) -> Result<Arc<str>> {
        if alias == 0 {
            return Err(Error::invalid("topic alias is 0"));
        }
        if topic.is_empty() {
            let said = self.known.as_ref().and_then(|known| known.said.get(&alias));
            return said
                .cloned()
                .ok_or_else(|| Error::invalid("topic is empty and the topic alias unknown"));
        }
        let topic: Arc<str> = topic.into();
        let said = &mut self.known.get_or_insert_default().said;
        said.insert(alias, Arc::clone(&topic));
        Ok(topic)
    }

    /// Whether the alias may be used with the server.
    pub const fn usable(&self, alias: u16) -> bool {
        alias <= self.maximum
    }

    /// Whether the server was told on this connection that the alias stands for `topic`.
    pub fn knows(&self, alias: u16, topic: &Arc<str>) -> bool {
        let sent = self.known.as_ref().and_then(|known| known.sent.get(&alias));
        sent == Some(topic)
    }

    /// A PUBLISH with this alias is about to be sent: whether the server knows already
    /// that it stands for `topic`. It will know from now on.
    pub fn announce(&mut self, alias: u16, topic: &Arc<str>) -> bool {
        let sent = &mut self.known.get_or_insert_default().sent;
        match sent.insert(alias, Arc::clone(topic)) {
            Some(known) => known == *topic,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_alias_is_given_away() {
        let mut aliases = OutboundAliases::default();
        aliases.set_automatic(true);
        assert_eq!(aliases.automatic("a"), None, "the server takes none");
        aliases.reset(2);
        assert_eq!(aliases.automatic("a"), Some((1, false)));
        assert_eq!(aliases.automatic("b"), Some((2, false)));
        assert_eq!(aliases.automatic("a"), Some((1, true)));
        assert_eq!(aliases.automatic("c"), Some((2, false)), "b's");
        assert_eq!(aliases.automatic("a"), Some((1, true)));
        assert_eq!(aliases.automatic("b"), Some((2, false)), "c's");
        aliases.reset(2);
        assert_eq!(aliases.automatic("a"), Some((1, false)), "a new connection");
    }

    #[test]
    fn an_alias_the_program_took_for_another_topic_is_introduced_again() {
        let mut aliases = OutboundAliases::default();
        aliases.set_automatic(true);
        aliases.reset(5);
        assert_eq!(aliases.automatic("a"), Some((1, false)));
        let other = aliases.say(1, "other").unwrap();
        assert!(!aliases.announce(1, &other));
        assert_eq!(aliases.automatic("a"), Some((1, false)));
        assert_eq!(aliases.automatic("a"), Some((1, true)));
    }
}
