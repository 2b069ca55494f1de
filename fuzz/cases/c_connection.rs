//! Calls of the C API on connected clients, also inside callbacks and on handles that are
//! destroyed, while a server sends anything: no crash, no bad access, no leak, all that is
//! sent are packets that a client may send, each accepted message has one outcome, and the life
//! cycle takes the steps that are written down for it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint, c_void, CStr, CString};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ptr;
use std::time::Duration;

use mqttrs::codec::{Ack, AckKind, Connack, Frame, Packet, Properties, Publish};
use mqttrs::types::{PacketId, ProtocolVersion, QoS, ReasonCode};
use socket2::SockRef;

use super::capi::*;
use super::mqttrs_api::{self, *};
use super::script::Script;

const MOST_HANDLES: usize = 3;

thread_local! {
    static LISTENER: TcpListener = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        listener
    };
    /// What callbacks do, last first.
    static DEEDS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Clients that a callback destroyed.
    static FALLEN: RefCell<Vec<*mut mosquitto>> = const { RefCell::new(Vec::new()) };
    /// Whether a callback runs: they never overlap.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// Whether a client is being destroyed, which tells of its messages even in a callback.
    static DESTROYING: Cell<bool> = const { Cell::new(false) };
    static LEDGERS: RefCell<HashMap<usize, Ledger>> = RefCell::new(HashMap::new());
}

/// What a client has said so far.
#[derive(Debug, Default)]
struct Ledger {
    /// How many publish calls are going on.
    publishing: usize,
    /// Accepted messages without an outcome.
    open: Vec<c_int>,
    /// Outcomes told before the publish call returned.
    early: Vec<c_int>,
    /// Where the life cycle stands, as MQTTRS_LIFECYCLE_*.
    state: c_int,
}

impl Ledger {
    fn accepted(&mut self, mid: c_int) {
        match self.early.iter().position(|early| *early == mid) {
            Some(place) => drop(self.early.swap_remove(place)),
            None => self.open.push(mid),
        }
    }

    fn ended(&mut self, mid: c_int) {
        match self.open.iter().position(|open| *open == mid) {
            Some(place) => drop(self.open.swap_remove(place)),
            None => {
                assert!(
                    self.publishing > 0,
                    "an outcome for nothing: {mid} of {self:?}"
                );
                self.early.push(mid);
            }
        }
    }

    fn moved(&mut self, to: c_int) {
        const IDLE: c_int = 0;
        const CONNECTING: c_int = 1;
        const UP: c_int = 2;
        const WAITING: c_int = 3;
        const GIVEN_UP: c_int = 4;
        let may = match to {
            CONNECTING => true,
            UP => self.state == CONNECTING,
            WAITING | GIVEN_UP => true,
            IDLE => [CONNECTING, UP, WAITING].contains(&self.state),
            _ => false,
        };
        assert!(may, "from {} to {to}", self.state);
        self.state = to;
    }
}

fn ledger<T>(m: *mut mosquitto, with: impl FnOnce(&mut Ledger) -> T) -> T {
    LEDGERS.with(|all| with(all.borrow_mut().entry(m as usize).or_default()))
}

/// Destroys a client.
unsafe fn destroy(m: *mut mosquitto) {
    let before = DESTROYING.replace(true);
    // SAFETY: the caller's promise.
    unsafe { mosquitto_destroy(m) };
    DESTROYING.set(before);
}

/// The client is gone and no call on it goes on: nothing is open.
fn close_ledger(m: *mut mosquitto) {
    if let Some(ledger) = LEDGERS.with(|all| all.borrow_mut().remove(&(m as usize))) {
        assert!(
            ledger.open.is_empty() && ledger.early.is_empty(),
            "{ledger:?}"
        );
    }
}

pub fn run(input: &[u8]) {
    let mut script = Script::new(input);
    let deeds = script.bytes().iter().rev().copied().collect();
    DEEDS.with(|calls| *calls.borrow_mut() = deeds);
    let mut world = World {
        handles: Vec::new(),
        dead: Vec::new(),
        peers: Vec::new(),
        // SAFETY: nothing is asked of the caller.
        group: unsafe { mqttrs_loop_new() },
    };
    while !script.is_empty() {
        // SAFETY: handles are NULL or were made by the library, strings end in NUL.
        unsafe { world.step(&mut script) };
        world.look();
    }
}

/// Where connections are accepted, on this thread.
pub fn port() -> u16 {
    LISTENER.with(|listener| listener.local_addr().unwrap().port())
}

