//! The handlers of the signals by which a plugin ends the process.
//!
//! A handler marks the slot of its thread, then lets the signal take its course: the handler that was there before (the
//! standard library's, which reports an overflow of the stack), else the system's default, with its core dump.
//!
//! # Threads
//! A handler runs on the thread that got the signal, on its alternate stack. The standard library gives one to each thread
//! that it starts, and all threads that call plugins are such threads. A handler only reads a constant-initialised
//! thread-local pointer, stores numbers, and makes system calls.

use std::{io, mem, ptr, sync::OnceLock};

use super::{current, ending::signal_name, running};

/// The signals that a thread causes by what it does.
const FATAL: [libc::c_int; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// What the process did at each of these signals before.
static BEFORE: [OnceLock<libc::sigaction>; FATAL.len()] = [const { OnceLock::new() }; FATAL.len()];

/// Installs the handlers. A signal whose handler cannot be installed stays as it is.
pub(super) fn install() {
    for (signal, before) in FATAL.into_iter().zip(&BEFORE) {
        if let Err(error) = install_one(signal, before) {
            let name = signal_name(signal);
            tracing::warn!("the journal of crashes does not see {name}: {error}");
        }
    }
}

#[allow(
    unsafe_code,
    reason = "signal handlers have no safe wrapper that takes these signals"
)]
fn install_one(signal: libc::c_int, before: &OnceLock<libc::sigaction>) -> io::Result<()> {
    // SAFETY: all fields are numbers, for which zeros are valid.
    let mut found: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: no action is set, and `found` is valid for the write.
    check(unsafe { libc::sigaction(signal, ptr::null(), &raw mut found) })?;
    // Kept before the handler can run.
    if before.set(found).is_err() {
        return Ok(());
    }
    // SAFETY: as above.
    let mut ours: libc::sigaction = unsafe { mem::zeroed() };
    let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = on_signal;
    ours.sa_sigaction = handler as usize;
    ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: `ours` is a whole action whose handler is async-signal-safe and has the signature of SA_SIGINFO.
    check(unsafe { libc::sigaction(signal, &raw const ours, ptr::null_mut()) })
}

fn check(returned: libc::c_int) -> io::Result<()> {
    match returned {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[allow(unsafe_code, reason = "reads what the system hands to a signal handler")]
extern "C" fn on_signal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the system hands a valid description to a handler that was installed with SA_SIGINFO.
    let told = unsafe { &*info };
    if signal == libc::SIGBUS && memory_without_a_file(told) {
        return;
    }
    if is_of_this_thread(told) {
        mark(signal);
    }
    go_on(signal, info, context);
}

/// Marks the slot of this thread, or the header if the thread is in no plugin.
fn mark(signal: libc::c_int) {
    let Some(running) = running() else { return };
    // A child that a plugin forked shares the mapping. Its end is not the host's.
    if running.process != std::process::id() {
        return;
    }
    match current::slot() {
        Some(slot) => slot.mark_signal(signal, now()),
        None => running.pages.mark_stray(signal),
    }
}

/// Whether the thread caused the signal. Another process, such as a watchdog, says nothing about the thread that it hits.
#[allow(unsafe_code, reason = "reads a field of a union")]
fn is_of_this_thread(info: &libc::siginfo_t) -> bool {
    let is_sent = info.si_code <= 0;
    // SAFETY: the system sets the sender of a signal that a process sent.
    !is_sent || unsafe { info.si_pid() }.cast_unsigned() == std::process::id()
}

/// The time, in microseconds since the epoch, by a call that a signal handler may make.
#[allow(
    unsafe_code,
    reason = "the standard library does not promise that its clock is async-signal-safe"
)]
pub(super) fn now() -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for the write.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
    time.tv_sec
        .saturating_mul(1_000_000)
        .saturating_add(time.tv_nsec / 1000)
}

/// Puts memory in the place of the mapped file if the signal says that the file cannot take a write: somebody truncated it, or
/// its disk is full. That costs the journal, and nothing else. Returns whether it did.
#[allow(unsafe_code, reason = "changes the mapping, and reads a field of a union")]
fn memory_without_a_file(info: &libc::siginfo_t) -> bool {
    let Some(running) = running() else { return false };
    // SAFETY: the system sets the address of a SIGBUS that it causes; of one that is sent, the address is some number.
    let address = unsafe { info.si_addr() }.addr();
    if info.si_code <= 0 || !running.pages.has(address) {
        return false;
    }
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let start = ptr::from_ref(running.pages).cast_mut().cast();
    // SAFETY: the range is exactly the journal's mapping. It holds atomics, for which the zeros of the new memory are valid.
    let mapped = unsafe { libc::mmap(start, super::pages::FILE_BYTES, protection, flags, -1, 0) };
    mapped != libc::MAP_FAILED
}

/// Lets the signal do what it would have done without the journal.
#[allow(unsafe_code, reason = "calls the handler that was there before")]
fn go_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let place = FATAL.iter().position(|known| *known == signal);
    let before = place.and_then(|place| BEFORE[place].get());
    match before {
        Some(before) if !matches!(before.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN) => {
            if before.sa_flags & libc::SA_SIGINFO == 0 {
                // SAFETY: the address is that of a handler that was installed without SA_SIGINFO, so it takes the number.
                let handler: extern "C" fn(libc::c_int) = unsafe { mem::transmute(before.sa_sigaction) };
                handler(signal);
            } else {
                type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
                // SAFETY: the address is that of a handler that was installed with SA_SIGINFO, so it takes all three.
                let handler: Handler = unsafe { mem::transmute(before.sa_sigaction) };
                handler(signal, info, context);
            }
        }
        _ => default(signal),
    }
}

/// Ends the process by the system's default action, with a core dump where it makes one.
#[allow(unsafe_code, reason = "sets an action and sends a signal")]
fn default(signal: libc::c_int) {
    // SAFETY: all fields are numbers; zeros are the default action without flags.
    let action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: `action` is a whole action. The signal is blocked until the handler returns, then it is delivered.
    unsafe {
        libc::sigaction(signal, &raw const action, ptr::null_mut());
        libc::raise(signal);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::threads;

    #[test]
    #[allow(unsafe_code, reason = "asks the system")]
    fn the_threads_of_the_host_have_an_alternate_stack() {
        let (sender, receiver) = channel();
        threads::start("asks", move || {
            // SAFETY: all fields are numbers and a pointer, for which zeros are valid.
            let mut stack: libc::stack_t = unsafe { mem::zeroed() };
            // SAFETY: no stack is set, and `stack` is valid for the write.
            let returned = unsafe { libc::sigaltstack(ptr::null(), &raw mut stack) };
            sender.send((returned, stack.ss_flags, stack.ss_size)).unwrap();
        })
        .unwrap();
        let (returned, flags, size) = receiver.recv().unwrap();
        assert_eq!((returned, flags & libc::SS_DISABLE), (0, 0));
        assert!(size >= 8 << 10, "{size}");
    }
}
