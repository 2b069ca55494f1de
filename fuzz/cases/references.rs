//! Any text as a server reference: the servers that a slow and simple reader finds there.

use mqttrs::client::read_references;

pub fn run(input: &[u8]) {
    let Some((port, text)) = input.split_first_chunk() else {
        return;
    };
    let (port, text) = (u16::from_be_bytes(*port), String::from_utf8_lossy(text));
    let found = read_references(&text, port);
    let expected: Vec<_> = text
        .split(' ')
        .filter_map(|word| server(word, port))
        .collect();
    assert_eq!(found, expected[..expected.len().min(16)]);
}

/// `name`, `name:port`, `[address]`, `[address]:port`, or an IPv6 address.
fn server(word: &str, port: u16) -> Option<(String, u16)> {
    let (host, number) = if word.starts_with('[') {
        let end = word.find(']')?;
        let number = match &word[end + 1..] {
            "" => None,
            rest if rest.starts_with(':') => Some(&rest[1..]),
            _ => return None,
        };
        (&word[1..end], number)
    } else if word.matches(':').count() == 1 {
        let at = word.find(':')?;
        (&word[..at], Some(&word[at + 1..]))
    } else {
        (word, None)
    };
    let port = match number {
        Some(number) => number.parse().ok()?,
        None => return (!refused(host)).then(|| (host.to_owned(), port)),
    };
    (port != 0 && !refused(host)).then(|| (host.to_owned(), port))
}

fn refused(host: &str) -> bool {
    host.is_empty() || host.len() > 255 || host.contains('/')
}
