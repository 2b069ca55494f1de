//! Requests and responses by topics alone, for MQTT 3.1.1: a request to `t` goes to
//! `t/request/REQUESTER/NUMBER` and its response to `t/response/REQUESTER/NUMBER`.

/// Where a request goes.
pub fn request(topic: &str, requester: &str, id: u64) -> String {
    format!("{topic}/request/{requester}/{id:016x}")
}

/// What the requester subscribes to.
pub fn responses(topic: &str, requester: &str) -> String {
    [topic, "/response/", requester, "/+"].concat()
}

/// What who answers requests to `filter` subscribes to, besides `filter`.
pub fn requests(filter: &str) -> String {
    [filter, "/request/+/+"].concat()
}

/// What was asked for by a request to `topic`, and the two levels behind; `None` if it is not of
/// the kind.
pub fn parse(topic: &str) -> Option<(&str, &str)> {
    let last = topic.rfind('/')?;
    let second = topic[..last].rfind('/')?;
    let asked = topic[..second].strip_suffix("/request")?;
    Some((asked, &topic[second..]))
}

/// Where the response to a request goes that went to `topic`; `None` if that is not of the kind.
pub fn response_to(topic: &str) -> Option<String> {
    let (asked, rest) = parse(topic)?;
    Some([asked, "/response", rest].concat())
}

/// The number at the end of the topic of a response.
pub fn number_of(topic: &str) -> Option<u64> {
    let (_, number) = topic.split_at(topic.rfind('/')? + 1);
    u64::from_str_radix(number, 16).ok()
}

/// Whether a response to `topic` came where `filter`, which [`responses`] made or is a topic name,
/// expects it.
pub fn is_expected(topic: &str, filter: &str) -> bool {
    match filter.strip_suffix('+') {
        Some(prefix) => topic
            .strip_prefix(prefix)
            .is_some_and(|number| !number.contains('/')),
        None => topic == filter,
    }
}

/// Whether a name may stand as one level of a topic.
pub fn is_level(name: &str) -> bool {
    let forbidden = |byte: &u8| matches!(byte, b'/' | b'+' | b'#' | 0);
    !name.is_empty() && !name.as_bytes().iter().any(forbidden)
}

/// The filter that messages match which come of a subscription to `filter`: what is shared, where
/// it is a shared subscription (MQTT 5.0 section 4.8.2).
pub fn unshared(filter: &str) -> &str {
    let shared = filter.strip_prefix("$share/");
    let shared = shared.and_then(|rest| rest.split_once('/'));
    shared.map_or(filter, |(_, shared)| shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_finds_its_way_back() {
        let topic = request("a/b", "me", 0x1f);
        assert_eq!(topic, "a/b/request/me/000000000000001f");
        assert_eq!(parse(&topic), Some(("a/b", "/me/000000000000001f")));
        let back = response_to(&topic).unwrap();
        assert_eq!(back, "a/b/response/me/000000000000001f");
        assert!(is_expected(&back, &responses("a/b", "me")));
        assert_eq!(number_of(&back), Some(0x1f));
        assert!(!is_expected(&back, &responses("a/b", "you")));
        assert!(!is_expected(&back, &responses("a", "me")));
        assert!(!is_expected("a/b/response/me", "a/b/response/me/+"));
        assert!(!is_expected("a/b/response/me/1/2", "a/b/response/me/+"));
        assert!(is_expected("mqttrs/response/me", "mqttrs/response/me"));
    }

    #[test]
    fn other_topics_are_no_requests() {
        for topic in [
            "a",
            "a/b",
            "a/request/me",
            "a/xrequest/me/1",
            "request/me/1",
        ] {
            assert_eq!(response_to(topic), None, "{topic}");
        }
        for topic in ["a", "a/", "a/xyz", "a/11112222333344445"] {
            assert_eq!(number_of(topic), None, "{topic}");
        }
    }

    #[test]
    fn what_is_shared_is_what_messages_match() {
        assert_eq!(requests("a/+"), "a/+/request/+/+");
        assert_eq!(unshared("$share/g/a/b"), "a/b");
        assert_eq!(unshared("$share/g"), "$share/g");
        assert_eq!(unshared("a"), "a");
    }

    #[test]
    fn levels_have_no_separators_and_no_wildcards() {
        assert!(is_level("me") && is_level("$me") && is_level("a b"));
        for bad in ["", "a/b", "a+", "#", "a\0"] {
            assert!(!is_level(bad), "{bad:?}");
        }
    }
}
