//! A client of the C API: methods for its functions, callbacks that keep what they got.

use std::ffi::{c_int, CString};
use std::ops::Deref;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::broker::DEADLINE;
use super::capi::*;
use super::events::*;
use super::packet::Version;
use super::prop::{List, Prop};

/// Who calls the library for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// The test's thread, by `mosquitto_loop`.
    Loop,
    /// The test's thread, by poll() and `loop_read`, `loop_write`, `loop_misc`.
    Foreign,
    /// A thread of the library (`loop_start`) or of the test.
    Thread,
}

/// A handle of the C API; the functions may be called from any thread.
#[derive(Debug, Clone, Copy)]
pub struct Handle(pub *mut mosquitto);

unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

/// The code of a failed call.
pub type Rc<T> = Result<T, c_int>;

fn rc(code: c_int) -> Rc<()> {
    if code == MOSQ_ERR_SUCCESS {
        Ok(())
    } else {
        Err(code)
    }
}

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

impl Handle {
    pub fn connect(self, port: u16, keep_alive: u16) -> Rc<()> {
        rc(unsafe {
            mosquitto_connect(
                self.0,
                c("127.0.0.1").as_ptr(),
                port.into(),
                keep_alive.into(),
            )
        })
    }

    pub fn connect_props(self, port: u16, keep_alive: u16, props: &[Prop]) -> Rc<()> {
        rc(unsafe {
            mosquitto_connect_bind_v5(
                self.0,
                c("127.0.0.1").as_ptr(),
                port.into(),
                keep_alive.into(),
                ptr::null(),
                List::new(props).0,
            )
        })
    }

    pub fn connect_async(self, port: u16, keep_alive: u16) -> Rc<()> {
        rc(unsafe {
            mosquitto_connect_async(
                self.0,
                c("127.0.0.1").as_ptr(),
                port.into(),
                keep_alive.into(),
            )
        })
    }

    pub fn reconnect(self) -> Rc<()> {
        rc(unsafe { mosquitto_reconnect(self.0) })
    }

    pub fn reconnect_async(self) -> Rc<()> {
        rc(unsafe { mosquitto_reconnect_async(self.0) })
    }

    pub fn disconnect(self) -> Rc<()> {
        rc(unsafe { mosquitto_disconnect(self.0) })
    }

    pub fn disconnect_v5(self, reason: c_int, props: &[Prop]) -> Rc<()> {
        rc(unsafe { mosquitto_disconnect_v5(self.0, reason, List::new(props).0) })
    }

    /// Publishes without properties; the packet identifier.
    pub fn publish(self, topic: &str, payload: &[u8], qos: c_int) -> Rc<u16> {
        self.publish_retain(topic, payload, qos, false)
    }