/// Accepts the connections that wait.
pub fn accept(peers: &mut Vec<Peer>) {
    while let Ok((stream, _)) = LISTENER.with(TcpListener::accept) {
        // A reset at the end: nothing waits in the system for later.
        let socket = SockRef::from(&stream);
        socket.set_linger(Some(Duration::ZERO)).unwrap();
        stream.set_nonblocking(true).unwrap();
        peers.push(Peer {
            stream,
            received: Vec::new(),
            version: None,
        });
    }
}

/// The server's end of a connection.
pub struct Peer {
    stream: TcpStream,
    received: Vec<u8>,
    /// As CONNECT said.
    version: Option<ProtocolVersion>,
}

struct World {
    handles: Vec<*mut mosquitto>,
    dead: Vec<*mut mosquitto>,
    peers: Vec<Peer>,
    group: *mut c_void,
}

impl Drop for World {
    fn drop(&mut self) {
        DEEDS.with(|deeds| deeds.borrow_mut().clear());
        for handle in self.handles.drain(..) {
            // SAFETY: made by the library; no callback runs.
            unsafe { destroy(handle) };
            if !std::thread::panicking() {
                close_ledger(handle);
            }
        }
        // SAFETY: as above.
        unsafe { mqttrs_loop_destroy(self.group) };
        FALLEN.with(|fallen| fallen.borrow_mut().clear());
    }
}

impl World {
    /// A live handle most often, else a destroyed one or NULL.
    fn handle(&self, script: &mut Script<'_>) -> *mut mosquitto {
        let choice = usize::from(script.byte());
        match choice {
            0..=229 if !self.handles.is_empty() => self.handles[choice % self.handles.len()],
            230..=250 if !self.dead.is_empty() => self.dead[choice % self.dead.len()],
            _ => ptr::null_mut(),
        }
    }

    /// What became of the clients, and of what they sent.
    fn look(&mut self) {
        let fallen = FALLEN.with(|fallen| std::mem::take(&mut *fallen.borrow_mut()));
        self.handles.retain(|handle| !fallen.contains(handle));
        fallen.iter().for_each(|handle| close_ledger(*handle));
        self.dead.extend(fallen);
        accept(&mut self.peers);
        for peer in &mut self.peers {
            peer.look();
        }
    }

    unsafe fn step(&mut self, s: &mut Script<'_>) {
        // SAFETY: the caller's promise.
        unsafe {
            match s.byte() % 32 {
                0 | 1 => self.open(s),
                2 | 3 => {
                    let m = self.handle(s);
                    self.connect(m, s);
                }
                4..=6 => {
                    let m = self.handle(s);
                    mosquitto_loop_read(m, c_int::from(s.byte()) - 1);
                }
                7 | 8 => {
                    let m = self.handle(s);
                    mosquitto_loop(m, 0, c_int::from(s.byte()) - 1);
                }
                9 => {
                    let m = self.handle(s);
                    mosquitto_loop_write(m, c_int::from(s.byte()) - 1);
                    mosquitto_loop_misc(m);
                    mosquitto_want_write(m);
                }
                10..=19 => self.serve(s),
                20 => {
                    mqttrs_loop_add(self.group, self.handle(s));
                }
                21 | 22 => {
                    mqttrs_loop_run_once(self.group, 0);
                    mqttrs_loop_timeout(self.group);
                }
                23 => {
                    mqttrs_loop_remove(self.group, self.handle(s));
                }
                24 => {
                    let m = self.handle(s);
                    destroy(m);
                    close_ledger(m);
                    self.handles.retain(|handle| *handle != m);
                    if !m.is_null() {
                        self.dead.push(m);
                    }
                }
                25 => self.connect_to_list(s),
                _ => call(self.handle(s), s),
            }
        }
    }

    unsafe fn connect_to_list(&self, s: &mut Script<'_>) {
        let m = self.handle(s);
        let server = |place| ServerEntry {
            size: size_of::<ServerEntry>(),
            host: c"127.0.0.1".as_ptr(),
            // Nobody listens at port 1.
            port: if place & 1 == 0 { port().into() } else { 1 },
            priority: place,
        };
        let flags = c_int::from(s.byte());
        let servers = [
            server(flags & 1),
            server(flags >> 1 & 1),
            server(flags >> 2 & 1),
        ];
        let count = (flags >> 3 & 3) as usize;
        // SAFETY: the caller's promise.
        unsafe {
            mqttrs_servers_set(m, servers.as_ptr(), count, flags >> 5 & 1);
            mqttrs_connect(m, s.byte().into(), ptr::null());
        }
    }

