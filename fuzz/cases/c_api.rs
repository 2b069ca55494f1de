//! Calls of the C API in any order with any argument, on handles without a network:
//! an error code, never a crash, never a leak.

use std::ffi::{c_char, c_int, c_void};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;

use super::capi::*;
use super::mqttrs_api::{self, *};
use super::script::Script;

pub fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut world = World {
        handles: Vec::new(),
        lists: vec![ptr::null_mut(); 2],
        // SAFETY: nothing is asked of the caller.
        group: unsafe { mqttrs_loop_new() },
        folders: Vec::new(),
    };
    while !script.is_empty() {
        // SAFETY: handles are live or NULL, strings end in NUL, lengths are true or negative.
        unsafe { world.step(&mut script) };
    }
}

struct World {
    handles: Vec<*mut mosquitto>,
    lists: Vec<*mut mosquitto_property>,
    group: *mut c_void,
    /// Where stores were opened.
    folders: Vec<PathBuf>,
}

impl Drop for World {
    fn drop(&mut self) {
        for handle in self.handles.drain(..) {
            // SAFETY: live, and not used again.
            unsafe { mosquitto_destroy(handle) };
        }
        for list in &mut self.lists {
            // SAFETY: a list of the library's, or NULL.
            unsafe { mosquitto_property_free_all(list) };
        }
        // SAFETY: as above.
        unsafe { mqttrs_loop_destroy(self.group) };
        for folder in &self.folders {
            let _ = fs::remove_dir_all(folder);
        }
    }
}

unsafe extern "C" fn on_log(m: *mut mosquitto, _: *mut c_void, _: c_int, text: *const c_char) {
    assert!(!m.is_null() && !text.is_null());
}

unsafe extern "C" fn on_disconnect(m: *mut mosquitto, _: *mut c_void, _: c_int) {
    // SAFETY: the handle of the callback.
    unsafe {
        mosquitto_publish(
            m,
            ptr::null_mut(),
            c"a".as_ptr(),
            1,
            c"x".as_ptr().cast(),
            1,
            false,
        )
    };
}

unsafe extern "C" fn on_outcome(
    m: *mut mosquitto,
    _: *mut c_void,
    mid: c_int,
    outcome: c_int,
    _: c_int,
    list: *const mosquitto_property,
) {
    assert!(!m.is_null() && list.is_null());
    assert!((1..=65_535).contains(&mid) && (0..=8).contains(&outcome));
}

unsafe extern "C" fn on_lifecycle(m: *mut mosquitto, _: *mut c_void, event: *const LifecycleEvent) {
    // SAFETY: as the library calls it.
    let event = unsafe { &*event };
    assert!(!m.is_null() && event.size == size_of::<LifecycleEvent>());
    assert!((0..=4).contains(&event.state));
}

impl World {
    fn handle(&self, script: &mut Script<'_>) -> *mut mosquitto {
        let choice = usize::from(script.byte());
        if self.handles.is_empty() || choice % 16 == 15 {
            ptr::null_mut()
        } else {
            self.handles[choice % self.handles.len()]
        }
    }

    fn list(&self, script: &mut Script<'_>) -> *mut mosquitto_property {
        if script.flag() {
            self.lists[usize::from(script.byte()) % 2]
        } else {
            ptr::null_mut()
        }
    }