    pub fn publish_retain(self, topic: &str, payload: &[u8], qos: c_int, retain: bool) -> Rc<u16> {
        let mut mid = 0;
        rc(unsafe {
            mosquitto_publish(
                self.0,
                &mut mid,
                c(topic).as_ptr(),
                payload.len() as c_int,
                payload.as_ptr().cast(),
                qos,
                retain,
            )
        })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn publish_v5(self, topic: &str, payload: &[u8], qos: c_int, props: &[Prop]) -> Rc<u16> {
        let mut mid = 0;
        let topic = c(topic);
        rc(unsafe {
            mosquitto_publish_v5(
                self.0,
                &mut mid,
                // No topic at all, where an alias stands for it.
                if topic.is_empty() {
                    ptr::null()
                } else {
                    topic.as_ptr()
                },
                payload.len() as c_int,
                payload.as_ptr().cast(),
                qos,
                false,
                List::new(props).0,
            )
        })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn subscribe(self, filter: &str, qos: c_int) -> Rc<u16> {
        let mut mid = 0;
        rc(unsafe { mosquitto_subscribe(self.0, &mut mid, c(filter).as_ptr(), qos) })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn subscribe_v5(self, filter: &str, qos: c_int, options: c_int, props: &[Prop]) -> Rc<u16> {
        let mut mid = 0;
        rc(unsafe {
            mosquitto_subscribe_v5(
                self.0,
                &mut mid,
                c(filter).as_ptr(),
                qos,
                options,
                List::new(props).0,
            )
        })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn subscribe_multiple(
        self,
        filters: &[&str],
        qos: c_int,
        options: c_int,
        props: &[Prop],
    ) -> Rc<u16> {
        let strings: Vec<_> = filters.iter().map(|filter| c(filter)).collect();
        let pointers: Vec<_> = strings
            .iter()
            .map(|text| text.as_ptr().cast_mut())
            .collect();
        let mut mid = 0;
        rc(unsafe {
            mosquitto_subscribe_multiple(
                self.0,
                &mut mid,
                pointers.len() as c_int,
                pointers.as_ptr(),
                qos,
                options,
                List::new(props).0,
            )
        })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn unsubscribe(self, filter: &str) -> Rc<u16> {
        let mut mid = 0;
        rc(unsafe { mosquitto_unsubscribe(self.0, &mut mid, c(filter).as_ptr()) })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn unsubscribe_v5(self, filter: &str, props: &[Prop]) -> Rc<u16> {
        let mut mid = 0;
        rc(unsafe {
            mosquitto_unsubscribe_v5(self.0, &mut mid, c(filter).as_ptr(), List::new(props).0)
        })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn unsubscribe_multiple(self, filters: &[&str], props: &[Prop]) -> Rc<u16> {
        let strings: Vec<_> = filters.iter().map(|filter| c(filter)).collect();
        let pointers: Vec<_> = strings
            .iter()
            .map(|text| text.as_ptr().cast_mut())
            .collect();
        let mut mid = 0;
        rc(unsafe {
            mosquitto_unsubscribe_multiple(
                self.0,
                &mut mid,
                pointers.len() as c_int,
                pointers.as_ptr(),
                List::new(props).0,
            )
        })?;
        Ok(u16::try_from(mid).unwrap())
    }

    pub fn run_loop(self, timeout: c_int, max_packets: c_int) -> c_int {
        unsafe { mosquitto_loop(self.0, timeout, max_packets) }
    }

    pub fn loop_start(self) -> Rc<()> {
        rc(unsafe { mosquitto_loop_start(self.0) })
    }

    pub fn loop_stop(self, force: bool) -> Rc<()> {
        rc(unsafe { mosquitto_loop_stop(self.0, force) })
    }

    pub fn loop_forever(self) -> c_int {
        unsafe { mosquitto_loop_forever(self.0, -1, 1) }
    }

    pub fn loop_read(self) -> c_int {
        unsafe { mosquitto_loop_read(self.0, 1) }
    }

    pub fn loop_write(self) -> c_int {
        unsafe { mosquitto_loop_write(self.0, 1) }
    }

    pub fn loop_misc(self) -> c_int {
        unsafe { mosquitto_loop_misc(self.0) }
    }

    pub fn socket(self) -> c_int {
        unsafe { mosquitto_socket(self.0) }
    }

    pub fn want_write(self) -> bool {
        unsafe { mosquitto_want_write(self.0) }
    }

    pub fn int_option(self, option: c_int, value: c_int) -> Rc<()> {
        rc(unsafe { mosquitto_int_option(self.0, option, value) })
    }

    pub fn inflight_maximum(self, maximum: u32) {
        rc(unsafe { mosquitto_max_inflight_messages_set(self.0, maximum) }).unwrap();
    }

    pub fn username_password(self, name: Option<&str>, password: Option<&str>) -> Rc<()> {
        let (name, password) = (name.map(c), password.map(c));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |t| t.as_ptr());
        rc(unsafe { mosquitto_username_pw_set(self.0, pointer(&name), pointer(&password)) })
    }

    pub fn will(self, topic: &str, payload: &[u8], qos: c_int, retain: bool) -> Rc<()> {
        rc(unsafe {
            mosquitto_will_set(
                self.0,
                c(topic).as_ptr(),
                payload.len() as c_int,
                payload.as_ptr().cast(),
                qos,
                retain,
            )
        })
    }

    pub fn will_v5(self, topic: &str, payload: &[u8], qos: c_int, props: &[Prop]) -> Rc<()> {
        rc(unsafe {
            mosquitto_will_set_v5(
                self.0,
                c(topic).as_ptr(),
                payload.len() as c_int,
                payload.as_ptr().cast(),
                qos,
                false,
                // The will keeps the list.
                List::new(props).into_raw(),
            )
        })
    }

    pub fn will_clear(self) -> Rc<()> {
        rc(unsafe { mosquitto_will_clear(self.0) })
    }

    /// Sets the plain on_message beside what is set.
    pub fn on_message_plain(self) {
        unsafe { mosquitto_message_callback_set(self.0, Some(on_message)) };
    }

    /// `delay` and `maximum` in seconds.
    pub fn reconnect_delay(self, delay: u32, maximum: u32) {
        rc(unsafe { mosquitto_reconnect_delay_set(self.0, delay, maximum, false) }).unwrap();
    }
}

/// A client that is destroyed when dropped.
pub struct Client {
    handle: Handle,
    shared: Arc<Shared>,
    pub drive: Drive,
    /// What the last call of a loop function returned.
    pub last: c_int,
}

impl Deref for Client {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        unsafe { mosquitto_destroy(self.handle.0) };
    }
}

impl Client {
    /// A client that keeps its events of the `_v5` kind, see [`Client::plain_callbacks`].
    pub fn new(version: Version, id: Option<&str>, clean: bool) -> Client {
        let shared = Arc::new(Shared::default());
        // One count stays with the library for good: a callback that runs while the
        // test fails must find its data.
        let data = Arc::into_raw(shared.clone()).cast_mut().cast();
        let id = id.map(c);
        let pointer = id.as_ref().map_or(ptr::null(), |id| id.as_ptr());
        let handle = Handle(unsafe { mosquitto_new(pointer, clean, data) });
        assert!(!handle.0.is_null(), "mosquitto_new");
        let client = Client {
            handle,
            shared,
            drive: Drive::Loop,
            last: MOSQ_ERR_SUCCESS,
        };
        let level = version.level().into();
        client.int_option(MOSQ_OPT_PROTOCOL_VERSION, level).unwrap();
        client.v5_callbacks(true);
        client
    }

    /// Sets or removes the callbacks of the `_v5` kind, which serve all versions.
    pub fn v5_callbacks(&self, on: bool) {
        let m = self.handle.0;
        unsafe {
            mosquitto_connect_v5_callback_set(m, on.then_some(on_connect_v5));
            mosquitto_disconnect_v5_callback_set(m, on.then_some(on_disconnect_v5));
            mosquitto_publish_v5_callback_set(m, on.then_some(on_publish_v5));
            mosquitto_message_v5_callback_set(m, on.then_some(on_message_v5));
            mosquitto_subscribe_v5_callback_set(m, on.then_some(on_subscribe_v5));
            mosquitto_unsubscribe_v5_callback_set(m, on.then_some(on_unsubscribe_v5));
        }
    }

    /// Sets or removes the callbacks of the plain kind.
    pub fn plain_callbacks(&self, on: bool) {
        let m = self.handle.0;
        unsafe {
            mosquitto_connect_callback_set(m, on.then_some(on_connect));
            mosquitto_disconnect_callback_set(m, on.then_some(on_disconnect));
            mosquitto_publish_callback_set(m, on.then_some(on_publish));
            mosquitto_message_callback_set(m, on.then_some(on_message));
            mosquitto_subscribe_callback_set(m, on.then_some(on_subscribe));
            mosquitto_unsubscribe_callback_set(m, on.then_some(on_unsubscribe));
        }
    }

    pub fn connect_with_flags_callback(&self) {
        unsafe {
            mosquitto_connect_with_flags_callback_set(self.handle.0, Some(on_connect_with_flags));
        }
    }

    pub fn pre_connect_callback(&self) {
        unsafe { mosquitto_pre_connect_callback_set(self.handle.0, Some(on_pre_connect)) };
    }

    pub fn unsubscribe2_callback(&self) {
        unsafe { mosquitto_unsubscribe2_v5_callback_set(self.handle.0, Some(on_unsubscribe2)) };
    }

    pub fn ext_auth_callback(&self) {
        unsafe { mosquitto_ext_auth_callback_set(self.handle.0, Some(on_ext_auth)) };
    }

    /// Something to do inside each callback, after the event was kept.
    pub fn on_event(&self, hook: impl FnMut(Handle, &Event) + Send + 'static) {
        *self.shared.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// Lets the library work for a moment; waits at most `time`.
    pub fn step(&mut self, time: Duration) {
        let millis = time.as_millis() as c_int;
        match self.drive {
            Drive::Loop => {
                if self.last == MOSQ_ERR_SUCCESS {
                    self.last = self.run_loop(millis, 1);
                }
                if self.last != MOSQ_ERR_SUCCESS {
                    self.idle(time);
                }
            }
            Drive::Foreign => self.foreign_step(millis),
            Drive::Thread => self.idle(time),
        }
    }

    /// One turn of a program's own event loop.
    fn foreign_step(&mut self, millis: c_int) {
        let fd = self.socket();
        if fd < 0 {
            self.idle(Duration::from_millis(millis as u64));
            return;
        }
        let mut events = libc::POLLIN;
        if self.want_write() {
            events |= libc::POLLOUT;
        }
        let mut poll = libc::pollfd {
            fd,
            events,
            revents: 0,
        };
        unsafe { libc::poll(&mut poll, 1, millis) };
        let mut last = MOSQ_ERR_SUCCESS;
        if poll.revents & (libc::POLLIN | libc::POLLHUP | libc::POLLERR) != 0 {
            last = self.loop_read();
        }
        if last == MOSQ_ERR_SUCCESS && poll.revents & libc::POLLOUT != 0 {
            last = self.loop_write();
        }
        if last == MOSQ_ERR_SUCCESS {
            last = self.loop_misc();
        }
        self.last = last;
    }

    /// Waits for an event of another thread, or the time.
    fn idle(&self, time: Duration) {
        let events = self.shared.events.lock().unwrap();
        if events.is_empty() {
            drop(self.shared.arrived.wait_timeout(events, time).unwrap());
        }
    }

    /// The next event if it is there.
    pub fn try_event(&self) -> Option<Event> {
        self.shared.events.lock().unwrap().pop_front()
    }

    /// The next event, working and waiting for it.
    pub fn next_event(&mut self) -> Event {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(event) = self.try_event() {
                return event;
            }
            assert!(
                Instant::now() < end,
                "no event came; the loop's last code was {}",
                self.last
            );
            self.step(Duration::from_millis(5));
        }
    }

    /// The next event must be this one.
    #[track_caller]
    pub fn expect_event(&mut self, expected: Event) {
        assert_eq!(self.next_event(), expected);
    }

    /// Works until the loop function fails; its code.
    #[track_caller]
    pub fn run_until_error(&mut self) -> c_int {
        let end = Instant::now() + DEADLINE;
        while self.last == MOSQ_ERR_SUCCESS {
            assert!(Instant::now() < end, "the loop did not end");
            self.step(Duration::from_millis(5));
        }
        self.last
    }
}
