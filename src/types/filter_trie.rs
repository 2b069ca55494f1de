//! Topic filters by their levels: which of many match a topic, at a cost that depends on the
//! levels of the topic and on how many match, and not on how many there are.

use super::topic;

/// Topic filters, each of which has a slot: a number for what its owner keeps with it.
///
/// `$share/{name}/{filter}` matches what its filter matches, and is another one than that. The
/// filters are well formed, see [`topic::is_filter`] and [`topic::is_share_complete`].
#[derive(Debug)]
pub struct FilterTrie {
    /// Programs may make filters of names that their peers have chosen; so that none of these
    /// lead to long chains, the hashes depend on this.
    seed: u64,
    /// The first is the root. Those out of use are in a list of their own.
    nodes: Vec<Node>,
    unused: u32,
    /// The first node of each chain: those with a name whose hashes end alike.
    chains: Vec<u32>,
    chained: usize,
    /// Kept for its memory: nodes to visit, and where in the topic the level behind them begins.
    ahead: Vec<(u32, usize)>,
}

/// No node.
const NONE: u32 = u32::MAX;
const ROOT: u32 = 0;
/// How many chains there are at first; a power of two.
const FEW_CHAINS: usize = 8;

/// One level of filters that begin alike. Its number is the slot of the filter that ends here.
#[derive(Debug)]
struct Node {
    /// The level; `/{name}`, which no level is, for filters of a share, which are children of the
    /// node where the filter without the share ends.
    name: Box<[u8]>,
    parent: u32,
    hash: u32,
    /// The next of its chain, or of those out of use.
    next: u32,
    /// How many children there are, but for the two wildcards; they are found by their chains.
    named: u32,
    /// The child `+`.
    single: u32,
    /// The child `#`.
    multi: u32,
    /// The first child for a share; the next such child of its parent.
    shares: u32,
    next_share: u32,
    /// Whether a filter ends here.
    ends: bool,
}

impl FilterTrie {
    /// No filters. `seed` is any number that nobody can guess.
    pub fn new(seed: u64) -> Self {
        let mut trie = FilterTrie {
            seed,
            nodes: Vec::new(),
            unused: NONE,
            chains: vec![NONE; FEW_CHAINS],
            chained: 0,
            ahead: Vec::new(),
        };
        trie.new_node(NONE, b"", 0);
        trie
    }

    /// Puts a filter in unless it is there, and gives its slot: a number below that of all levels
    /// there are, and maybe that of a filter that was removed.
    pub fn insert(&mut self, filter: &str) -> usize {
        let node = self.walk(filter, true);
        self.nodes[node as usize].ends = true;
        node as usize
    }

    /// Takes a filter out; gives the slot it had.
    pub fn remove(&mut self, filter: &str) -> Option<usize> {
        let node = self.walk(filter, false);
        let ends = &mut self.nodes.get_mut(node as usize)?.ends;
        if !std::mem::take(ends) {
            return None;
        }
        self.prune(node);
        Some(node as usize)
    }

    /// Calls `found` with the slot of each filter that matches `topic`, in order: at the first
    /// level in which two filters differ, the one that ends comes before the one that goes on,
    /// and a name before `+` before `#`; shares come behind the filter without, the latest first.
    pub fn matches(&mut self, topic: &[u8], found: &mut dyn FnMut(usize)) {
        let end_of_topic = topic.len() + 1;
        self.ahead.clear();
        self.ahead.push((ROOT, 0));
        // The last one pushed is visited first.
        while let Some((index, at)) = self.ahead.pop() {
            let node = &self.nodes[index as usize];
            if at == end_of_topic {
                self.give(index, found);
                // `a/#` matches `a` too.
                if node.multi != NONE {
                    self.give(node.multi, found);
                }
                continue;
            }
            let rest = &topic[at..];
            let end = rest.iter().position(|&byte| byte == b'/');
            let level = &rest[..end.unwrap_or(rest.len())];
            let behind = at + level.len() + 1;
            // Topics for the server's own use are only for who names them (MQTT-4.7.2-1).
            if index != ROOT || topic.first() != Some(&b'$') {
                if node.multi != NONE {
                    self.ahead.push((node.multi, end_of_topic));
                }
                if node.single != NONE {
                    self.ahead.push((node.single, behind));
                }
            }
            if node.named > 0 {
                let child = self.named_child(index, level, self.hash(index, level));
                if child != NONE {
                    self.ahead.push((child, behind));
                }
            }
        }
    }