    unsafe fn step(&mut self, s: &mut Script<'_>) {
        unsafe {
            match s.byte() % 56 {
                0 | 1 if self.handles.len() < 4 => {
                    let (id, clean) = (s.c_text(), s.flag());
                    let handle = mosquitto_new(pointer(&id), clean, ptr::null_mut());
                    if !handle.is_null() {
                        self.handles.push(handle);
                    }
                }
                2 => {
                    if let Some(handle) = self.handles.pop() {
                        mosquitto_destroy(handle);
                    }
                }
                3 => {
                    let (m, id) = (self.handle(s), s.c_text());
                    mosquitto_reinitialise(m, pointer(&id), s.flag(), ptr::null_mut());
                }
                4..=9 => self.add_property(s),
                10..=14 => self.publish(s),
                15 | 16 => {
                    let (m, sub) = (self.handle(s), s.c_text());
                    let mut mid = -1;
                    let list = self.list(s);
                    mosquitto_subscribe_v5(m, &mut mid, pointer(&sub), s.int(), s.int(), list);
                    mosquitto_subscribe(m, ptr::null_mut(), pointer(&sub), s.int());
                }
                17 => {
                    let (m, one, two) = (self.handle(s), s.c_text(), s.c_text());
                    let subs = [pointer(&one).cast_mut(), pointer(&two).cast_mut()];
                    let count = s.int().min(2);
                    let list = self.list(s);
                    mosquitto_subscribe_multiple(
                        m,
                        ptr::null_mut(),
                        count,
                        subs.as_ptr(),
                        s.int(),
                        s.int(),
                        list,
                    );
                    mosquitto_unsubscribe_multiple(m, ptr::null_mut(), count, subs.as_ptr(), list);
                }
                18 => {
                    let (m, sub) = (self.handle(s), s.c_text());
                    mosquitto_unsubscribe_v5(m, ptr::null_mut(), pointer(&sub), self.list(s));
                }
                19 | 20 => self.will(s),
                21 => {
                    let (m, name, password) = (self.handle(s), s.c_text(), s.c_text());
                    mosquitto_username_pw_set(m, pointer(&name), pointer(&password));
                }
                22..=24 => {
                    let m = self.handle(s);
                    let option = s.int();
                    // Pointer options carry no number.
                    if option != MOSQ_OPT_SSL_CTX {
                        mosquitto_int_option(m, option, s.int());
                    }
                }
                25 => {
                    let (m, option, value) = (self.handle(s), s.int(), s.c_text());
                    // A local address may be a name, and looking it up is network.
                    if option != MOSQ_OPT_BIND_ADDRESS {
                        mosquitto_string_option(m, option, pointer(&value));
                    }
                }
                26 => {
                    let m = self.handle(s);
                    mosquitto_max_inflight_messages_set(m, s.int() as u32);
                    mosquitto_reconnect_delay_set(m, s.int() as u32, s.int() as u32, s.flag());
                }
                27 => {
                    // A socket that is not there: the attempt fails without a network.
                    let m = self.handle(s);
                    let list = self.list(s);
                    mosquitto_connect_bind_v5(
                        m,
                        c"/nonexistent/socket".as_ptr(),
                        0,
                        s.int(),
                        ptr::null(),
                        list,
                    );
                }
                28 => {
                    let m = self.handle(s);
                    mosquitto_connect_async(m, c"/nonexistent/socket".as_ptr(), 0, s.int());
                    mosquitto_connect(m, ptr::null(), s.int(), s.int());
                    mosquitto_connect(m, c"".as_ptr(), 0, s.int());
                }
                29 => {
                    let m = self.handle(s);
                    mosquitto_reconnect(m);
                    mosquitto_reconnect_async(m);
                }
                30 => {
                    let (m, reason) = (self.handle(s), s.int());
                    mosquitto_disconnect_v5(m, reason, self.list(s));
                }
                31 | 32 => {
                    let m = self.handle(s);
                    mosquitto_loop(m, 0, s.int());
                    mosquitto_loop_read(m, s.int());
                    mosquitto_loop_write(m, s.int());
                    mosquitto_loop_misc(m);
                }
                33 => {
                    let m = self.handle(s);
                    assert_eq!(mosquitto_socket(m), -1);
                    mosquitto_want_write(m);
                    mosquitto_userdata(m);
                    mosquitto_threaded_set(m, s.flag());
                }
                34 => {
                    let m = self.handle(s);
                    mosquitto_log_callback_set(m, s.flag().then_some(on_log));
                    mosquitto_disconnect_callback_set(m, s.flag().then_some(on_disconnect));
                }
                35 => {
                    let (m, method, data) = (self.handle(s), s.c_text(), s.bytes());
                    mosquitto_ext_auth_continue(
                        m,
                        pointer(&method),
                        data.len() as u16,
                        data.as_ptr().cast(),
                        self.list(s),
                    );
                }
                36 => {
                    mosquitto_lib_init();
                    mosquitto_lib_cleanup();
                }
                37 => self.read_properties(s),
                38 => mosquitto_property_free_all(&mut self.lists[usize::from(s.byte()) % 2]),
                39 => {
                    let m = self.handle(s);
                    mosquitto_will_clear(m);
                    mosquitto_loop_stop(m, true);
                }
                40..=44 => mqttrs_api::call(self.handle(s), s),
                45..=48 => mqttrs_api::set_route(self.handle(s), s),
                49 => {
                    mqttrs_loop_add(self.group, self.handle(s));
                }
                50 => {
                    mqttrs_loop_remove(self.group, self.handle(s));
                }
                51 => {
                    mqttrs_loop_run_once(self.group, 0);
                    mqttrs_loop_timeout(self.group);
                    assert!(mqttrs_loop_socket(self.group) >= 0);
                    mqttrs_loop_stop(self.group);
                }
                52 => self.open_store(s),
                53 => {
                    let m = self.handle(s);
                    mqttrs_outcome_callback_set(m, s.flag().then_some(on_outcome));
                    mqttrs_lifecycle_callback_set(m, s.flag().then_some(on_lifecycle));
                }
                _ => {
                    // Without servers, or with wrong arguments: there is no network here.
                    let m = self.handle(s);
                    mqttrs_servers_set(m, ptr::null(), 0, 0);
                    let rc = mqttrs_connect(m, s.int(), self.list(s));
                    assert_ne!(rc, MOSQ_ERR_SUCCESS);
                }
            }
        }
    }