    unsafe fn open(&mut self, s: &mut Script<'_>) {
        if self.handles.len() >= MOST_HANDLES {
            return;
        }
        let flags = s.byte();
        // SAFETY: a new handle.
        unsafe {
            let m = mosquitto_new(c"fuzz".as_ptr(), flags & 1 == 0, ptr::null_mut());
            assert!(!m.is_null());
            let version = c_int::from(flags >> 1 & 3) + 2;
            mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version);
            mqttrs_automatic_topic_aliases_set(m, flags & 8 != 0);
            if flags & 16 != 0 {
                mosquitto_log_callback_set(m, Some(on_log));
            }
            mosquitto_connect_v5_callback_set(m, Some(on_connect));
            mosquitto_disconnect_callback_set(m, Some(on_disconnect));
            mosquitto_publish_v5_callback_set(m, Some(on_publish));
            mosquitto_subscribe_callback_set(m, Some(on_subscribe));
            mosquitto_unsubscribe_callback_set(m, Some(on_unsubscribe));
            mosquitto_message_v5_callback_set(m, Some(on_message));
            mosquitto_ext_auth_callback_set(m, Some(on_ext_auth));
            mqttrs_outcome_callback_set(m, Some(on_outcome));
            mqttrs_lifecycle_callback_set(m, Some(on_lifecycle));
            self.handles.push(m);
            self.dead.retain(|dead| *dead != m);
        }
    }

    unsafe fn connect(&mut self, m: *mut mosquitto, s: &mut Script<'_>) {
        let (host, keep_alive) = (c"127.0.0.1".as_ptr(), c_int::from(s.byte()));
        // SAFETY: the caller's promise.
        unsafe {
            match s.byte() % 4 {
                0 => mosquitto_connect_async(m, host, port().into(), keep_alive),
                1 => mosquitto_reconnect(m),
                _ => mosquitto_connect(m, host, port().into(), keep_alive),
            }
        };
    }

    fn serve(&mut self, s: &mut Script<'_>) {
        let which = usize::from(s.byte());
        if self.peers.is_empty() {
            return;
        }
        let which = match which {
            // The newest most often.
            0..=199 => self.peers.len() - 1,
            _ => which % self.peers.len(),
        };
        let peer = &mut self.peers[which];
        let version = peer.version.unwrap_or(ProtocolVersion::V311);
        let mut bytes = Vec::new();
        match s.byte() % 12 {
            0 => {
                self.peers.swap_remove(which);
                return;
            }
            1..=3 => {
                let properties = s.properties();
                let connack = Connack {
                    session_present: s.byte() > 200,
                    code: if s.byte() > 230 { s.byte() } else { 0 },
                    properties: properties.as_properties(),
                };
                Packet::Connack(connack).encode(&mut bytes, version);
            }
            4..=6 => {
                let properties = s.properties();
                let qos = QoS::new(s.byte() % 3).unwrap();
                let id = PacketId::new(u16::from(s.byte() % 8) + 1);
                let publish = Publish {
                    dup: false,
                    qos,
                    retain: s.flag(),
                    topic: s.text(),
                    packet_id: id.filter(|_| qos != QoS::AtMostOnce),
                    properties: match s.flag() {
                        true => properties.as_properties(),
                        false => Properties::EMPTY,
                    },
                    payload: s.bytes(),
                };
                publish.encode(&mut bytes, version);
            }
            7..=9 => {
                let kinds = [
                    AckKind::Puback,
                    AckKind::Pubrec,
                    AckKind::Pubrel,
                    AckKind::Pubcomp,
                ];
                let kind = kinds[usize::from(s.byte() % 4)];
                let id = PacketId::new(u16::from(s.byte() % 8) + 1).unwrap();
                let ack = Ack::new(kind, id, ReasonCode::SUCCESS);
                Packet::Ack(ack).encode(&mut bytes, version);
            }
            10 => bytes.extend([0x90, 3, 0, s.byte() % 8, s.byte()]),
            _ => bytes.extend(s.bytes()),
        }
        peer.send(&bytes);
    }
}

