//! The subscriptions that the server accepted, to be made again when it has lost the session.
//!
//! A topic filter is in the table from the SUBSCRIBE that first names it until UNSUBSCRIBE. What
//! a SUBSCRIBE asked for waits with its packet identifier for SUBACK, and becomes what the
//! filter has; a SUBACK that comes for a filter that was given up meanwhile finds it gone, or
//! younger than its own request.

use std::collections::HashMap;
use std::sync::Arc;

use super::log::log;
use super::{Session, State};
use crate::codec::primitive::VARINT_MAX;
use crate::codec::{Properties, PropertyBuf, SubscriptionOptions};
use crate::types::PacketId;

/// The codes of SUBACK from here on are refusals, in every version.
const FIRST_REFUSAL: u8 = 0x80;

/// See the module's description.
#[derive(Debug, Default)]
pub struct Subscriptions {
    filters: HashMap<Arc<str>, Kept>,
    /// What has no SUBACK yet.
    asked: HashMap<PacketId, Asked>,
    /// Counts SUBSCRIBE packets.
    clock: u64,
    /// The last of an earlier connection.
    earlier: u64,
    /// The server has a new session: everything is to be asked for again.
    due: bool,
    /// SUBSCRIBE packets made now are repetitions.
    repeating: bool,
}

/// A topic filter that the program wants.
#[derive(Debug)]
struct Kept {
    /// The SUBSCRIBE that first named it.
    since: u64,
    /// The SUBSCRIBE that last named it.
    last: u64,
    /// What the server accepted.
    accepted: Option<Wish>,
}

/// How a topic filter is subscribed to.
#[derive(Debug, Clone)]
struct Wish {
    options: SubscriptionOptions,
    /// Those of its SUBSCRIBE, which it shares with the others that were in it.
    properties: Arc<PropertyBuf>,
}

#[derive(Debug)]
struct Asked {
    number: u64,
    /// Made by [`Session::resubscribe`].
    repeated: bool,
    filters: Vec<(Arc<str>, SubscriptionOptions)>,
    properties: Arc<PropertyBuf>,
}

impl Subscriptions {
    /// SUBSCRIBE was sent.
    pub(super) fn asked(
        &mut self,
        packet_id: PacketId,
        filters: &[(&str, SubscriptionOptions)],
        properties: Properties<'_>,
    ) {
        self.clock += 1;
        let number = self.clock;
        let mut named = Vec::with_capacity(filters.len());
        for (filter, options) in filters {
            let name: Arc<str> = Arc::from(*filter);
            let kept = self.filters.entry(Arc::clone(&name));
            let kept = kept.or_insert(Kept {
                since: number,
                last: number,
                accepted: None,
            });
            kept.last = number;
            named.push((name, *options));
        }
        let asked = Asked {
            number,
            repeated: self.repeating,
            filters: named,
            properties: Arc::new(properties.to_buf()),
        };
        self.asked.insert(packet_id, asked);
    }

    /// SUBACK arrived, with a code for each topic filter.
    pub(super) fn answered(&mut self, packet_id: PacketId, codes: &[u8]) {
        let Some(asked) = self.asked.remove(&packet_id) else {
            return;
        };
        for ((filter, options), code) in asked.filters.into_iter().zip(codes) {
            let Some(kept) = self.filters.get_mut(&*filter) else {
                continue;
            };
            if kept.since > asked.number {
                continue;
            }
            if *code < FIRST_REFUSAL {
                kept.accepted = Some(Wish {
                    options,
                    properties: Arc::clone(&asked.properties),
                });
            } else if asked.repeated || kept.accepted.is_none() {
                self.filters.remove(&*filter);
            }
        }
    }

    /// UNSUBSCRIBE was sent.
    pub(super) fn unasked(&mut self, filters: &[&str]) {
        for filter in filters {
            self.filters.remove(*filter);
        }
    }

