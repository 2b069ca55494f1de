//! Sessions that survive the process.

use std::ffi::{c_char, c_int, c_uint};

use crate::error::{Error, Result};
use crate::ffi::arguments::bytes;
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};

/// What a stored message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs, dead_code)] // the names are the interface's, and C's to use
pub enum mqttrs_store_durability {
    /// The end of the process, SIGKILL included. A power failure may take the last seconds.
    MQTTRS_STORE_PROCESS_CRASH = 0,
    /// A power failure takes no more than the last `sync_interval` milliseconds.
    MQTTRS_STORE_SYNC_GROUPS = 1,
    /// A power failure takes nothing: every publish waits for the medium, and calls of several
    /// threads share one wait.
    MQTTRS_STORE_SYNC_EVERY = 2,
}

/// How a session is stored; members that are 0 have their defaults.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_store_options {
    /// `sizeof(struct mqttrs_store_options)`, so that members can be added.
    pub size: usize,
    /// One of `enum mqttrs_store_durability`.
    pub durability: c_int,
    /// Milliseconds, for MQTTRS_STORE_SYNC_GROUPS; 0 for 100.
    pub sync_interval: c_uint,
    /// How many bytes the outgoing messages that are kept may take; 0 for 1 GiB. The folder has
    /// up to five times as much and 3 MiB while the log is written anew.
    pub maximum_bytes: u64,
}

/// Keeps the session of a client in a folder, so that it survives the process: outgoing
/// messages of QoS 1 and 2, how far each has come, their packet identifiers and their order; and
/// which received messages of QoS 2 the server has not released. What an earlier process has
/// left there is taken up again: it is sent, or sent again, with the next connection.
///
/// From now on a publish call with QoS 1 or 2 succeeds only when its message is stored. It returns
/// MOSQ_ERR_ERRNO for one that is not, with the system's reason in `errno` (ENOSPC for a full disk or
/// when `maximum_bytes` is reached); that message was not accepted, those before it stay, and later
/// ones are accepted as soon as there is room again. Where a state change cannot be stored the
/// connection ends with MOSQ_ERR_ERRNO, and the messages wait for the next one. After a failure to
/// synchronise nothing more is accepted until the folder is opened by another client. A program with a limit
/// for the size of files (RLIMIT_FSIZE) ignores SIGXFSZ, which would end it. See docs/store.md
/// for what each setting promises.
///
/// `folder` is copied; it is made, with one level, where it is missing, and belongs to this client
/// alone until `mosquitto_destroy` or `mosquitto_reinitialise`: each client of a process has a
/// folder of its own. The next one may open it with other options. A child made by `fork` has no part
/// in it and may open it when the parent has let go. `options` stays the program's and is not kept;
/// NULL takes the defaults. The client needs `clean_session` false and, to keep properties, its
/// protocol version set before; the call comes before connecting and before publishing. Any
/// thread, any callback; it reads the folder before it returns. Publish calls of any thread write
/// to the folder themselves; MQTTRS_STORE_SYNC_GROUPS begins one thread, which ends with the client.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `folder` NULL, options
/// out of range, a call that comes too late, a client with `clean_session`, and for a folder with the
/// session of another client identifier, that is damaged or of an unknown version; MOSQ_ERR_ERRNO
/// with `errno` where the system refuses, EWOULDBLOCK for a folder that another client has, of this
/// process or another; afterwards the client is as before;
/// MOSQ_ERR_NOT_SUPPORTED in a build without it. `mqttrs_last_error` has the words.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `folder` is NULL or a C string; `options` is NULL or
/// has as many bytes as its `size` says.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_store_open(
    mosq: *mut mosquitto,
    folder: *const c_char,
    options: *const mqttrs_store_options,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let open = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let folder = unsafe { bytes(folder) }.ok_or(Error::invalid("folder is NULL"))?;
            // SAFETY: the caller's promise.
            let settings = unsafe { read(options) }?;
            apply(contents, folder, &settings)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, open) }
    })
}

/// # Safety
/// As `mqttrs_store_open`.
unsafe fn read(options: *const mqttrs_store_options) -> Result<mqttrs_store_options> {
    let mut settings = mqttrs_store_options {
        size: size_of::<mqttrs_store_options>(),
        durability: 0,
        sync_interval: 0,
        maximum_bytes: 0,
    };
    if !options.is_null() {
        // SAFETY: the first member is always there.
        let size = unsafe { (&raw const (*options).size).read() };
        if size < settings.size {
            return Err(Error::invalid("size of the options"));
        }
        // SAFETY: all members are there, by the caller's promise.
        settings = unsafe { options.read() };
    }
    if !(0..=2).contains(&settings.durability) {
        return Err(Error::invalid("durability of the store"));
    }
    Ok(settings)
}

#[cfg(feature = "store")]
fn apply(contents: &Contents, folder: &[u8], settings: &mqttrs_store_options) -> Result<()> {
    use crate::store::Durability;
    use std::os::unix::ffi::OsStrExt;
    use std::time::Duration;

    let durability = match settings.durability {
        0 => Durability::ProcessCrash,
        1 => {
            let interval = match settings.sync_interval {
                0 => 100,
                interval => interval,
            };
            Durability::SyncGroups(Duration::from_millis(interval.into()))
        }
        _ => Durability::SyncEvery,
    };
    let maximum = match settings.maximum_bytes {
        0 => 1 << 30,
        maximum => maximum,
    };
    let folder = std::path::Path::new(std::ffi::OsStr::from_bytes(folder));
    contents.client().open_store(folder, durability, maximum)
}

#[cfg(not(feature = "store"))]
fn apply(_: &Contents, _: &[u8], _: &mqttrs_store_options) -> Result<()> {
    let what = "a store, in this build";
    Err(crate::error::CallerError::NotSupported(what).into())
}
