//! Which slot belongs to this thread.
//!
//! # Threads
//! Each thread has its own pointer. It is initialised by a constant and has no destructor, so a signal handler may read it at
//! any moment of the thread's life.

use std::{cell::Cell, marker::PhantomData};

use super::{
    running,
    slot::{Slot, Stage, Usage},
    suspects,
    work::{Plugin, Work},
};
use crate::clock;

thread_local! {
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    /// The place of the slot that this thread used last: most likely it is free again.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// The slot of this thread; `None` outside plugins. A signal handler calls this.
pub(super) fn slot() -> Option<&'static Slot> {
    SLOT.get()
}

/// While this is kept, the journal says what the thread does in a plugin.
#[must_use = "the entry is cleared when this is dropped"]
pub struct Entered {
    slot: Option<&'static Slot>,
    outer: Option<&'static Slot>,
    /// It belongs to its thread.
    _thread: PhantomData<*const ()>,
}

/// Notes that this thread enters a plugin. Without a journal, or without a free slot, it notes nothing.
pub fn enter(plugin: &Plugin, work: Work<'_>) -> Entered {
    let outer = SLOT.get();
    let slot = fill(plugin, work);
    if slot.is_some() {
        SLOT.set(slot);
    }
    Entered {
        slot,
        outer,
        _thread: PhantomData,
    }
}

fn fill(plugin: &Plugin, work: Work<'_>) -> Option<&'static Slot> {
    let running = running()?;
    // What is attempted in this process is in flight again: it is a suspect no more, or once more.
    suspects().clear_work(plugin, work);
    let text = work.text(plugin)?;
    let slots = &running.pages.slots;
    let last = LAST.get();
    let places = (0..slots.len()).map(|step| (last + step) % slots.len());
    let place = places.into_iter().find(|place| slots[*place].claim())?;
    LAST.set(place);
    let slot = &slots[place];
    slot.fill(Usage::InUse, work.stage(), clock::now().as_micros(), &text);
    Some(slot)
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            SLOT.set(self.outer);
            slot.clear();
        }
    }
}

/// While this is kept, the entry of the thread says that this part of the plugin runs.
#[must_use = "the stage is over when this is dropped"]
pub struct AtStage {
    /// The slot, and the number of the stage before.
    before: Option<(&'static Slot, u32)>,
}

/// Notes which part of the plugin runs, within what the thread has entered.
pub fn at(stage: Stage) -> AtStage {
    AtStage {
        before: SLOT.get().map(|slot| (slot, slot.replace_stage(stage))),
    }
}

impl Drop for AtStage {
    fn drop(&mut self) {
        if let Some((slot, stage)) = self.before {
            slot.restore_stage(stage);
        }
    }
}
