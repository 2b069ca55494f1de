//! Topic names and topic filters: checks and matching (MQTT 5.0 section 4.7).

/// Whether `topic` may stand in a PUBLISH: not empty, no wildcards, at most 65535 bytes.
pub fn is_name(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= 65535 && !topic.bytes().any(|b| b == b'+' || b == b'#')
}

/// Whether `filter` may stand in a SUBSCRIBE: not empty, at most 65535 bytes, `+` only as a
/// whole level, `#` only as the whole last level, and a shared subscription's
/// `$share/{name}/{filter}` complete.
pub fn is_filter(filter: &str) -> bool {
    if filter.is_empty() || filter.len() > 65535 {
        return false;
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        match level {
            "+" => {}
            "#" => {
                if levels.peek().is_some() {
                    return false;
                }
            }
            _ if level.bytes().any(|b| b == b'+' || b == b'#') => return false,
            _ => {}
        }
    }
    true
}
