//! What is known of the schema until it changes.
//!
//! The host asks for the inventory whenever it loads a plugin and begins a run, and migrations are rare.
//!
//! # Threads
//! Any thread may ask. The lock is held while the inventory is read, so that whoever notes a change waits, and forgets
//! what was read before it. A thread that reads holds no other lock but the writer's.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::state::{
    engine::instance::Link,
    error::Result,
    schema::declared::{Foundations, Inventory},
};

/// The inventory of a state, once it was read.
#[derive(Debug, Default)]
pub(crate) struct KnownSchema(Mutex<Known>);

/// How much is known.
#[derive(Debug, Default)]
enum Known {
    #[default]
    Nothing,
    Foundations(Foundations),
    Inventory(Arc<Inventory>),
}

impl KnownSchema {
    /// The schema of a state that was just opened.
    pub(crate) fn founded_on(foundations: Foundations) -> Self {
        Self(Mutex::new(Known::Foundations(foundations)))
    }

    /// The inventory, which is read through this connection if it is not known.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub(crate) fn inventory(&self, link: &Link) -> Result<Arc<Inventory>> {
        let mut known = self.lock();
        let inventory = match mem::take(&mut *known) {
            Known::Nothing => Arc::new(Inventory::read(link)?),
            Known::Foundations(foundations) => Arc::new(Inventory::read_on(link, foundations)?),
            Known::Inventory(inventory) => inventory,
        };
        *known = Known::Inventory(Arc::clone(&inventory));
        Ok(inventory)
    }

    /// Forgets the inventory, because a committed transaction has changed it.
    pub(crate) fn forget(&self) {
        *self.lock() = Known::Nothing;
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::engine::open::{link_to, open_in_memory};

    #[test]
    fn the_inventory_is_read_once_and_again_after_a_change() {
        let connection = link_to(&open_in_memory().unwrap()).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE schema_migration (owner VARCHAR, version INTEGER, checksum VARCHAR);
                            CREATE TABLE processor_table (table_name VARCHAR, owner VARCHAR)",
            )
            .unwrap();
        let known = KnownSchema::default();
        let probe = "probe".parse().unwrap();
        let versions = |known: &KnownSchema| known.inventory(&connection).unwrap().migrations_of(&probe).len();
        assert_eq!(versions(&known), 0);
        connection
            .execute_batch("INSERT INTO schema_migration VALUES ('probe', 1, 'f00')")
            .unwrap();
        assert_eq!(versions(&known), 0);
        known.forget();
        assert_eq!(versions(&known), 1);
    }
}