    unsafe fn open_store(&mut self, s: &mut Script<'_>) {
        let m = self.handle(s);
        // In memory where there is such a place.
        let base = PathBuf::from("/dev/shm");
        let base = if base.is_dir() {
            base
        } else {
            std::env::temp_dir()
        };
        let name = format!("mqttrs-fuzz-{}-{}", std::process::id(), s.byte() % 2);
        let folder = match s.byte() {
            0..=20 => None,
            21..=30 => Some(PathBuf::from("/nonexistent/folder")),
            31..=40 => Some(PathBuf::from("/dev/null")),
            _ => Some(base.join(name)),
        };
        let path = folder.as_ref().map(|folder| folder.as_os_str().as_bytes());
        let path = path.map(|path| std::ffi::CString::new(path).unwrap());
        let size = size_of::<StoreOptions>();
        let options = StoreOptions {
            size: if s.byte() == 0 { size - 1 } else { size },
            durability: s.int(),
            sync_interval: s.int() as u32,
            maximum_bytes: s.int() as u64,
        };
        let options = if s.flag() {
            &raw const options
        } else {
            ptr::null()
        };
        // SAFETY: as `step`.
        unsafe { mqttrs_store_open(m, pointer(&path), options) };
        self.folders
            .extend(folder.filter(|folder| folder.starts_with(base)));
    }

    unsafe fn publish(&mut self, s: &mut Script<'_>) {
        let (m, topic, payload) = (self.handle(s), s.c_text(), s.bytes());
        let (qos, retain, list) = (s.int(), s.flag(), self.list(s));
        let mut mid = 0;
        // The true length, or one that has to be refused.
        let len = match s.byte() {
            0 => -1,
            1 => 268_435_456,
            2 => c_int::MAX,
            _ => payload.len() as c_int,
        };
        let data = if len > 0 && s.byte() == 0 {
            ptr::null()
        } else {
            payload.as_ptr().cast()
        };
        unsafe {
            let rc =
                mosquitto_publish_v5(m, &mut mid, pointer(&topic), len, data, qos, retain, list);
            assert!(rc != MOSQ_ERR_SUCCESS || (1..=65_535).contains(&mid));
        }
    }

    unsafe fn will(&mut self, s: &mut Script<'_>) {
        let (m, topic, payload) = (self.handle(s), s.c_text(), s.bytes());
        let len = if s.byte() == 0 {
            s.int().min(0)
        } else {
            payload.len() as c_int
        };
        let which = usize::from(s.byte()) % 2;
        unsafe {
            let list = self.lists[which];
            let rc = mosquitto_will_set_v5(
                m,
                pointer(&topic),
                len,
                payload.as_ptr().cast(),
                s.int(),
                s.flag(),
                list,
            );
            if rc == MOSQ_ERR_SUCCESS {
                // The will keeps the list.
                self.lists[which] = ptr::null_mut();
            }
        }
    }

    unsafe fn add_property(&mut self, s: &mut Script<'_>) {
        let list = &mut self.lists[usize::from(s.byte()) % 2];
        let id = match s.byte() {
            n @ 0..=250 => c_int::from(n % 45),
            _ => s.int(),
        };
        let number = s.int();
        let (text, other, data) = (s.c_text(), s.c_text(), s.bytes());
        unsafe {
            match s.byte() % 8 {
                0 => mosquitto_property_add_byte(list, id, number as u8),
                1 => mosquitto_property_add_int16(list, id, number as u16),
                2 => mosquitto_property_add_int32(list, id, number as u32),
                3 => mosquitto_property_add_varint(list, id, number as u32),
                4 => mosquitto_property_add_string(list, id, pointer(&text)),
                5 => mosquitto_property_add_string_pair(list, id, pointer(&text), pointer(&other)),
                6 => {
                    mosquitto_property_add_binary(list, id, data.as_ptr().cast(), data.len() as u16)
                }
                _ => mosquitto_property_add_byte(ptr::null_mut(), id, 0),
            };
        }
    }

    unsafe fn read_properties(&mut self, s: &mut Script<'_>) {
        let list = self.lists[usize::from(s.byte()) % 2];
        let (id, skip) = (c_int::from(s.byte() % 45), s.flag());
        let (mut byte, mut short, mut long) = (0, 0, 0);
        let (mut name, mut text, mut data) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        unsafe {
            mosquitto_property_read_byte(list, id, &mut byte, skip);
            mosquitto_property_read_int16(list, id, &mut short, skip);
            mosquitto_property_read_int32(list, id, &mut long, skip);
            mosquitto_property_read_varint(list, id, &mut long, skip);
            mosquitto_property_read_string(list, id, &mut text, skip);
            free(text.cast());
            text = ptr::null_mut();
            mosquitto_property_read_string_pair(list, id, &mut name, &mut text, skip);
            free(name.cast());
            free(text.cast());
            mosquitto_property_read_binary(list, id, &mut data, &mut short, skip);
            free(data);
            let mut at = list.cast_const();
            while !at.is_null() {
                mosquitto_property_identifier(at);
                at = mosquitto_property_next(at);
            }
        }
    }
}

extern "C" {
    fn free(pointer: *mut c_void);
}
