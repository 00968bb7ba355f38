//! The end of the process.

/// Ends the process without running any more of its code, so that threads that hang in a plugin cannot delay it.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
pub fn end_at_once(status: i32) -> ! {
    // SAFETY: _exit takes a number, never returns, and runs no code of this process.
    unsafe { libc::_exit(status) }
}
