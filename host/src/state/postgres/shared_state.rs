//! A state in a PostgreSQL database, which this host has open beside others.
//!
//! # Threads
//! Any thread may use it. Each link is an instance of its own, and PostgreSQL isolates their transactions. The one writer takes
//! turns, as that of a state in a file does; the commits of attempts take none. The lock on the era is held for a moment, except
//! while a new era begins: the thread that begins one opens its first connection and makes its mirror, and others wait. The lock
//! on the snapshot is held while the files of a new one are opened.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    attach::{Database, Unconfined},
    bootstrap,
    era::{self, Era},
    fence::LastForgotten,
    migrate::{self, Migrated},
    mirror::Mirror,
    snapshot::{self, OpenedSnapshot, Snapshot},
};
use session_plugin_api::{Migration, Timestamp};

use crate::{
    cluster::MachineId,
    names::ProcessorName,
    postgres::{NoticedBy, Outage, PostgresAddress},
    state::{
        ailment::{Ailing, Ailment},
        commit::writer::Writer,
        conflict::{Conflicts, Judged},
        engine::{instance::Link, interrupt::Interrupts, open::link_to},
        error::{Doing, Result, StateError},
        rows::table::FilledTable,
        schema::{
            applied_migrations::AppliedMigrations,
            known::KnownSchema,
            processor::{DeclaredTables, outstanding, session_tables},
            refused::SchemaRefused,
        },
    },
    state_place::SharedFolders,
};

/// What PostgreSQL calls the connections of a host that is no member.
pub(in crate::state) const OUTSIDER: &str = "session-host";

/// A state that several hosts share.
pub(crate) struct SharedState {
    database: Database,
    era: Mutex<Option<Arc<Era>>>,
    /// The mirror of the last era.
    mirror: Mutex<Option<Arc<Mirror>>>,
    /// The incarnation by which PostgreSQL knows this host.
    machine: Mutex<Option<MachineId>>,
    writing: Mutex<()>,
    /// The snapshot that was read last.
    snapshot: Mutex<Option<OpenedSnapshot>>,
    schema: KnownSchema,
    interrupts: Interrupts,
    ailing: Ailing,
    outage: Arc<Outage>,
}

/// How often a change of the schema may come in the way of a new link.
const ERAS: u32 = 10;

impl SharedState {
    /// Opens the state, and creates or migrates the host's own tables.
    ///
    /// # Errors
    /// When the database cannot be reached, this role may not create tables there, or a newer version migrated them.
    pub(crate) fn open(address: &PostgresAddress, folders: SharedFolders) -> Result<Self> {
        let (database, instance) = attach(address, folders)?;
        Self::open_with(database, instance)
    }