    /// Gives the filter that ends at a node, and those of shares.
    fn give(&self, index: u32, found: &mut dyn FnMut(usize)) {
        let node = &self.nodes[index as usize];
        if node.ends {
            found(index as usize);
        }
        let mut share = node.shares;
        while share != NONE {
            found(share as usize);
            share = self.nodes[share as usize].next_share;
        }
    }

    /// The node where a filter ends; where there is none, it is made or `NONE`.
    fn walk(&mut self, filter: &str, make: bool) -> u32 {
        let (share, filter) = parts(filter);
        let mut node = ROOT;
        for level in filter.split(|&byte| byte == b'/').chain(share) {
            let above = &self.nodes[node as usize];
            let hash = self.hash(node, level);
            let child = match level {
                b"+" => above.single,
                b"#" => above.multi,
                name => self.named_child(node, name, hash),
            };
            node = match child {
                NONE if make => self.new_node(node, level, hash),
                NONE => return NONE,
                child => child,
            };
        }
        node
    }

    fn named_child(&self, parent: u32, name: &[u8], hash: u32) -> u32 {
        let mut index = self.chains[self.chain(hash)];
        while index != NONE {
            let node = &self.nodes[index as usize];
            if node.hash == hash && node.parent == parent && *node.name == *name {
                break;
            }
            index = node.next;
        }
        index
    }

    fn new_node(&mut self, parent: u32, name: &[u8], hash: u32) -> u32 {
        let mut node = Node {
            name: name.into(),
            parent,
            hash,
            next: NONE,
            named: 0,
            single: NONE,
            multi: NONE,
            shares: NONE,
            next_share: NONE,
            ends: false,
        };
        let index = match self.unused {
            NONE => self.nodes.len() as u32,
            unused => unused,
        };
        let mut in_chain = false;
        if let Some(above) = self.nodes.get_mut(parent as usize) {
            match name {
                b"+" => above.single = index,
                b"#" => above.multi = index,
                _ => {
                    in_chain = true;
                    above.named += 1;
                    if name.starts_with(b"/") {
                        node.next_share = std::mem::replace(&mut above.shares, index);
                    }
                }
            }
        }
        match self.nodes.get_mut(index as usize) {
            Some(place) => {
                self.unused = place.next;
                *place = node;
            }
            None => self.nodes.push(node),
        }
        if in_chain {
            self.chained += 1;
            if self.chained > self.chains.len() {
                self.double_chains();
            }
            self.put_into_chain(index);
        }
        index
    }

    /// Gives up a node without filters, and then those above that have none either.
    fn prune(&mut self, mut index: u32) {
        while index != ROOT {
            let node = &mut self.nodes[index as usize];
            if node.ends || node.named > 0 || node.single != NONE || node.multi != NONE {
                return;
            }
            let (parent, hash, next_share) = (node.parent, node.hash, node.next_share);
            let next = std::mem::replace(&mut node.next, self.unused);
            node.name = Box::default();
            self.unused = index;
            let above = &mut self.nodes[parent as usize];
            if above.single == index {
                above.single = NONE;
            } else if above.multi == index {
                above.multi = NONE;
            } else {
                above.named -= 1;
                let shares = above.shares;
                if shares == index {
                    above.shares = next_share;
                } else {
                    self.pass_by(shares, index, next_share, |node| &mut node.next_share);
                }
                let chain = self.chain(hash);
                self.chained -= 1;
                if self.chains[chain] == index {
                    self.chains[chain] = next;
                } else {
                    self.pass_by(self.chains[chain], index, next, |node| &mut node.next);
                }
            }
            index = parent;
        }
    }

    /// Takes a node out of a list, if it is there behind the first one.
    fn pass_by(&mut self, first: u32, index: u32, next: u32, link: fn(&mut Node) -> &mut u32) {
        let mut before = first;
        while let Some(node) = self.nodes.get_mut(before as usize) {
            let link = link(node);
            if *link == index {
                *link = next;
                return;
            }
            before = *link;
        }
    }

    fn put_into_chain(&mut self, index: u32) {
        let node = &mut self.nodes[index as usize];
        let chain = node.hash as usize & (self.chains.len() - 1);
        node.next = std::mem::replace(&mut self.chains[chain], index);
    }

