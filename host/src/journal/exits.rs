//! `exit` and `quick_exit`: what runs when somebody ends the process by them.
//!
//! The host calls `exit` on its main thread alone, when all is done. Anywhere else it is a plugin, and the work is not done:
//! the process then ends with [`STATUS`], whatever status the plugin gave. `_exit` runs nothing, so nothing here sees it.

use std::{
    io::{self, Write as _},
    process::id,
};

use super::{
    current,
    ending::Ending,
    running, signals,
    slot::{Exit, Slot},
    work::LeftWork,
};
use crate::process;

/// The exit status of a host that a plugin ends by `exit`: a fault of software, as sysexits.h names it.
const STATUS: i32 = 70;

/// Installs the handlers, once for the process.
#[allow(unsafe_code, reason = "the C library has no safe wrapper for it")]
pub(super) fn install() {
    // SAFETY: the handler takes nothing and belongs to the program, which is never unloaded.
    let installed = unsafe { libc::atexit(at_exit) };
    #[cfg(target_os = "linux")]
    // SAFETY: as above.
    let installed = installed | unsafe { at_quick_exit(on_quick_exit) };
    if installed != 0 {
        tracing::warn!("the host does not notice a plugin that calls `exit`: the system has no room for its handler");
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the crate libc does not declare it")]
unsafe extern "C" {
    fn at_quick_exit(handler: extern "C" fn()) -> libc::c_int;
}

extern "C" fn at_exit() {
    end_for_a_plugin(Exit::Exit);
}

#[cfg(target_os = "linux")]
extern "C" fn on_quick_exit() {
    end_for_a_plugin(Exit::QuickExit);
}

/// Ends the process at once if a plugin calls the function. Otherwise returns, and the call goes on.
fn end_for_a_plugin(exit: Exit) {
    // A child that a plugin forked ends as it likes.
    if running().is_none_or(|running| running.process != id()) {
        return;
    }
    let whose = match current::slot() {
        Some(slot) => {
            slot.mark_exit(exit, signals::now());
            whose(slot)
        }
        None if is_main_thread() => return,
        None => "a thread of a plugin".to_owned(),
    };
    // Where stderr cannot be written, nobody can be told.
    let _ = writeln!(
        io::stderr(),
        "session-host: {whose} ended the process by {}",
        Ending::from(exit)
    );
    process::end_at_once(STATUS)
}

/// Who calls the function. A file's name may hold anything, so a terminal gets the name of the processor alone.
fn whose(slot: &Slot) -> String {
    let attempt = LeftWork::read(&slot.text()).and_then(|work| work.attempt);
    attempt.map_or_else(
        || "a plugin that the host loads or drops".to_owned(),
        |attempt| format!("the plugin of the processor {}", attempt.processor),
    )
}

#[cfg(target_os = "linux")]
fn is_main_thread() -> bool {
    rustix::thread::gettid() == rustix::process::getpid()
}

/// Elsewhere the host cannot tell.
#[cfg(not(target_os = "linux"))]
fn is_main_thread() -> bool {
    true
}
