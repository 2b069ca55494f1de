//! Topic names and topic filters: checks and matching (MQTT 5.0 section 4.7).
//!
//! Everything here looks at each byte once and allocates nothing.

/// The longest topic name or filter, in bytes (MQTT 5.0 section 1.5.4).
pub const MAX_LEN: usize = 65535;

/// Whether `topic` may stand in a PUBLISH: not empty, no wildcards, no U+0000, at most
/// 65535 bytes.
pub fn is_name(topic: &str) -> bool {
    let forbidden = |byte: &u8| matches!(byte, 0 | b'+' | b'#');
    !topic.is_empty() && topic.len() <= MAX_LEN && !topic.as_bytes().iter().any(forbidden)
}

/// Whether `filter` may stand in a SUBSCRIBE: not empty, no U+0000, at most 65535 bytes, `+`
/// only as a whole level, `#` only as the whole last level.
///
/// `$share/{name}/{filter}` gets no rule of its own, as there are shared subscriptions in
/// MQTT 5 only: see [`is_share_complete`].
pub fn is_filter(filter: &str) -> bool {
    !filter.is_empty() && is_filter_or_empty(filter.as_bytes()) && !has_null(filter)
}

/// Whether `filter`, if it asks for a shared subscription, names a share and what is shared:
/// `$share/{name}/{filter}` (MQTT 5.0 section 4.8.2).
pub fn is_share_complete(filter: &str) -> bool {
    let Some(rest) = filter.strip_prefix("$share/") else {
        return true;
    };
    rest.split_once('/').is_some_and(|(name, shared)| {
        !name.is_empty() && !has_wildcard(name.as_bytes()) && is_filter(shared)
    })
}

/// [`is_name`] for bytes, the empty name included.
pub fn is_name_or_empty(topic: &[u8]) -> bool {
    topic.len() <= MAX_LEN && !has_wildcard(topic)
}

/// [`is_filter`] for bytes, the empty filter included.
pub fn is_filter_or_empty(filter: &[u8]) -> bool {
    if filter.len() > MAX_LEN {
        return false;
    }
    let mut levels = levels(filter).peekable();
    while let Some(level) = levels.next() {
        let well_formed = match level {
            b"+" => true,
            b"#" => levels.peek().is_none(),
            _ => !has_wildcard(level),
        };
        if !well_formed {
            return false;
        }
    }
    true
}

/// Who asks, for filters with the patterns `%c` and `%u`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Identity<'a> {
    /// What a level `%c` stands for; `None` makes such a level match nothing.
    pub client_id: Option<&'a [u8]>,
    /// What a level `%u` stands for; `None` makes such a level match nothing.
    pub username: Option<&'a [u8]>,
}

/// Whether a message to `topic` goes to a subscription to `filter`.
///
/// Both are well formed: see [`is_name`] and [`is_filter`].
pub fn matches(filter: &[u8], topic: &[u8]) -> bool {
    // A name is the filter that matches itself alone.
    covers(filter, topic, None)
}

/// Whether `filter` matches everything that `narrower`, a filter or a name, matches.
///
/// With an `identity`, levels of `filter` that are exactly `%c` or `%u` stand for the client
/// identifier and the user name. They cover that one name and no wildcard, so nobody gains
/// access by calling himself `+`.
///
/// Filters are compared level by level, so `+/#` is not found to cover `#`.
pub fn covers(filter: &[u8], narrower: &[u8], identity: Option<&Identity<'_>>) -> bool {
    // Topics for the server's own use are only for who names them (MQTT-4.7.2-1). For `%c`
    // too: a client could call itself `$SYS`.
    if narrower.first() == Some(&b'$') && filter.first() != Some(&b'$') {
        return false;
    }
    let mut narrower = levels(narrower);
    for level in levels(filter) {
        if level == b"#" {
            // `a/#` matches `a` as well, so `narrower` may already be at its end.
            return true;
        }
        match narrower.next() {
            Some(other) if level_covers(level, other, identity) => {}
            _ => return false,
        }
    }
    narrower.next().is_none()
}