    /// Opens the state, like [`open`](Self::open), if there is one.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub(crate) fn open_existing(address: &PostgresAddress, folders: SharedFolders) -> Result<Option<Self>> {
        let (database, instance) = attach(address, folders)?;
        match bootstrap::is_readable(&database, &instance.connection)? {
            true => Self::open_with(database, instance).map(Some),
            false => Ok(None),
        }
    }

    fn open_with(database: Database, instance: Unconfined) -> Result<Self> {
        bootstrap::bring_up_to_date(&database, &instance.connection)?;
        Self::begin(database, instance)
    }

    /// Opens the state to read it, if there is one; changes nothing.
    ///
    /// # Errors
    /// When the database cannot be reached, or a newer version migrated it.
    pub(crate) fn look_at(address: &PostgresAddress, folders: SharedFolders) -> Result<Option<Self>> {
        match attach_readable(address, folders)? {
            Some((database, instance)) => Self::begin(database, instance).map(Some),
            None => Ok(None),
        }
    }

    fn begin(database: Database, instance: Unconfined) -> Result<Self> {
        let era = Era::begin_with(&database, OUTSIDER.to_owned(), instance, None)?;
        Ok(Self {
            mirror: Mutex::new(Some(Arc::clone(era.mirror()))),
            era: Mutex::new(Some(Arc::new(era))),
            database,
            machine: Mutex::default(),
            writing: Mutex::default(),
            snapshot: Mutex::default(),
            schema: KnownSchema::default(),
            interrupts: Interrupts::default(),
            ailing: Ailing::default(),
            outage: Arc::default(),
        })
    }

    /// Opens a link for one reader, if there is a state; changes nothing. Its SQL reaches files, until the reader forbids that.
    ///
    /// # Errors
    /// As for [`look_at`](Self::look_at).
    pub(crate) fn open_for_a_reader(address: &PostgresAddress, folders: SharedFolders) -> Result<Option<Link>> {
        let readable = attach_readable(address, folders)?;
        readable
            .map(|(database, instance)| era::lone_link(instance, &database.address))
            .transpose()
    }

    /// The address of the database.
    pub(crate) fn address(&self) -> &PostgresAddress {
        &self.database.address
    }

    /// The folder that exports may be written to.
    pub(crate) fn exports(&self) -> &PathBuf {
        &self.database.exports
    }

    /// Makes this host known to PostgreSQL by its incarnation from now on, so that a take-over ends its connections.
    pub(crate) fn enlist(&self, machine: Option<MachineId>) {
        let mut enlisted = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        if *enlisted != machine {
            *enlisted = machine;
            drop(enlisted);
            self.end_era();
        }
    }

    /// Opens a link to an instance that nothing else uses.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) fn connect(&self) -> Result<Link> {
        let reached = self.ailing.note_connection(self.current_link());
        match &reached {
            Ok(link) => {
                self.outage.is_over(NoticedBy::State);
                self.interrupts.keep(link);
            }
            Err(error) if error.is_outage() => self.outage.notice(NoticedBy::State, error),
            Err(_) => {}
        }
        reached
    }

    /// What the parts of this host that reach the database note of its outages.
    pub(crate) fn outage(&self) -> &Arc<Outage> {
        &self.outage
    }

    fn current_link(&self) -> Result<Link> {
        for _ in 0..ERAS {
            match self.era()?.link()? {
                Some(link) => return Ok(link),
                None => self.end_era(),
            }
        }
        Err(StateError::SchemaInFlux)
    }

    /// Writes through a link; waits until no other thread of this host is writing.
    ///
    /// # Errors
    /// When the database cannot be reached, or the work fails.
    pub(crate) fn write<T, E: From<StateError>>(&self, work: impl FnOnce(&Writer) -> Result<T, E>) -> Result<T, E> {
        let _turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        work(&Writer::new(self.connect()?)?)
    }

    /// Like [`write`](Self::write), and notes for health how it ended. Work that meets that of another host is done again.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn write_noted<T>(&self, work: impl Fn(&Writer) -> Result<T>) -> Result<T> {
        let mut conflicts = Conflicts::among_hosts();
        loop {
            match self.write(&work) {
                Err(error) if conflicts.judge(error.conflict()) == Judged::Repeat => {}
                written => return self.ailing.note_write(written),
            }
        }
    }

    /// Applies a processor's pending migrations, and returns its session tables. A migration that meets what another host does
    /// is applied again.
    ///
    /// # Errors
    /// When the processor cannot be used with this state, or PostgreSQL cannot take one of its statements.
    pub(crate) fn prepare_processor(
        &self,
        declared: DeclaredTables<'_>,
    ) -> Result<Vec<Arc<FilledTable>>, SchemaRefused> {
        let mut conflicts = Conflicts::among_hosts();
        loop {
            let link = self.connect()?;
            let inventory = self.schema.inventory(&link)?;
            let Some(migration) = outstanding(&inventory, declared)?.first() else {
                let judge = link.judge().doing("connect to the instance that judges")?;
                return session_tables(&judge, &inventory, declared);
            };
            match self.migrate(link, declared.processor, migration) {
                Err(error) if conflicts.judge(error.conflict()) == Judged::Repeat => {}
                migrated => migrated?,
            }
        }
    }

    /// Applies a migration, unless another host has applied it meanwhile.
    fn migrate(&self, link: Link, processor: &ProcessorName, migration: &Migration) -> Result<(), SchemaRefused> {
        let mirror = self.era()?.judge()?;
        let migrated = migrate::apply(&link, &mirror, processor, migration);
        drop(link);
        if migrated.is_err() {
            // The mirror holds a part of the migration.
            *self.mirror.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        self.note_changed_schema();
        if migrated? == Migrated::Applied {
            tracing::info!(%processor, version = migration.version(), title = migration.title(), "applied a migration");
        }
        Ok(())
    }

    /// Opens a link for one reader. Its SQL reaches files, until the reader forbids that.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) fn unconfined(&self) -> Result<Link> {
        self.era()?.unconfined_link()
    }

    /// Opens a link to the newest snapshot, and says of when it is. `None` if no snapshots are configured, none is there yet,
    /// or the newest one cannot be read or is from before the last forgetting.
    ///
    /// # Errors
    /// When the database cannot be reached, which has the schema.
    pub(crate) fn snapshot(&self) -> Result<Option<(Link, Timestamp)>> {
        let Some(newest) = self.newest_snapshot() else {
            return Ok(None);
        };
        // Looked up after the snapshot was found, which may be of a forgetting from just before.
        if !newest.is_of(self.last_forgotten()?) {
            return Ok(None);
        }
        let mirror = Arc::clone(self.era()?.mirror());
        let mut opened = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        let known = opened.take().filter(|known| known.is_of(&newest, &mirror));
        let known = known.unwrap_or_else(|| OpenedSnapshot::open(newest, mirror));
        let engine = known.engine.clone();
        let taken_at = known.snapshot.taken_at;
        *opened = Some(known);
        drop(opened);
        engine.map(|engine| Ok((link_to(&engine)?, taken_at))).transpose()
    }

    fn newest_snapshot(&self) -> Option<Snapshot> {
        let newest = snapshot::newest(self.database.snapshots.as_deref()?);
        newest.unwrap_or_else(|error| {
            tracing::warn!("reports come from PostgreSQL: {error}");
            None
        })
    }

    /// Removes all snapshots, because they hold what was forgotten. Reports come from the tables until the next one.
    ///
    /// # Errors
    /// When the folder of the snapshots cannot be read, or a file cannot be removed.
    pub(crate) fn remove_snapshots(&self) -> Result<()> {
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.database.snapshots.as_deref().map_or(Ok(()), snapshot::remove_all)
    }

    /// Writes a snapshot, with the views that `reports` read, if snapshots are configured. Returns of when it is.
    ///
    /// # Errors
    /// When the database cannot be reached, or a file cannot be written.
    pub(crate) fn take_snapshot(&self, reports: &[String]) -> Result<Option<Timestamp>> {
        let Some(snapshots) = &self.database.snapshots else {
            return Ok(None);
        };
        let link = self.unconfined()?;
        let mirror = Arc::clone(self.era()?.mirror());
        snapshot::write(&link, snapshots, &mirror, reports).map(|snapshot| Some(snapshot.taken_at))
    }

    /// Refuses a processor whose tables are no more at the version at which this host prepared them.
    ///
    /// # Errors
    /// When they are not, or the database cannot be reached.
    pub(crate) fn check_tables(&self, processor: &ProcessorName, prepared: u32) -> Result<(), SchemaRefused> {
        let recorded = AppliedMigrations::read(&*self.connect()?)?.newest_of(processor.as_str());
        if recorded == prepared {
            return Ok(());
        }
        Err(SchemaRefused::Differs {
            processor: processor.to_string(),
            recorded,
            prepared,
        })
    }

    /// Who was forgotten last.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(crate) fn last_forgotten(&self) -> Result<LastForgotten> {
        LastForgotten::look(&*self.connect()?)
    }

    /// What is known of the schema.
    pub(crate) fn schema(&self) -> &KnownSchema {
        &self.schema
    }

    /// Notes that the schema has changed.
    pub(crate) fn note_changed_schema(&self) {
        self.end_era();
    }

    /// Why the state cannot be written, if it cannot. Takes only a lock that is held for moments.
    pub(crate) fn ailment(&self) -> Option<Ailment> {
        self.ailing.told()
    }

    /// Notes an error if it shows that the state cannot be written.
    pub(crate) fn note(&self, error: &StateError) {
        self.ailing.note(error);
    }

    /// Tries again to reach the database, if it could not be reached.
    pub(crate) fn recover(&self) {
        if self.ailing.told().is_some()
            && let Err(error) = self.connect()
            && !error.is_outage()
        {
            tracing::warn!("the state still cannot be reached: {error}");
        }
    }

    fn era(&self) -> Result<Arc<Era>> {
        let mut era = self.lock_era();
        if let Some(era) = &*era {
            return Ok(Arc::clone(era));
        }
        let machine = *self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let name = machine.map_or_else(|| OUTSIDER.to_owned(), MachineId::application_name);
        let mut mirror = self.mirror.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Arc::new(Era::begin(&self.database, name, mirror.take())?);
        *mirror = Some(Arc::clone(begun.mirror()));
        *era = Some(Arc::clone(&begun));
        Ok(begun)
    }

    fn end_era(&self) {
        *self.lock_era() = None;
        self.schema.forget();
    }

    fn lock_era(&self) -> MutexGuard<'_, Option<Arc<Era>>> {
        self.era.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The database at this address, and an instance that attaches it, of a host that is no member yet.
fn attach(address: &PostgresAddress, folders: SharedFolders) -> Result<(Database, Unconfined)> {
    let database = Database::at(address, folders)?;
    let instance = database.attach(OUTSIDER)?;
    Ok((database, instance))
}

/// As [`attach`], if the database holds a state; changes nothing.
fn attach_readable(address: &PostgresAddress, folders: SharedFolders) -> Result<Option<(Database, Unconfined)>> {
    let (database, instance) = attach(address, folders)?;
    let is_readable = bootstrap::is_readable(&database, &instance.connection)?;
    Ok(is_readable.then_some((database, instance)))
}