impl Peer {
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write(bytes);
    }

    /// Takes what has come, which has to be packets that a client may send.
    pub fn look(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.stream.read(&mut buffer) {
            self.received.extend(&buffer[..count]);
        }
        // The last one may still be on its way.
        while let Some(frame) = Frame::parse(&self.received, usize::MAX).unwrap() {
            let version = self.version.unwrap_or(ProtocolVersion::V311);
            let packet = Packet::decode(&frame, version).unwrap();
            match (&packet, self.version) {
                (Packet::Connect(connect), None) => self.version = Some(connect.version),
                (
                    Packet::Publish(_)
                    | Packet::Ack(_)
                    | Packet::Subscribe(_)
                    | Packet::Unsubscribe(_)
                    | Packet::Pingreq
                    | Packet::Disconnect(_)
                    | Packet::Auth(_),
                    Some(_),
                ) => {}
                _ => panic!("{packet:?} from a client"),
            }
            let len = frame.len;
            self.received.drain(..len);
        }
    }
}

/// A call that any thread may make at any moment, callbacks included.
unsafe fn call(m: *mut mosquitto, s: &mut Script<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        match s.byte() % 22 {
            0..=3 => {
                let topic = CString::new(s.text().replace('\0', "")).unwrap();
                let mut payload = s.bytes().to_vec();
                if s.byte() > 250 {
                    payload.resize(usize::from(s.u16()) * 4, 0);
                }
                let mut mid = 0;
                ledger(m, |ledger| ledger.publishing += 1);
                let rc = mosquitto_publish(
                    m,
                    &mut mid,
                    topic.as_ptr(),
                    payload.len() as c_int,
                    payload.as_ptr().cast(),
                    c_int::from(s.byte() % 4),
                    s.flag(),
                );
                assert!(rc != MOSQ_ERR_SUCCESS || (1..=65_535).contains(&mid));
                ledger(m, |ledger| {
                    ledger.publishing -= 1;
                    // Where the connection is found to be gone, the message is accepted all the same.
                    if rc == MOSQ_ERR_SUCCESS {
                        ledger.accepted(mid);
                    }
                });
            }
            4 | 5 => {
                let filter = CString::new(s.text().replace('\0', "")).unwrap();
                let qos = c_int::from(s.byte() % 4);
                mosquitto_subscribe(m, ptr::null_mut(), filter.as_ptr(), qos);
            }
            6 => {
                mosquitto_unsubscribe(m, ptr::null_mut(), c"a".as_ptr());
            }
            7 => {
                mosquitto_disconnect(m);
            }
            8 => {
                mosquitto_reconnect(m);
            }
            9 => {
                mosquitto_loop_read(m, 1);
                mosquitto_loop_write(m, 1);
            }
            10 => {
                let callback = s.flag();
                mosquitto_message_v5_callback_set(m, callback.then_some(on_message));
                mosquitto_log_callback_set(m, callback.then_some(on_log));
            }
            11 => {
                mosquitto_max_inflight_messages_set(m, c_uint::from(s.byte()));
            }
            12 => {
                mosquitto_loop_stop(m, s.flag());
                mosquitto_loop_misc(m);
            }
            13 => {
                let data = s.bytes();
                mosquitto_ext_auth_continue(
                    m,
                    c"method".as_ptr(),
                    data.len() as u16,
                    data.as_ptr().cast(),
                    ptr::null(),
                );
            }
            14 => {
                let clean = s.flag();
                mosquitto_will_set(m, c"will".as_ptr(), 1, c"x".as_ptr().cast(), 1, clean);
                mosquitto_username_pw_set(m, c"name".as_ptr(), c"word".as_ptr());
            }
            15 => {
                let version = c_int::from(s.byte() % 4) + 2;
                mosquitto_int_option(m, MOSQ_OPT_PROTOCOL_VERSION, version);
            }
            _ => mqttrs_api::call(m, s),
        }
    }
}

/// What a callback does: nothing, a few calls, or the end of its client.
unsafe fn inside(m: *mut mosquitto) {
    assert!(!m.is_null());
    assert!(!INSIDE.replace(true), "callbacks overlap");
    let deed = DEEDS.with(|deeds| {
        let mut deeds = deeds.borrow_mut();
        let rest = deeds.len().saturating_sub(6);
        deeds.split_off(rest)
    });
    let deed: Vec<u8> = deed.into_iter().rev().collect();
    let mut script = Script::new(&deed);
    // SAFETY: the client of the callback.
    unsafe {
        match script.byte() {
            250.. => {
                destroy(m);
                FALLEN.with(|fallen| fallen.borrow_mut().push(m));
                // Too late, and that is said.
                assert_ne!(mosquitto_disconnect(m), MOSQ_ERR_SUCCESS);
            }
            0..=99 => {}
            _ => call(m, &mut script),
        }
    }
    INSIDE.set(false);
}

