//! Topics and filters against slow and simple matchers.

use mqttrs::types::topic;

/// A filter and a name, with a line break between them.
pub fn run(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let mut part = || String::from_utf8_lossy(parts.next().unwrap_or(b"")).into_owned();
    let (filter, name) = (&part(), &part());
    let is_filter = topic::is_filter(filter);
    let is_name = topic::is_name(name);
    assert_eq!(is_filter, is_filter_simply(filter));
    assert_eq!(
        is_name,
        !name.is_empty() && name.len() <= 65535 && !name.contains(['+', '#', '\0'])
    );
    if is_filter && is_name {
        let levels: Vec<_> = filter.split('/').collect();
        let parts: Vec<_> = name.split('/').collect();
        let hidden = name.starts_with('$') && !filter.starts_with('$');
        assert_eq!(
            topic::matches(filter.as_bytes(), name.as_bytes()),
            !hidden && matches_simply(&levels, &parts),
            "{filter:?} {name:?}"
        );
    }
    // Whatever they are, no panic.
    topic::matches(filter.as_bytes(), name.as_bytes());
    topic::covers(
        filter.as_bytes(),
        name.as_bytes(),
        Some(&topic::Identity::default()),
    );
    let identity = topic::Identity {
        client_id: Some(name.as_bytes()),
        username: Some(filter.as_bytes()),
    };
    topic::covers(filter.as_bytes(), name.as_bytes(), Some(&identity));
    if is_filter && !filter.starts_with('$') {
        assert!(topic::covers(filter.as_bytes(), filter.as_bytes(), None));
    }
}

fn is_filter_simply(filter: &str) -> bool {
    let levels: Vec<_> = filter.split('/').collect();
    !filter.is_empty()
        && !filter.contains('\0')
        && filter.len() <= 65535
        && levels
            .iter()
            .enumerate()
            .all(|(index, level)| match *level {
                "+" => true,
                "#" => index == levels.len() - 1,
                _ => !level.contains(['+', '#']),
            })
}

fn matches_simply(filter: &[&str], name: &[&str]) -> bool {
    match (filter, name) {
        (["#"], _) => true,
        ([], []) => true,
        (["+", filter @ ..], [_, name @ ..]) => matches_simply(filter, name),
        ([level, filter @ ..], [part, name @ ..]) => level == part && matches_simply(filter, name),
        _ => false,
    }
}
