//! The instances of a time in which neither the schema nor the host's membership changed.
//!
//! A new instance takes many milliseconds, so those that are used no more are kept. A change of the schema makes the
//! views and the known columns of all of them obsolete, and a host that joins anew has another name for PostgreSQL. Then
//! a new era begins, and the instances of the one before are closed as they come back.
//!
//! # Threads
//! The lock on the kept instances is held only to take or put one.

use std::sync::{Arc, Mutex, PoisonError};

use duckdb::Connection;

use super::{
    attach::{Database, Unconfined, choose_schema},
    mirror::{Mirror, SCHEMA_TEXT, SchemaText},
};
use crate::{
    postgres::PostgresAddress,
    state::{
        engine::{
            attached::{SCHEMA, passed_through},
            instance::{Attached, Engine, Keeper, Link},
            open::link_to,
            server_work::ServerWork,
        },
        error::{Doing, Result},
    },
};

/// How many instances are kept that nobody uses.
const KEPT: usize = 8;

/// The instances of an era.
pub(super) struct Era {
    database: Database,
    application_name: String,
    mirror: Arc<Mirror>,
    shelf: Arc<Shelf>,
}

/// The instances that nobody uses; `None` when the era is over.
struct Shelf(Mutex<Option<Vec<(Connection, Engine)>>>);

impl Shelf {
    fn take(&self) -> Option<(Connection, Engine)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.pop()
    }
}

impl Keeper for Shelf {
    fn take_back(&self, connection: Connection, engine: Engine) {
        if let Some(kept) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)
            && kept.len() < KEPT
        {
            kept.push((connection, engine));
        }
    }
}

impl Era {
    /// Begins an era with the present schema, and with the mirror of the one before if that is still right.
    pub(super) fn begin(database: &Database, application_name: String, earlier: Option<Arc<Mirror>>) -> Result<Self> {
        let instance = database.attach(&application_name)?;
        choose_schema(&instance.connection)?;
        Self::begin_with(database, application_name, instance, earlier)
    }

    /// Begins an era with an instance that already attaches the database.
    pub(super) fn begin_with(
        database: &Database,
        application_name: String,
        instance: Unconfined,
        earlier: Option<Arc<Mirror>>,
    ) -> Result<Self> {
        let texts = texts(&instance.connection)?;
        let mirror = match earlier {
            Some(earlier) if earlier.texts == texts => earlier,
            _ => Arc::new(Mirror::of(texts)?),
        };
        let (engine, connection) = database.confine(instance, &mirror.objects)?;
        Ok(Self {
            database: database.clone(),
            application_name,
            mirror,
            shelf: Arc::new(Shelf(Mutex::new(Some(vec![(connection, engine)])))),
        })
    }

    /// A link whose SQL reaches files, until somebody forbids that. It is closed after its use.
    pub(super) fn unconfined_link(&self) -> Result<Link> {
        let instance = self.database.attach(&self.application_name)?;
        choose_schema(&instance.connection)?;
        unconfined(instance, &self.mirror, &self.database.address)
    }

    /// The mirror, for the next era.
    pub(super) fn mirror(&self) -> &Arc<Mirror> {
        &self.mirror
    }

    /// A link that nothing else uses; `None` if the schema has changed meanwhile.
    pub(super) fn link(&self) -> Result<Option<Link>> {
        while let Some((connection, engine)) = self.shelf.take() {
            match self.is_current(&connection) {
                Ok(true) => return Ok(Some(self.attached(connection, engine))),
                Ok(false) => return Ok(None),
                // PostgreSQL has ended its connection meanwhile. It does not go back to the others: it would be taken again.
                Err(error) => {
                    tracing::debug!(%error, "a connection to PostgreSQL has ended");
                    drop(connection);
                    drop(engine);
                }
            }
        }
        let instance = self.database.attach(&self.application_name)?;
        choose_schema(&instance.connection)?;
        let (engine, connection) = self.database.confine(instance, &self.mirror.objects)?;
        let link = self.attached(connection, engine);
        Ok(self.is_current(&link)?.then_some(link))
    }

    /// A link to the instance that judges.
    pub(super) fn judge(&self) -> Result<Link> {
        link_to(&self.mirror.engine)
    }

    fn attached(&self, connection: Connection, engine: Engine) -> Link {
        let attached = Attached {
            judge: self.mirror.engine.clone(),
            keeper: Arc::clone(&self.shelf) as Arc<dyn Keeper>,
            server: Arc::new(ServerWork::at(&self.database.address)),
        };
        engine.attach(connection, attached)
    }

    fn is_current(&self, connection: &Connection) -> Result<bool> {
        let sql = passed_through(&format!("SELECT count(*) FROM {SCHEMA}.{SCHEMA_TEXT}"));
        let doing = "look whether the schema has changed";
        let texts: i64 = connection
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .doing(doing)?;
        Ok(usize::try_from(texts).is_ok_and(|texts| texts == self.mirror.texts.len()))
    }
}

impl Drop for Era {
    fn drop(&mut self) {
        *self.shelf.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The link of an instance that nobody else uses, with the views of the present schema. Its SQL reaches files, until
/// somebody forbids that.
pub(super) fn lone_link(instance: Unconfined, address: &PostgresAddress) -> Result<Link> {
    let mirror = Mirror::of(texts(&instance.connection)?)?;
    unconfined(instance, &mirror, address)
}

fn unconfined(instance: Unconfined, mirror: &Mirror, address: &PostgresAddress) -> Result<Link> {
    let Unconfined { engine, connection } = instance;
    mirror.objects.create(&connection)?;
    choose_schema(&connection)?;
    let attached = Attached {
        judge: mirror.engine.clone(),
        keeper: Arc::new(Shelf(Mutex::new(None))),
        server: Arc::new(ServerWork::at(address)),
    };
    Ok(engine.attach(connection, attached))
}

/// The texts that made the schema.
pub(in crate::state) fn texts(connection: &Connection) -> Result<Vec<SchemaText>> {
    let doing = "read the recorded schema";
    let sql = format!("SELECT owner, sql FROM {SCHEMA_TEXT} ORDER BY id");
    let mut statement = connection.prepare(&sql).doing(doing)?;
    let rows = statement.query_map([], |row| {
        Ok(SchemaText {
            owner: row.get(0)?,
            sql: row.get(1)?,
        })
    });
    rows.and_then(Iterator::collect).doing(doing)
}
