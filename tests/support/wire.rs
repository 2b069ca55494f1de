//! A client and the broker's end of its connection, in one hand.

use std::ffi::c_int;
use std::time::Duration;

use super::broker::{Broker, Peer};
use super::capi::{MOSQ_ERR_CONN_LOST, MOSQ_ERR_SUCCESS};
use super::client::{Client, Drive};
use super::events::{Event, Message};
use super::packet::{
    connack, connect, disconnect_reason, puback, publish, Connect, Version, DISCONNECT,
};
use super::prop::Prop;

/// How long the client may wait inside one step.
const STEP: Duration = Duration::from_millis(2);

/// What a connection shall be like.
pub struct Setup {
    version: Version,
    connect: Connect,
    clean: bool,
    keep_alive: u16,
    props: Vec<Prop>,
    session_present: bool,
    connack_props: Vec<Prop>,
    drive: Drive,
    narrow: bool,
    configure: Box<dyn FnOnce(&Client)>,
}

impl Setup {
    /// Client `t`, clean session, keep alive 60 s, driven by `mosquitto_loop`.
    pub fn new(version: Version) -> Setup {
        Setup {
            version,
            connect: connect(version, "t"),
            clean: true,
            keep_alive: 60,
            props: Vec::new(),
            session_present: false,
            connack_props: Vec::new(),
            drive: Drive::Loop,
            narrow: false,
            configure: Box::new(|_| ()),
        }
    }

    pub fn clean(mut self, clean: bool) -> Self {
        self.clean = clean;
        self.connect = self.connect.clean(clean);
        self
    }

    pub fn keep_alive(mut self, seconds: u16) -> Self {
        self.keep_alive = seconds;
        self.connect = self.connect.keep_alive(seconds);
        self
    }

    /// Properties the program gives with CONNECT.
    pub fn props(mut self, props: &[Prop]) -> Self {
        self.props = props.to_vec();
        self.connect = self.connect.props(props);
        self
    }

    /// The Receive Maximum expected in CONNECT.
    pub fn receive_maximum(mut self, maximum: Option<u16>) -> Self {
        self.connect = self.connect.receive_maximum(maximum);
        self
    }

    pub fn session_present(mut self) -> Self {
        self.session_present = true;
        self
    }

    /// Properties the broker sends with CONNACK.
    pub fn connack_props(mut self, props: &[Prop]) -> Self {
        self.connack_props = props.to_vec();
        self
    }

    pub fn drive(mut self, drive: Drive) -> Self {
        self.drive = drive;
        self
    }

    /// The network holds few bytes that the broker has not read.
    pub fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// Something to do with the client before it connects.
    pub fn configure(mut self, configure: impl FnOnce(&Client) + 'static) -> Self {
        self.configure = Box::new(configure);
        self
    }

    /// Connects until CONNECT has been read and before CONNACK is sent.
    pub fn connecting(self) -> Wire {
        let broker = Broker::start();
        if self.narrow {
            broker.narrow();
        }
        let mut client = Client::new(self.version, Some("t"), self.clean);
        client.drive = self.drive;
        (self.configure)(&client);
        if self.props.is_empty() {
            client.connect(broker.port(), self.keep_alive).unwrap();
        } else {
            client
                .connect_props(broker.port(), self.keep_alive, &self.props)
                .unwrap();
        }
        if self.drive == Drive::Thread {
            client.loop_start().unwrap();
        }
        let peer = broker.accept();
        let mut wire = Wire {
            version: self.version,
            client,
            broker,
            peer,
            connect: self.connect.bytes(),
        };
        let connect = wire.connect.clone();
        wire.expect(&connect);
        wire
    }

    /// Connects, with CONNACK and on_connect.
    pub fn open(self) -> Wire {
        let (present, props) = (self.session_present, self.connack_props.clone());
        let mut wire = self.connecting();
        wire.accept_session(present, &props);
        wire
    }
}

/// A client and the broker's end of its connection.
pub struct Wire {
    pub version: Version,
    pub client: Client,
    pub broker: Broker,
    pub peer: Peer,
    /// The CONNECT expected from this client.
    pub connect: Vec<u8>,
}

impl Wire {
    /// A connected client with nothing special.
    pub fn open(version: Version) -> Wire {
        Setup::new(version).open()
    }

    /// The client sends exactly this next.
    #[track_caller]
    pub fn expect(&mut self, bytes: &[u8]) {
        let client = &mut self.client;
        self.peer.expect_while(bytes, |peer| step(client, peer));
    }

    /// The client sends these next, one behind the other.
    #[track_caller]
    pub fn expect_all(&mut self, packets: &[Vec<u8>]) {
        self.expect(&packets.concat());
    }