    /// The connection is gone, and with it the answers that were to come.
    pub(super) fn disconnected(&mut self) {
        self.due = false;
        self.earlier = self.clock;
        for (_, asked) in std::mem::take(&mut self.asked) {
            for (filter, _) in asked.filters {
                if self
                    .filters
                    .get(&filter)
                    .is_some_and(|k| k.accepted.is_none())
                {
                    self.filters.remove(&filter);
                }
            }
        }
    }

    /// The server has a new session.
    pub(super) fn session_is_new(&mut self) {
        self.due = !self.filters.is_empty();
    }

    /// What is to be asked for again, in packets: filters that were in SUBSCRIBE packets with
    /// the same properties stand together, in the order in which they came.
    fn batches(&self) -> Vec<Batch> {
        // What the program has asked for on this connection already it shall not have twice.
        let mut all: Vec<_> = self
            .filters
            .iter()
            .filter(|(_, kept)| kept.last <= self.earlier)
            .filter_map(|(filter, kept)| Some((kept.since, filter, kept.accepted.as_ref()?)))
            .collect();
        all.sort_unstable_by_key(|(since, filter, _)| (*since, *filter));
        let mut places: HashMap<&[u8], usize> = HashMap::new();
        let mut batches: Vec<Batch> = Vec::new();
        for (_, filter, wish) in all {
            let bytes = wish.properties.as_properties().as_bytes();
            let place = *places.entry(bytes).or_insert_with(|| {
                batches.push(Batch {
                    properties: Arc::clone(&wish.properties),
                    filters: Vec::new(),
                });
                batches.len() - 1
            });
            batches[place]
                .filters
                .push((Arc::clone(filter), wish.options));
        }
        batches
    }
}

struct Batch {
    properties: Arc<PropertyBuf>,
    filters: Vec<(Arc<str>, SubscriptionOptions)>,
}

impl Session {
    /// Whether subscriptions are made again when the server has lost the session; off by
    /// default. Those that were accepted before this was switched on are not known.
    pub fn set_resubscribe(&mut self, on: bool) {
        match on {
            true => drop(self.subscriptions.get_or_insert_default()),
            false => self.subscriptions = None,
        }
    }

    /// Asks for the subscriptions again, if the server has a new session, in as few packets as
    /// it takes. Comes after the event that tells of the connection and before messages that
    /// wait.
    #[inline]
    pub(super) fn resubscribe(&mut self) {
        if self.subscriptions.as_ref().is_some_and(|s| s.due) {
            self.resubscribe_all();
        }
    }

    #[cold]
    fn resubscribe_all(&mut self) {
        let Some(subscriptions) = &mut self.subscriptions else {
            return;
        };
        subscriptions.due = false;
        if self.state != State::Connected {
            return;
        }
        subscriptions.repeating = true;
        for batch in subscriptions.batches() {
            // A version below MQTT 5 may have come in between.
            let properties = match self.version.has_properties() {
                true => batch.properties.as_properties(),
                false => Properties::EMPTY,
            };
            self.resubscribe_batch(&batch.filters, properties);
        }
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.repeating = false;
        }
    }

    fn resubscribe_batch(
        &mut self,
        filters: &[(Arc<str>, SubscriptionOptions)],
        properties: Properties<'_>,
    ) {
        // A header of 5 bytes at most, and the packet identifier.
        let most = (self.server.maximum_packet_size).min(VARINT_MAX) as usize;
        let room = most.saturating_sub(5 + 2 + properties.encoded_len());
        let mut rest = filters;
        while !rest.is_empty() {
            let mut size = 0;
            let fits = rest.iter().take_while(|(filter, _)| {
                size += filter.len() + 3;
                size <= room
            });
            let count = fits.count().max(1);
            let (now, later) = rest.split_at(count);
            rest = later;
            let now: Vec<_> = now.iter().map(|(name, opts)| (&**name, *opts)).collect();
            if let Err(error) = self.subscribe_to(&now, properties) {
                log!(self, RESUBSCRIBE_FAILED, &error);
            }
        }
    }
}
