//! Descriptors above 1024. Alone in its process, since other tests would free lower ones.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use support::*;
use Version::V311;

/// select() would end at 1024.
#[test]
fn descriptors_above_1024_work() {
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        assert!(
            limit.rlim_max >= 1300,
            "this system allows no 1300 descriptors"
        );
        limit.rlim_cur = limit.rlim_cur.max(1300);
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
    }
    let fillers: Vec<_> = (0..1100)
        .map(|_| std::fs::File::open("/dev/null").unwrap())
        .collect();
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let mut w = Setup::new(V311).drive(drive).open();
        assert!(w.client.socket() > 1024);
        let mid = w.client.publish("a", b"x", 1).unwrap();
        w.expect(&publish("a", b"x").qos(1, mid).bytes(V311));
        w.send(&puback(mid));
        w.event(Event::PublishV5(mid.into(), 0, vec![]));
        w.finish();
    }
    drop(fillers);
}