fn level_covers(level: &[u8], other: &[u8], identity: Option<&Identity<'_>>) -> bool {
    match (level, identity) {
        (b"+", _) => other != b"#",
        (b"%c", Some(identity)) => is_plain(other) && identity.client_id == Some(other),
        (b"%u", Some(identity)) => is_plain(other) && identity.username == Some(other),
        _ => level == other,
    }
}

fn is_plain(level: &[u8]) -> bool {
    level != b"+" && level != b"#"
}

fn levels(topic: &[u8]) -> impl Iterator<Item = &[u8]> {
    topic.split(|&byte| byte == b'/')
}

fn has_null(topic: &str) -> bool {
    topic.as_bytes().contains(&0)
}

fn has_wildcard(bytes: &[u8]) -> bool {
    bytes.iter().any(|&byte| byte == b'+' || byte == b'#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_no_wildcards_and_a_maximum_length() {
        let longest = "a".repeat(MAX_LEN);
        for good in ["a", "/", "a//b", "$SYS/x", "a b", "é/ü", longest.as_str()] {
            assert!(is_name(good), "{good:.20}");
        }
        let too_long = "a".repeat(MAX_LEN + 1);
        for bad in ["", "+", "#", "a/+", "a#", "a+b/c", "a\0", too_long.as_str()] {
            assert!(!is_name(bad), "{bad:.20}");
        }
    }

    #[test]
    fn wildcards_fill_whole_levels_of_a_filter() {
        let longest = "a".repeat(MAX_LEN);
        for good in [
            "a",
            "/",
            "#",
            "+",
            "+/#",
            "/+",
            "a/+/b",
            "a/#",
            "$share/g/a",
            longest.as_str(),
        ] {
            assert!(is_filter(good), "{good:.20}");
        }
        let too_long = "a".repeat(MAX_LEN + 1);
        for bad in [
            "",
            "a+",
            "+a",
            "a/b#",
            "#/",
            "#/a",
            "a/#/b",
            "a/+b/c",
            "++",
            "a/\0",
            too_long.as_str(),
        ] {
            assert!(!is_filter(bad), "{bad:.20}");
        }
    }

    #[test]
    fn filters_match_the_topics_the_specification_says() {
        for (filter, topic, expected) in [
            ("a", "a", true),
            ("a", "b", false),
            ("a", "A", false),
            ("a", "/a", false),
            ("a/b", "a", false),
            ("a", "a/b", false),
            ("a/", "a", false),
            ("a/", "a/", true),
            ("sport/tennis/player1/#", "sport/tennis/player1", true),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/ranking",
                true,
            ),
            (
                "sport/tennis/player1/#",
                "sport/tennis/player1/score/wimbledon",
                true,
            ),
            ("sport/tennis/player1/#", "sport/tennis/player12", false),
            ("sport/#", "sport", true),
            ("#", "a/b/c", true),
            ("#", "/", true),
            ("sport/tennis/+", "sport/tennis/player1", true),
            ("sport/tennis/+", "sport/tennis/player1/ranking", false),
            ("sport/+", "sport", false),
            ("sport/+", "sport/", true),
            ("+", "finance", true),
            ("+", "/finance", false),
            ("+/+", "/finance", true),
            ("/+", "/finance", true),
            ("+/a/#", "x/a", true),
            ("+/#", "a", true),
            ("a/+/#", "a", false),
            ("a//b", "a//b", true),
            ("a/+/b", "a//b", true),
            ("a//b", "a/b", false),
            ("#", "$SYS/monitor", false),
            ("+/monitor", "$SYS/monitor", false),
            ("$SYS/#", "$SYS", true),
            ("$SYS/#", "$SYS/monitor", true),
            ("$SYS/+", "$SYS/monitor", true),
            ("$SYS/#", "SYS/monitor", false),
            ("%c", "%c", true),
        ] {
            assert_eq!(
                matches(filter.as_bytes(), topic.as_bytes()),
                expected,
                "{filter} {topic}"
            );
        }
    }

    #[test]
    fn filter_covers_a_narrower_filter() {
        for (wide, narrow, expected) in [
            ("#", "#", true),
            ("#", "+/a/#", true),
            ("a/#", "a/#", true),
            ("a/#", "a", true),
            ("a/#", "a/+", true),
            ("a/#", "a/+/b/#", true),
            ("a/#", "#", false),
            ("a/#", "+/b", false),
            ("a/+", "a/+", true),
            ("a/+", "a/b", true),
            ("a/+", "a/#", false),
            ("a/+", "a", false),
            ("a/b", "a/+", false),
            ("a/b", "a/#", false),
            ("a/b", "a/b/#", false),
            ("+/#", "#", false),
            ("#", "$SYS/#", false),
            ("+/b", "$SYS/b", false),
            ("$SYS/#", "$SYS/broker/#", true),
            ("$SYS/broker/uptime", "$SYS/broker/#", false),
        ] {
            let covered = covers(wide.as_bytes(), narrow.as_bytes(), None);
            assert_eq!(covered, expected, "{wide} {narrow}");
        }
    }

    #[test]
    fn patterns_stand_for_one_level_that_names_the_client() {
        let known = Identity {
            client_id: Some(b"me"),
            username: Some(b"joe"),
        };
        for (filter, topic, expected) in [
            ("%c", "me", true),
            ("%c/%u", "me/joe", true),
            ("%u", "me", false),
            ("dev/%c/#", "dev/me", true),
            ("dev/%c/#", "dev/you", false),
            ("dev/%c/+", "dev/me/+", true),
            ("dev/%c", "dev/+", false),
            ("dev/%c", "dev/#", false),
            ("dev/x%c", "dev/xme", false),
            ("dev/x%c", "dev/x%c", true),
            ("dev/%c", "dev/%c", false),
        ] {
            let covered = covers(filter.as_bytes(), topic.as_bytes(), Some(&known));
            assert_eq!(covered, expected, "{filter} {topic}");
        }
    }

    #[test]
    fn patterns_without_a_value_cover_nothing() {
        let unknown = Identity::default();
        for topic in ["%c", "", "me"] {
            assert!(!covers(b"%c", topic.as_bytes(), Some(&unknown)), "{topic}");
            assert!(!covers(b"%u", topic.as_bytes(), Some(&unknown)), "{topic}");
        }
    }

    #[test]
    fn client_named_like_a_wildcard_or_a_server_topic_gains_nothing() {
        for (name, wanted) in [("+", "+"), ("#", "#"), ("$SYS", "$SYS")] {
            let name = Identity {
                client_id: Some(name.as_bytes()),
                username: None,
            };
            assert!(!covers(b"%c", wanted.as_bytes(), Some(&name)), "{wanted}");
        }
    }

    /// Matching as the specification's prose puts it, one level after the other.
    fn reference(filter: &[&str], topic: &[&str]) -> bool {
        match (filter, topic) {
            ([], []) | (["#"], _) => true,
            ([], _) | (_, []) => false,
            ([level, filter @ ..], [name, topic @ ..]) => {
                (*level == "+" || level == name) && reference(filter, topic)
            }
        }
    }

    fn level() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["", "a", "b", "ab", "é"])
    }

    prop_compose! {
        fn filter()(
            levels in prop::collection::vec(prop_oneof![level(), Just("+")], 1..5),
            open_end in any::<bool>(),
        ) -> String {
            let filter = levels.join("/");
            if open_end { filter + "/#" } else { filter }
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_the_reference(
            filter in filter(),
            topic in prop::collection::vec(level(), 1..6),
        ) {
            let topic = topic.join("/");
            let expected = reference(
                &filter.split('/').collect::<Vec<_>>(),
                &topic.split('/').collect::<Vec<_>>(),
            );
            prop_assert_eq!(matches(filter.as_bytes(), topic.as_bytes()), expected);
        }

        #[test]
        fn what_the_narrower_filter_matches_the_covering_one_matches(
            wide in filter(),
            narrow in filter(),
            topic in prop::collection::vec(level(), 1..6),
        ) {
            let topic = topic.join("/");
            if covers(wide.as_bytes(), narrow.as_bytes(), None)
                && matches(narrow.as_bytes(), topic.as_bytes())
            {
                prop_assert!(matches(wide.as_bytes(), topic.as_bytes()));
            }
        }

        #[test]
        fn every_generated_filter_is_well_formed(filter in filter()) {
            prop_assert!(is_filter_or_empty(filter.as_bytes()));
        }
    }
}
