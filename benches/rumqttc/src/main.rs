//! The rumqttc crate: its asynchronous client on a runtime of one thread. Modes: publish,
//! receive, pingpong; the command line and the output are those of `measure.h`.

use std::process::exit;
use std::time::{Duration, Instant};

use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, QoS, TlsConfiguration, Transport,
};

struct Options {
    mode: String,
    port: u16,
    count: u64,
    qos: u8,
    size: usize,
    topics: u64,
    window: u16,
    ahead: usize,
    tls: Option<String>,
}

impl Options {
    fn read() -> Options {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [mode, port, count, rest @ ..] = &words[..] else {
            usage()
        };
        let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| usage());
        let mut options = Options {
            mode: mode.clone(),
            port: number(port) as u16,
            count: number(count),
            qos: 0,
            size: 64,
            topics: 1,
            window: 20,
            ahead: 0,
            tls: None,
        };
        for word in rest {
            match word.split_once('=') {
                Some(("qos", value)) => options.qos = number(value) as u8,
                Some(("size", value)) => options.size = number(value) as usize,
                Some(("topics", value)) => options.topics = number(value),
                Some(("window", value)) => options.window = number(value) as u16,
                Some(("ahead", value)) => options.ahead = number(value) as usize,
                Some(("tls", value)) => options.tls = Some(value.to_owned()),
                _ => usage(),
            }
        }
        options
    }

    fn qos(&self) -> QoS {
        match self.qos {
            0 => QoS::AtMostOnce,
            1 => QoS::AtLeastOnce,
            _ => QoS::ExactlyOnce,
        }
    }

    fn window(&self) -> u16 {
        if self.window == 0 {
            u16::MAX
        } else {
            self.window
        }
    }

    fn topic(&self, number: u64) -> String {
        if self.topics <= 1 {
            "t".to_owned()
        } else {
            format!("t/{:03}", number % self.topics)
        }
    }

    fn payload(&self, number: u64) -> Vec<u8> {
        let mut payload = vec![b'x'; self.size];
        payload[..4].copy_from_slice(&0u32.to_ne_bytes());
        payload[4..12].copy_from_slice(&number.to_ne_bytes());
        payload
    }

    fn client(&self, mode: &str) -> (AsyncClient, EventLoop) {
        let (qos, size, topics, window, count) =
            (self.qos, self.size, self.topics, self.window(), self.count);
        let id = format!("{mode}-q{qos}-s{size}-t{topics}-w{window}-n{count}");
        let mut options = MqttOptions::new(id, "127.0.0.1", self.port);
        options.set_keep_alive(Duration::from_secs(60));
        options.set_inflight(self.window());
        options.set_max_packet_size(4 << 20, 4 << 20);
        if let Some(path) = &self.tls {
            let ca = std::fs::read(path).unwrap_or_else(|error| fail(&error));
            options.set_transport(Transport::Tls(TlsConfiguration::Simple {
                ca,
                alpn: None,
                client_auth: None,
            }));
        }
        AsyncClient::new(options, if self.ahead == 0 { 1000 } else { self.ahead })
    }
}

fn usage() -> ! {
    eprintln!("usage: rumqttc MODE PORT COUNT [KEY=VALUE...], see measure.h");
    exit(2)
}

fn fail(error: &dyn std::fmt::Display) -> ! {
    eprintln!("rumqttc: {error}");
    exit(1)
}

fn cpu() -> Duration {
    // SAFETY: an all-zero rusage is a valid one, and getrusage fills it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}

struct Span(Duration, Instant);

impl Span {
    fn begin() -> Span {
        Span(cpu(), Instant::now())
    }

    fn print(&self, count: u64) {
        let (cpu, wall) = (cpu() - self.0, self.1.elapsed());
        print!(
            "n={count} cpu_ns={} wall_ns={}",
            cpu.as_nanos(),
            wall.as_nanos()
        );
    }
}

async fn next(events: &mut EventLoop) -> Event {
    events.poll().await.unwrap_or_else(|error| fail(&error))
}

async fn connected(events: &mut EventLoop) {
    while !matches!(next(events).await, Event::Incoming(Packet::ConnAck(_))) {}
}

async fn disconnect(client: AsyncClient, mut events: EventLoop) {
    client
        .disconnect()
        .await
        .unwrap_or_else(|error| fail(&error));
    while events.poll().await.is_ok() {}
    println!();
}

/// Whether the message is the one that was due.
fn right(message: &Publish, number: u64, size: usize) -> bool {
    message.payload.len() == size && message.payload[4..12] == number.to_ne_bytes()
}

async fn publish(options: Options) {
    let (client, mut events) = options.client("pub");
    connected(&mut events).await;
    let (count, qos) = (options.count, options.qos());
    let span = Span::begin();
    let publisher = client.clone();
    tokio::task::spawn(async move {
        for number in 0..count {
            let (topic, payload) = (options.topic(number), options.payload(number));
            publisher
                .publish(topic, qos, false, payload)
                .await
                .unwrap_or_else(|error| fail(&error));
        }
        if qos == QoS::AtMostOnce {
            let end = publisher
                .publish("control/end", QoS::AtLeastOnce, false, "")
                .await;
            end.unwrap_or_else(|error| fail(&error));
        }
    });
    let mut left = if qos == QoS::AtMostOnce { 1 } else { count };
    while left > 0 {
        if let Event::Incoming(Packet::PubAck(_) | Packet::PubComp(_)) = next(&mut events).await {
            left -= 1;
        }
    }
    span.print(count);
    disconnect(client, events).await;
}

async fn receive(options: Options) {
    let (client, mut events) = options.client("rcv");
    connected(&mut events).await;
    let span = Span::begin();
    client
        .subscribe("t/#", options.qos())
        .await
        .unwrap_or_else(|error| fail(&error));
    let (mut seen, mut wrong) = (0, 0);
    while seen < options.count {
        if let Event::Incoming(Packet::Publish(message)) = next(&mut events).await {
            wrong += u64::from(!right(&message, seen, options.size));
            seen += 1;
        }
    }
    span.print(seen);
    print!(" wrong={wrong}");
    disconnect(client, events).await;
}

async fn pingpong(options: Options) {
    let (client, mut events) = options.client("echo");
    connected(&mut events).await;
    let span = Span::begin();
    let (mut samples, mut wrong) = (Vec::new(), 0);
    for number in 0..options.count {
        let sent = Instant::now();
        let publish = client
            .publish("t", QoS::AtMostOnce, false, options.payload(number))
            .await;
        publish.unwrap_or_else(|error| fail(&error));
        loop {
            if let Event::Incoming(Packet::Publish(message)) = next(&mut events).await {
                wrong += u64::from(!right(&message, number, options.size));
                break;
            }
        }
        samples.push(sent.elapsed().as_nanos());
    }
    span.print(options.count);
    samples.sort_unstable();
    let (median, p99) = (
        samples[samples.len() / 2],
        samples[samples.len() * 99 / 100],
    );
    print!(" median_ns={median} p99_ns={p99} wrong={wrong}");
    disconnect(client, events).await;
}

fn main() {
    let options = Options::read();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.unwrap_or_else(|error| fail(&error));
    match options.mode.as_str() {
        "publish" => runtime.block_on(publish(options)),
        "receive" => runtime.block_on(receive(options)),
        "pingpong" => runtime.block_on(pingpong(options)),
        mode => fail(&format!("no mode {mode}")),
    }
}