    /// The next packet of the client, whatever it is.
    pub fn take_packet(&mut self) -> Vec<u8> {
        let client = &mut self.client;
        self.peer.take_packet_while(|peer| step(client, peer))
    }

    /// The broker sends.
    pub fn send(&mut self, bytes: &[u8]) {
        self.peer.send(bytes);
    }

    /// The next callback must be this one.
    #[track_caller]
    pub fn event(&mut self, event: Event) {
        self.client.expect_event(event);
    }

    /// Sends a CONNACK that accepts, and awaits on_connect.
    #[track_caller]
    pub fn accept_session(&mut self, present: bool, props: &[Prop]) {
        self.send(&connack(self.version, present, 0, props));
        // MQTT 3.1 has no such flag.
        let flags = c_int::from(present && self.version != Version::V31);
        self.event(Event::ConnectV5(0, flags, props.to_vec()));
    }

    /// The client closes without another byte.
    #[track_caller]
    pub fn expect_close(&mut self) {
        let client = &mut self.client;
        self.peer.expect_close_while(|peer| step(client, peer));
    }

    /// Everything the client had to say has been read: a QoS 1 message is answered
    /// next. The packet identifier is 65000 and the message is taken as well.
    #[track_caller]
    pub fn expect_silence(&mut self) {
        let marker = publish("silence", b"?").qos(1, 65000).bytes(self.version);
        self.send(&marker);
        self.expect(&puback(65000));
        let message = Message::new("silence", b"?").qos(1, 65000);
        self.event(Event::MessageV5(message, Vec::new()));
    }

    /// Ends the connection in order: the client has nothing more to send than
    /// DISCONNECT, and nothing more to tell than that.
    #[track_caller]
    pub fn finish(mut self) {
        self.end();
    }

    /// The same, keeping the client.
    #[track_caller]
    pub fn end(&mut self) {
        self.client.disconnect().unwrap();
        self.expect(&DISCONNECT);
        self.expect_close();
        self.event(Event::DisconnectV5(0, Vec::new()));
        assert_eq!(self.client.try_event(), None);
    }

    /// The broker breaks the connection and the client notices.
    #[track_caller]
    pub fn lose(&mut self) {
        self.peer.close();
        self.event(Event::DisconnectV5(MOSQ_ERR_CONN_LOST, Vec::new()));
        if self.client.drive != Drive::Thread {
            assert_eq!(self.client.run_until_error(), MOSQ_ERR_CONN_LOST);
        }
    }

    /// `mosquitto_reconnect` up to the CONNECT read.
    #[track_caller]
    pub fn reconnect(&mut self) {
        self.client.reconnect().unwrap();
        self.client.last = MOSQ_ERR_SUCCESS;
        self.accept_again();
    }

    /// The next connection of the same client, up to the CONNECT read.
    #[track_caller]
    pub fn accept_again(&mut self) {
        self.peer = self.broker.accept();
        let connect = self.connect.clone();
        self.expect(&connect);
    }

    /// The client ends the connection because of what the broker did: the loop ends with
    /// `code`, in MQTT 5 after a DISCONNECT with `reason`.
    #[track_caller]
    pub fn expect_failure(mut self, code: c_int, reason: u8) {
        if self.version.is_v5() {
            self.expect(&disconnect_reason(reason));
        }
        self.expect_close();
        self.event(Event::DisconnectV5(code, Vec::new()));
        if self.client.drive != Drive::Thread {
            assert_eq!(self.client.run_until_error(), code);
        }
        assert_eq!(self.client.socket(), -1);
        assert_eq!(self.client.try_event(), None);
    }

    /// The client closes because of what the broker did; in MQTT 5 after a DISCONNECT
    /// with one of `reasons`, where the specification leaves the choice.
    #[track_caller]
    pub fn expect_close_with(mut self, reasons: &[u8]) {
        if self.version.is_v5() {
            let packet = self.take_packet();
            assert!(
                packet.len() == 3 && packet[..2] == [0xE0, 1] && reasons.contains(&packet[2]),
                "{packet:02x?} is no DISCONNECT with one of {reasons:02x?}"
            );
        }
        self.expect_close();
        let event = self.client.next_event();
        assert!(
            matches!(event, Event::DisconnectV5(code, _) if code != 0),
            "{event:?}"
        );
        assert_eq!(self.client.try_event(), None);
    }
}

fn step(client: &mut Client, peer: &mut Peer) {
    if client.drive == Drive::Thread || client.last != MOSQ_ERR_SUCCESS {
        peer.wait(STEP);
    } else {
        client.step(STEP);
    }
}