    #[cold]
    fn double_chains(&mut self) {
        let doubled = vec![NONE; 2 * self.chains.len()];
        for mut index in std::mem::replace(&mut self.chains, doubled) {
            while index != NONE {
                let next = self.nodes[index as usize].next;
                self.put_into_chain(index);
                index = next;
            }
        }
    }

    fn chain(&self, hash: u32) -> usize {
        hash as usize & (self.chains.len() - 1)
    }

    fn hash(&self, parent: u32, name: &[u8]) -> u32 {
        let mut hash = mix(self.seed ^ u64::from(parent));
        for part in name.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            hash = mix(hash ^ u64::from_le_bytes(word) ^ self.seed);
        }
        mix(hash ^ name.len() as u64) as u32
    }
}

fn mix(bits: u64) -> u64 {
    /// 2^64 divided by the golden ratio: bits in no order.
    const FACTOR: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(bits) * FACTOR;
    (product >> 64) as u64 ^ product as u64
}

/// `/` and the name of the share, if any, and the filter that topics are matched with.
fn parts(filter: &str) -> (Option<&[u8]>, &[u8]) {
    debug_assert!(topic::is_filter(filter) && topic::is_share_complete(filter));
    const SHARE: usize = "$share".len();
    if !filter.starts_with("$share/") {
        return (None, filter.as_bytes());
    }
    let filter = &filter.as_bytes()[SHARE..];
    let name = filter[1..].iter().position(|&byte| byte == b'/');
    let (share, filter) = filter.split_at(1 + name.unwrap_or(filter.len() - 1));
    (Some(share), filter.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The filters that match, by name.
    fn matching(filters: &[&str], topic: &str) -> Vec<String> {
        let mut trie = FilterTrie::new(1);
        let slots: Vec<usize> = filters.iter().map(|filter| trie.insert(filter)).collect();
        let name = |slot| slots.iter().position(|&of| of == slot).unwrap();
        let found = found(&mut trie, topic).into_iter();
        found.map(|slot| filters[name(slot)].to_owned()).collect()
    }

    fn found(trie: &mut FilterTrie, topic: &str) -> Vec<usize> {
        let mut slots = Vec::new();
        trie.matches(topic.as_bytes(), &mut |slot| slots.push(slot));
        slots
    }

    #[test]
    fn filters_that_match_come_in_order_of_their_first_level_that_differs() {
        let mut filters = vec![
            "a/b", "a/b/#", "a/+", "a/+/#", "a/#", "+/b", "+/b/#", "+/+", "+/+/#", "+/#", "#",
        ];
        let expected = filters.clone();
        filters.splice(0..0, ["a", "b", "a/b/c", "+", "a/b/+", "$SYS/#"]);
        for _ in 0..filters.len() {
            filters.rotate_left(1);
            assert_eq!(matching(&filters, "a/b"), expected);
        }
    }

    #[test]
    fn leading_wildcards_do_not_match_topics_of_the_server() {
        let filters = [
            "#",
            "+/x",
            "+/#",
            "$SYS/+",
            "$SYS/#",
            "$share/g/#",
            "$SYS/x",
        ];
        assert_eq!(matching(&filters, "$SYS/x"), ["$SYS/x", "$SYS/+", "$SYS/#"]);
    }

    #[test]
    fn empty_levels_are_levels() {
        let filters = ["/", "+", "+/+", "/+", "+/", "/#", "a//b", "a/+/b", "a/b"];
        let expected = ["/", "/+", "/#", "+/", "+/+"];
        assert_eq!(matching(&filters, "/"), expected);
        assert_eq!(matching(&filters, "a//b"), ["a//b", "a/+/b"]);
    }

    #[test]
    fn shared_subscriptions_match_as_the_filter_they_share_and_behind_it() {
        let filters = [
            "$share/g/a/+",
            "a/+",
            "$share/h/a/+",
            "$share/g/a/b",
            "$share/g/b",
        ];
        let expected = ["$share/g/a/b", "a/+", "$share/h/a/+", "$share/g/a/+"];
        assert_eq!(matching(&filters, "a/b"), expected);
        assert_eq!(matching(&filters, "$share/g/b"), [""; 0]);
    }

    #[test]
    fn a_filter_that_is_put_in_again_keeps_its_slot_and_one_that_is_not_there_has_none() {
        let mut trie = FilterTrie::new(7);
        let (one, two) = (trie.insert("a/b"), trie.insert("a/#"));
        assert_ne!(one, two);
        assert_eq!(trie.insert("a/b"), one);
        for absent in ["a", "a/b/c", "+", "$share/g/a/b"] {
            assert_eq!(trie.remove(absent), None, "{absent}");
        }
        assert_eq!(trie.remove("a/b"), Some(one));
        assert_eq!(trie.remove("a/b"), None);
        let three = trie.insert("$share/g/a/b");
        assert_ne!(three, two);
        assert_eq!(found(&mut trie, "a/b"), [three, two]);
    }

    #[test]
    fn nothing_stays_of_filters_that_were_removed() {
        let mut trie = FilterTrie::new(7);
        let filter = |number: usize| format!("$share/g{}/+/{number}/x/#", number % 3);
        for round in 0..3 {
            for number in 0..1000 {
                trie.insert(&filter(number));
            }
            for number in 0..1000 {
                let number = (number * 7 + round) % 1000;
                assert!(trie.remove(&filter(number)).is_some());
            }
            let root = &trie.nodes[ROOT as usize];
            assert_eq!((trie.chained, root.single, root.named), (0, NONE, 0));
            assert!(trie.chains.iter().all(|&chain| chain == NONE));
            // The root, `+`, and four for each.
            assert_eq!(trie.nodes.len(), 4002);
        }
    }

    #[test]
    fn chains_stay_short_whatever_names_are_chosen() {
        for seed in [0, 1, u64::MAX] {
            let mut trie = FilterTrie::new(seed);
            for number in 0..10_000 {
                trie.insert(&format!("{number}/{}", number << 20));
            }
            let longest = (0..trie.chains.len()).map(|chain| {
                let mut index = trie.chains[chain];
                std::iter::from_fn(|| {
                    let node = trie.nodes.get(index as usize)?;
                    index = node.next;
                    Some(())
                })
                .count()
            });
            // 20,000 names in 32,768 chains: by chance that is as good as certain.
            assert!(longest.max() < Some(16));
        }
    }

    #[test]
    fn filters_and_topics_of_as_many_levels_as_fit_take_no_stack() {
        let deep = "+/".repeat(topic::MAX_LEN / 2);
        let mut trie = FilterTrie::new(3);
        trie.insert(&deep);
        trie.insert("#");
        assert_eq!(found(&mut trie, &"/".repeat(topic::MAX_LEN)).len(), 1);
        assert_eq!(found(&mut trie, &"/".repeat(topic::MAX_LEN / 2)).len(), 2);
    }

    fn level() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["", "a", "b", "é", "longer than a word", "$SYS"])
    }

    prop_compose! {
        fn filter()(
            share in prop::option::weighted(0.3, prop::sample::select(vec!["g", "h", "i"])),
            levels in prop::collection::vec(prop_oneof![level(), Just("+")], 1..5),
            open_end in any::<bool>(),
        ) -> String {
            let mut filter = levels.join("/");
            if open_end {
                filter += "/#";
            }
            match share {
                Some(share) if !filter.is_empty() => format!("$share/{share}/{filter}"),
                _ if filter.is_empty() => "#".to_owned(),
                _ => filter,
            }
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_matching_one_filter_after_the_other(
            seed in any::<u64>(),
            // Put in, or taken out again.
            changes in prop::collection::vec((filter(), prop::bool::weighted(0.7)), 1..40),
            topics in prop::collection::vec(prop::collection::vec(level(), 1..6), 1..10),
        ) {
            let mut trie = FilterTrie::new(seed);
            let mut there = BTreeMap::new();
            for (filter, put_in) in &changes {
                if *put_in {
                    let slot = trie.insert(filter);
                    prop_assert_eq!(*there.entry(filter).or_insert(slot), slot);
                } else {
                    prop_assert_eq!(trie.remove(filter), there.remove(filter));
                }
            }
            for topic in topics {
                let topic = topic.join("/");
                let matches = |filter: &str| topic::matches(parts(filter).1, topic.as_bytes());
                let mut expected: Vec<usize> = there
                    .iter()
                    .filter(|(filter, _)| matches(filter))
                    .map(|(_, slot)| *slot)
                    .collect();
                expected.sort_unstable();
                let mut slots = found(&mut trie, &topic);
                slots.sort_unstable();
                prop_assert_eq!(slots, expected, "{}", topic);
            }
        }
    }
}
