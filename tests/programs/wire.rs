//! What the broker saw of the programs: half of a library's work leaves no
//! trace in what a program prints.

/// What the programs asked of the broker, client by client in the order of their
/// first connections: CONNECT with its will, SUBSCRIBE and UNSUBSCRIBE with their
/// filters, PUBLISH.
///
/// Left out is what depends on how many packets are on their way when a program
/// leaves: what the broker sends, the acknowledgements of that, and whether it
/// reads DISCONNECT before it fails to write.
pub(crate) fn requests(log: &[String]) -> String {
    let mut by_client: Vec<(&str, String)> = Vec::new();
    let mut client = "";
    let mut keep = false;
    for line in log {
        if let Some(detail) = line.strip_prefix('\t') {
            // Belongs to the line before.
            if keep {
                push(&mut by_client, client, &format!("  {detail}"));
            }
            continue;
        }
        // A will is described after the client it belongs to.
        if line == "No will message specified." || line.starts_with("Will message specified") {
            push(&mut by_client, client, line);
            keep = true;
            continue;
        }
        let words: Vec<&str> = line.split(' ').collect();
        keep = match words[..] {
            ["New", "client", "connected", "from", _, "as", id, ..] => {
                client = id;
                push(
                    &mut by_client,
                    id,
                    &format!("connected {}", words[7..].join(" ")),
                );
                true
            }
            ["Received", "SUBSCRIBE" | "UNSUBSCRIBE" | "PUBLISH", "from", id, ..] => {
                client = id;
                push(&mut by_client, id, line);
                true
            }
            _ => false,
        };
    }
    let requests = by_client.into_iter().map(|(_, requests)| requests);
    requests.collect()
}

fn push<'a>(by_client: &mut Vec<(&'a str, String)>, client: &'a str, line: &str) {
    let at = by_client.iter().position(|(id, _)| *id == client);
    let at = at.unwrap_or_else(|| {
        by_client.push((client, String::new()));
        by_client.len() - 1
    });
    by_client[at].1.push_str(line);
    by_client[at].1.push('\n');
}

#[test]
fn the_requests_of_each_client_stay_in_order_and_the_brokers_answers_go() {
    let log = [
        "New client connected from 127.0.0.1:1 as s (p2, c1, k60).",
        "No will message specified.",
        "Sending CONNACK to s (0, 0)",
        "New client connected from 127.0.0.1:2 as p (p2, c1, k60).",
        "Will message specified (4 bytes) (r0, q1).",
        "\tw",
        "Received SUBSCRIBE from s",
        "\ta (QoS 0)",
        "s 0 a",
        "Received PUBLISH from p (d0, q0, r0, m0, 'a', ... (5 bytes))",
        "Sending PUBLISH to s (d0, q0, r0, m0, 'a', ... (5 bytes))",
        "Client p disconnected.",
    ]
    .map(str::to_owned);
    assert_eq!(
        requests(&log),
        "connected (p2, c1, k60).\n\
         No will message specified.\n\
         Received SUBSCRIBE from s\n  a (QoS 0)\n\
         connected (p2, c1, k60).\n\
         Will message specified (4 bytes) (r0, q1).\n  w\n\
         Received PUBLISH from p (d0, q0, r0, m0, 'a', ... (5 bytes))\n"
    );
}