unsafe extern "C" fn on_log(m: *mut mosquitto, _: *mut c_void, _: c_int, text: *const c_char) {
    assert!(!m.is_null());
    // SAFETY: a string of the library's.
    let _ = unsafe { CStr::from_ptr(text) }.to_bytes().len();
}

unsafe extern "C" fn on_connect(
    m: *mut mosquitto,
    _: *mut c_void,
    _: c_int,
    _: c_int,
    list: *const mosquitto_property,
) {
    // SAFETY: as the library calls it.
    unsafe {
        walk(list);
        inside(m);
    }
}

unsafe extern "C" fn on_disconnect(m: *mut mosquitto, _: *mut c_void, _: c_int) {
    // SAFETY: as the library calls it.
    unsafe { inside(m) };
}

unsafe extern "C" fn on_publish(
    m: *mut mosquitto,
    _: *mut c_void,
    mid: c_int,
    _: c_int,
    list: *const mosquitto_property,
) {
    assert!((1..=65_535).contains(&mid));
    // SAFETY: as the library calls it.
    unsafe {
        walk(list);
        inside(m);
    }
}

unsafe extern "C" fn on_subscribe(
    m: *mut mosquitto,
    _: *mut c_void,
    _: c_int,
    count: c_int,
    granted: *const c_int,
) {
    // SAFETY: as the library calls it.
    unsafe {
        let granted = std::slice::from_raw_parts(granted, count as usize);
        assert!(granted.iter().all(|qos| (0..=255).contains(qos)));
        inside(m);
    }
}

unsafe extern "C" fn on_unsubscribe(m: *mut mosquitto, _: *mut c_void, _: c_int) {
    // SAFETY: as the library calls it.
    unsafe { inside(m) };
}

unsafe extern "C" fn on_message(
    m: *mut mosquitto,
    _: *mut c_void,
    message: *const mosquitto_message,
    list: *const mosquitto_property,
) {
    // SAFETY: as the library calls it.
    unsafe {
        let message = &*message;
        let read = || {
            let topic = CStr::from_ptr(message.topic).to_bytes().to_vec();
            let len = message.payloadlen as usize;
            let payload = match len {
                0 => Vec::new(),
                _ => std::slice::from_raw_parts(message.payload.cast::<u8>(), len).to_vec(),
            };
            (topic, payload)
        };
        let before = read();
        walk(list);
        inside(m);
        // It is lent until the callback returns, whatever that does.
        assert_eq!(read(), before);
        walk(list);
    }
}

unsafe extern "C" fn on_ext_auth(
    m: *mut mosquitto,
    _: *mut c_void,
    method: *const c_char,
    len: u16,
    data: *const c_void,
    list: *const mosquitto_property,
) -> c_int {
    // SAFETY: as the library calls it.
    unsafe {
        let _ = CStr::from_ptr(method).to_bytes().len();
        if len > 0 {
            let data = std::slice::from_raw_parts(data.cast::<u8>(), len.into());
            let _ = data.to_vec();
        }
        walk(list);
        inside(m);
    }
    MOSQ_ERR_SUCCESS
}

unsafe extern "C" fn on_outcome(
    m: *mut mosquitto,
    _: *mut c_void,
    mid: c_int,
    outcome: c_int,
    _: c_int,
    list: *const mosquitto_property,
) {
    assert!((0..=8).contains(&outcome));
    ledger(m, |ledger| ledger.ended(mid));
    // SAFETY: as the library calls it.
    unsafe {
        walk(list);
        if !DESTROYING.get() {
            inside(m);
        }
    }
}

unsafe extern "C" fn on_lifecycle(m: *mut mosquitto, _: *mut c_void, event: *const LifecycleEvent) {
    // SAFETY: as the library calls it.
    unsafe {
        let event = &*event;
        assert_eq!(event.size, size_of::<LifecycleEvent>());
        for text in [event.error, event.host] {
            assert!(text.is_null() || CStr::from_ptr(text).to_str().is_ok());
        }
        assert_eq!(event.error.is_null(), event.cause == MOSQ_ERR_SUCCESS);
        ledger(m, |ledger| ledger.moved(event.state));
        inside(m);
    }
}

unsafe fn walk(list: *const mosquitto_property) {
    let mut at = list;
    while !at.is_null() {
        // SAFETY: a property of the library's.
        unsafe {
            assert_ne!(mosquitto_property_identifier(at), 0);
            at = mosquitto_property_next(at);
        }
    }
}
