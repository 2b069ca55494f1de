//! Messages whose topic has a limit of its own wait in a lane in front of the queue, so that they
//! hold up no others. All messages of a topic take the same lane, and so keep their order.

use std::collections::VecDeque;
use std::time::Instant;

use super::{Content, Entry, Mark, Outbound};
use crate::session::token_bucket::Limit;
use crate::types::{topic, QoS};

/// The lanes, in the order in which their filters were set: a message takes the first that it fits.
#[derive(Debug, Default)]
pub(in crate::session) struct Lanes {
    pub list: Vec<Lane>,
    /// How many messages ever came into one.
    accepted: u64,
}

/// Messages to the topics that a filter matches.
#[derive(Debug)]
pub(in crate::session) struct Lane {
    pub filter: Box<str>,
    pub limit: Limit,
    /// When the first one may go on, if that is known.
    pub due: Option<Instant>,
    /// Where in the queue the last one is that went on.
    pub last: Option<Mark>,
    entries: VecDeque<Standing>,
}

/// A message in a lane.
#[derive(Debug)]
pub(in crate::session) struct Standing {
    /// They are numbered in the order in which they were accepted.
    number: u64,
    /// How many will have left the queue when it is its turn to be dropped.
    turn: u64,
    pub entry: Entry,
}

impl Lane {
    pub fn matches(&self, name: &[u8]) -> bool {
        topic::matches(self.filter.as_bytes(), name)
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn pop(&mut self) -> Option<Standing> {
        self.due = None;
        self.entries.pop_front()
    }

    /// It cannot go on before then.
    pub fn put_back(&mut self, standing: Standing, due: Instant) {
        self.entries.push_front(standing);
        self.due = Some(due);
    }

    /// All that are not this lane's own come in the order of their numbers.
    fn push(&mut self, standing: Standing) {
        let number = standing.number;
        let place = self.entries.partition_point(|other| other.number < number);
        self.entries.insert(place, standing);
    }
}

impl Outbound {
    /// Sets the limit of a filter, `None` for none: what waited in its lane goes on.
    pub fn set_lane(&mut self, filter: &str, limit: Option<Limit>) {
        let mut lanes = self.lanes.take().unwrap_or_default();
        let place = lanes.list.iter().position(|lane| *lane.filter == *filter);
        match (place, limit) {
            (Some(place), Some(limit)) => {
                lanes.list[place].limit = limit;
                lanes.list[place].due = None;
            }
            (None, Some(limit)) => lanes.list.push(Lane {
                filter: filter.into(),
                limit,
                due: None,
                last: None,
                entries: VecDeque::new(),
            }),
            (Some(place), None) => {
                for standing in lanes.list.remove(place).entries {
                    if let Some(standing) = self.find_lane(&mut lanes, standing) {
                        self.enqueue(standing.entry);
                    }
                }
            }
            (None, None) => {}
        }
        self.lanes = (!lanes.list.is_empty()).then_some(lanes);
    }

    /// Puts a message into its lane, or into the queue where it has none.
    #[cold]
    pub(super) fn push_aside(&mut self, entry: Entry) {
        let Some(mut lanes) = self.lanes.take() else {
            return self.enqueue(entry);
        };
        let turn = self.taken + self.waiting.len() as u64;
        let standing = Standing {
            number: lanes.accepted,
            turn,
            entry,
        };
        match self.find_lane(&mut lanes, standing) {
            None => lanes.accepted += 1,
            Some(standing) => self.enqueue(standing.entry),
        }
        self.lanes = Some(lanes);
    }

    fn find_lane(&self, lanes: &mut Lanes, standing: Standing) -> Option<Standing> {
        let name = self.topic(&standing.entry.content);
        match lanes.list.iter().position(|lane| lane.matches(name)) {
            Some(place) => lanes.list[place].push(standing),
            None => return Some(standing),
        }
        None
    }

    /// Puts a message that was accepted at the end of the queue.
    pub fn enqueue(&mut self, entry: Entry) {
        if entry.qos == QoS::AtMostOnce {
            let turn = self.taken + self.waiting.len() as u64;
            let queue = self.at_most_once.get_or_insert_default();
            queue.entries.push_back((turn, entry));
        } else {
            self.waiting.push_back(entry);
        }
    }

    /// The topic name of a message that is not released.
    pub fn topic<'a>(&'a self, content: &'a Content) -> &'a [u8] {
        if let Content::Parts(parts) = content {
            return parts.topic.as_bytes();
        }
        match self.body(content) {
            [high, low, rest @ ..] => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                rest.get(..len).unwrap_or_default()
            }
            _ => &[],
        }
    }

    /// How many messages have left the queue.
    pub fn left_queue(&self) -> u64 {
        let queue = self.at_most_once.as_ref();
        self.taken + queue.map_or(0, |queue| queue.taken)
    }

    /// How many messages are in lanes.
    pub(super) fn in_lanes(&self) -> usize {
        let lanes = self.lanes.iter().flat_map(|lanes| &lanes.list);
        lanes.map(|lane| lane.entries.len()).sum()
    }

    /// All messages in lanes.
    pub(super) fn lane_entries(lanes: &mut Option<Box<Lanes>>) -> impl Iterator<Item = &mut Entry> {
        let lanes = lanes.iter_mut().flat_map(|lanes| &mut lanes.list);
        lanes
            .flat_map(|lane| &mut lane.entries)
            .map(|standing| &mut standing.entry)
    }

    /// Up to where messages were accepted, for [`Outbound::lanes_are_through`].
    pub fn lane_mark(&self) -> u64 {
        self.lanes.as_ref().map_or(0, |lanes| lanes.accepted)
    }

    /// Whether those that were accepted before the mark have left the lanes.
    pub fn lanes_are_through(&self, mark: u64) -> bool {
        let mut lanes = self.lanes.iter().flat_map(|lanes| &lanes.list);
        lanes.all(|lane| {
            lane.entries
                .front()
                .is_none_or(|first| first.number >= mark)
        })
    }

    /// Takes out the oldest message in a lane if it is older than what is in the queue, or the oldest
    /// of QoS 0 if that is to go `at_most_once_first` and there is none in the queue.
    pub(super) fn take_from_lane(&mut self, at_most_once_first: bool) -> Option<Entry> {
        let lanes = self.lanes.as_mut()?;
        let late = self.at_most_once.as_ref();
        let late = late.and_then(|queue| queue.entries.front());
        if at_most_once_first {
            if late.is_some() {
                return None;
            }
            let is_it = |standing: &Standing| standing.entry.qos == QoS::AtMostOnce;
            let found = lanes.list.iter_mut().filter_map(|lane| {
                let place = lane.entries.iter().position(is_it)?;
                Some((lane.entries[place].number, place, lane))
            });
            if let Some((_, place, lane)) = found.min_by_key(|(number, ..)| *number) {
                lane.due = None;
                return lane.entries.remove(place).map(|standing| standing.entry);
            }
        }
        let first = |lane: &Lane| lane.entries.front().map(|first| (first.number, first.turn));
        let found = lanes
            .list
            .iter_mut()
            .filter_map(|lane| Some((first(lane)?, lane)));
        let ((_, turn), lane) = found.min_by_key(|(first, _)| *first)?;
        let newer = (late.is_none_or(|(late, _)| turn <= *late))
            && (self.waiting.is_empty() || turn <= self.taken);
        newer.then(|| lane.pop())?.map(|standing| standing.entry)
    }
}
