//! Faults of each kind that the sanitizers are to report, and what they are to keep silent about:
//! the same counter behind a mutex, a condition variable and a thread of the standard library.

use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// `fault` chooses; returns a number that nobody needs.
#[no_mangle]
pub extern "C" fn control(fault: c_int) -> c_int {
    match fault {
        0 => none(),
        1 => race(),
        2 => use_after_free(),
        3 => overflow(),
        4 => leak(),
        _ => -1,
    }
}

const ROUNDS: c_int = 1000;

/// Contended, so that the ways are taken on which a thread sleeps and is woken.
fn none() -> c_int {
    let shared = Arc::new((Mutex::new(0), Condvar::new()));
    let threads: Vec<_> = (0..4)
        .map(|turn| {
            let shared = shared.clone();
            thread::spawn(move || {
                let (number, changed) = &*shared;
                for _ in 0..ROUNDS {
                    let guard = number.lock().unwrap();
                    let mut number = changed.wait_while(guard, |n| *n % 4 != turn).unwrap();
                    *number += 1;
                    changed.notify_all();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    let number = *shared.0.lock().unwrap();
    number
}

struct Racy(UnsafeCell<c_int>);
// SAFETY: it is not: this is the fault.
unsafe impl Sync for Racy {}

/// A counter that two threads change with nothing between them.
fn race() -> c_int {
    let counter = Arc::new(Racy(UnsafeCell::new(0)));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let counter = counter.clone();
            thread::spawn(move || {
                for _ in 0..ROUNDS {
                    // SAFETY: none, see `Racy`.
                    unsafe { *counter.0.get() += 1 };
                    thread::yield_now();
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    // SAFETY: the threads have ended.
    unsafe { *counter.0.get() }
}

fn use_after_free() -> c_int {
    let memory = Box::into_raw(Box::new(1));
    // SAFETY: none: the second line is the fault.
    unsafe {
        drop(Box::from_raw(memory));
        memory.read_volatile()
    }
}

fn overflow() -> c_int {
    let memory = vec![1 as c_int; 4];
    // SAFETY: none: the place is behind the end.
    unsafe { memory.as_ptr().add(4).read_volatile() }
}

fn leak() -> c_int {
    let memory = Box::leak(Box::new([1 as c_int; 100]));
    memory[0]
}
