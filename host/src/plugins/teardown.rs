//! Drops what plugins made. That runs code of the plugin, which may take long or never return.
//!
//! # Threads
//! Each value is dropped on its own thread, so a `Drop` that hangs delays nothing. One counter for the process says how
//! many drops have not returned. At its end, a command waits a few seconds for them.

use std::{
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    journal::{self, Plugin, Work},
    threads,
};

/// A value that a plugin made. Its `Drop` runs on a thread of its own.
pub(super) struct OfPlugin<T: Send + 'static> {
    value: ManuallyDrop<T>,
    plugin: Plugin,
}

/// How many drops have begun and not returned, in the whole process, because libraries too belong to the process.
static UNDER_WAY: Mutex<usize> = Mutex::new(0);
static RETURNED: Condvar = Condvar::new();

/// How long a command waits for drops at its end.
const PATIENCE: Duration = Duration::from_secs(5);

impl<T: Send + 'static> OfPlugin<T> {
    pub(super) fn new(value: T, plugin: &Plugin) -> Self {
        Self {
            value: ManuallyDrop::new(value),
            plugin: plugin.clone(),
        }
    }
}

impl<T: Send + 'static> Deref for OfPlugin<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Send + 'static> DerefMut for OfPlugin<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Send + 'static> Drop for OfPlugin<T> {
    #[allow(unsafe_code, reason = "the value moves to another thread")]
    fn drop(&mut self) {
        // SAFETY: this is `drop`, which runs once, and nothing uses the field after it.
        let value = ManuallyDrop::new(unsafe { ManuallyDrop::take(&mut self.value) });
        let plugin = self.plugin.clone();
        let counted = Counted::new();
        // If no thread starts, the closure is dropped here, and `ManuallyDrop` leaks the value.
        let started = threads::start("plugin-drop", move || {
            let _counted = counted;
            let _entered = journal::enter(&plugin, Work::Drop);
            drop(ManuallyDrop::into_inner(value));
        });
        if let Err(error) = started {
            tracing::warn!("cannot start a thread for the `Drop` of a plugin, so the host skips it: {error}");
        }
    }
}

/// A drop that has begun, until it returns.
struct Counted;

impl Counted {
    fn new() -> Self {
        *lock() += 1;
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        *lock() -= 1;
        RETURNED.notify_all();
    }
}

/// Waits a few seconds for drops that have begun; returns whether all have returned.
pub fn drops_return() -> bool {
    let waited = RETURNED.wait_timeout_while(lock(), PATIENCE, |under_way| *under_way > 0);
    let under_way = *waited.unwrap_or_else(PoisonError::into_inner).0;
    if under_way > 0 {
        let seconds = PATIENCE.as_secs();
        tracing::warn!(
            under_way,
            "the `Drop` of a plugin has not returned within {seconds} s: the process ends without it"
        );
    }
    under_way == 0
}

fn lock() -> MutexGuard<'static, usize> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{Sender, channel},
        thread::{self, ThreadId},
    };

    use super::*;

    struct Tells(Sender<ThreadId>);

    impl Drop for Tells {
        fn drop(&mut self) {
            self.0.send(thread::current().id()).unwrap();
        }
    }

    #[test]
    fn a_value_is_dropped_on_another_thread() {
        let (sender, receiver) = channel();
        let plugin = Plugin::new("probe.so".as_ref(), "00");
        drop(OfPlugin::new(Tells(sender), &plugin));
        assert_ne!(receiver.recv().unwrap(), thread::current().id());
    }
}
