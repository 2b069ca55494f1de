//! Topic aliases in both directions (MQTT 5.0 section 3.3.2.3.4). They live as
//! long as a connection.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, PeerError, Result};

/// Aliases the server introduces.
#[derive(Debug, Default)]
pub struct InboundAliases {
    maximum: u16,
    topics: HashMap<u16, Arc<str>>,
}

impl InboundAliases {
    /// A connection begins, with the Topic Alias Maximum its CONNECT announces.
    pub fn reset(&mut self, maximum: u16) {
        self.maximum = maximum;
        self.topics.clear();
    }

    /// The topic of a PUBLISH with this alias and this topic field; `None` when the
    /// topic field itself is the topic.
    pub fn resolve(&mut self, alias: u16, topic: &str) -> Result<Option<Arc<str>>> {
        if alias == 0 || alias > self.maximum {
            return Err(Error::Peer(PeerError::TopicAliasInvalid));
        }
        if topic.is_empty() {
            let known = self.topics.get(&alias).cloned();
            // An alias without a topic and never introduced is a protocol error
            // (MQTT 5.0 section 3.3.4).
            return known
                .map(Some)
                .ok_or(Error::protocol("unknown topic alias"));
        }
        match self.topics.get(&alias) {
            Some(known) if &**known == topic => {}
            _ => {
                self.topics.insert(alias, topic.into());
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
    /// What the program has said; outlives a connection, so that a message it
    /// addressed by alias can still be sent on the next one.
    said: HashMap<u16, Arc<str>>,
    /// What the server was told on this connection.
    sent: HashMap<u16, Arc<str>>,
}

impl OutboundAliases {
    /// A connection begins or CONNACK arrived with this Topic Alias Maximum.
    pub fn reset(&mut self, maximum: u16) {
        self.maximum = maximum;
        self.sent.clear();
    }

    /// The program publishes with this alias and topic field: the topic meant.
    pub fn say(&mut self, alias: u16, topic: &str) -> Result<Arc<str>> {
        if alias == 0 {
            return Err(Error::invalid("topic alias is 0"));
        }
        if topic.is_empty() {
            return self
                .said
                .get(&alias)
                .cloned()
                .ok_or(Error::invalid("topic is empty and the topic alias unknown"));
        }
        let topic: Arc<str> = topic.into();
        self.said.insert(alias, Arc::clone(&topic));
        Ok(topic)
    }

    /// Whether the alias may be used with the server.
    pub const fn usable(&self, alias: u16) -> bool {
        alias <= self.maximum
    }

    /// Whether the server was told on this connection that the alias stands for `topic`.
    pub fn knows(&self, alias: u16, topic: &Arc<str>) -> bool {
        self.sent.get(&alias) == Some(topic)
    }

    /// A PUBLISH with this alias is about to be sent: whether the server knows already
    /// that it stands for `topic`. It will know from now on.
    pub fn announce(&mut self, alias: u16, topic: &Arc<str>) -> bool {
        match self.sent.insert(alias, Arc::clone(topic)) {
            Some(known) => known == *topic,
            None => false,
        }
    }
}
