//! The ways in which a plugin can end the host.

use std::{
    ffi::{c_int, c_void},
    hint::black_box,
    process, ptr, thread,
};

use serde::Deserialize;

/// How the plugin ends the process.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostEnd {
    /// By a write to address 0.
    NullWrite,
    /// By a write to address 0 on a thread of its own.
    NullWriteOnItsThread,
    /// By `abort`.
    Abort,
    /// By a recursion without end.
    StackOverflow,
    /// By a panic while a panic unwinds.
    DoublePanic,
    /// By `exit`, with status 0.
    Exit,
    /// By `exit` on a thread of its own, with status 0.
    ExitOnItsThread,
    /// By `quick_exit`, with status 0.
    QuickExit,
    /// By `_exit`, with status 0.
    UnderscoreExit,
    /// By the end of the host's thread.
    PthreadExit,
    /// By a jump to nowhere.
    Longjmp,
}

#[allow(unsafe_code, reason = "declares functions of the C library")]
unsafe extern "C" {
    fn quick_exit(status: c_int) -> !;
    fn _exit(status: c_int) -> !;
    fn longjmp(environment: *mut c_void, value: c_int) -> !;
}

#[allow(unsafe_code, reason = "declares a function of the C library")]
unsafe extern "C-unwind" {
    fn pthread_exit(value: *mut c_void) -> !;
}

impl HostEnd {
    /// Ends the process.
    ///
    /// # Panics
    /// Where that is the way.
    #[allow(unsafe_code, clippy::panic, reason = "what it is for")]
    pub fn end_host(self) {
        match self {
            Self::NullWrite => write_to_null(),
            // Whether the thread panicked does not matter.
            Self::NullWriteOnItsThread => drop(thread::spawn(write_to_null).join()),
            Self::Abort => process::abort(),
            Self::StackOverflow => drop(black_box(recurse(0))),
            Self::DoublePanic => {
                let _panics_again = PanicsWhenDropped;
                panic!("the first panic");
            }
            Self::Exit => process::exit(0),
            Self::ExitOnItsThread => drop(thread::spawn(|| process::exit(0)).join()),
            // SAFETY: it takes a number, and this is a test of what it does to the host.
            Self::QuickExit => unsafe { quick_exit(0) },
            // SAFETY: as above.
            Self::UnderscoreExit => unsafe { _exit(0) },
            // SAFETY: none, and this is a test of what it does to the host.
            Self::PthreadExit => unsafe { pthread_exit(ptr::null_mut()) },
            Self::Longjmp => {
                let mut environment = [0_u64; 64];
                // SAFETY: none, and this is a test of what it does to the host.
                unsafe { longjmp(environment.as_mut_ptr().cast(), 1) }
            }
        }
    }
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    #[allow(clippy::panic, reason = "what it is for")]
    fn drop(&mut self) {
        panic!("the second panic");
    }
}

#[allow(unsafe_code, reason = "what it is for")]
fn write_to_null() {
    // SAFETY: none, and this is a test of what it does to the host.
    unsafe { black_box(ptr::null_mut::<u8>()).write_volatile(1) };
}

#[expect(unconditional_recursion, reason = "what it is for")]
fn recurse(depth: u64) -> u64 {
    let room = black_box([depth; 64]);
    recurse(depth + 1) + room[0]
}
