//! The probe: a processor that does what its sessions tell it.

use std::{
    fs,
    io::Write as _,
    panic::{panic_any, resume_unwind},
    path::Path,
    process,
    sync::atomic::{AtomicI64, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use session_plugin_api::prelude::*;

use crate::{
    ending::HostEnd,
    step::{Payload, Step},
};

/// How often the probe looks for what it waits for.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// One instance of the probe.
pub struct Probe {
    instance: i64,
}

row! {
    struct ProbeRow<'a> {
        username: &'a str,
        n: i64,
        text: Option<&'a str>,
        instance: i64,
    }
}

/// The probe's section of the configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    /// Refuses the configuration with this reason.
    refuse: Option<String>,
    /// Panics with this message.
    panic: Option<String>,
    /// Ends the process.
    end_host: Option<HostEnd>,
}

impl Default for Probe {
    fn default() -> Self {
        static INSTANCES: AtomicI64 = AtomicI64::new(0);
        Self {
            instance: INSTANCES.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }
}

impl Probe {
    /// What a probe of this name says of itself.
    #[must_use]
    pub fn descriptor(name: &str) -> Descriptor {
        Descriptor::new(name)
            .session_table(format!("{name}_rows"))
            .session_table(format!("{name}_notes"))
    }

    /// What makes its tables.
    #[must_use]
    pub fn migrations(name: &str) -> Vec<Migration> {
        let sql = format!(
            "CREATE TABLE {name}_rows (session_file VARCHAR NOT NULL, username VARCHAR NOT NULL,
                                       n BIGINT NOT NULL CHECK (n >= 0), text VARCHAR NOT NULL, instance BIGINT);
             CREATE TABLE {name}_notes (session_file VARCHAR, username VARCHAR, n BIGINT, text VARCHAR, instance BIGINT);
             CREATE TABLE {name}_totals (key VARCHAR PRIMARY KEY, n BIGINT NOT NULL)"
        );
        vec![Migration::new(1, "create the probe's tables", sql)]
    }

    /// Takes its section of the configuration, or does not.
    ///
    /// # Errors
    /// When the section says so.
    ///
    /// # Panics
    /// As well.
    #[allow(clippy::panic, reason = "what it is for")]
    pub fn configure(configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        if let Some(by) = settings.end_host {
            by.end_host();
        }
        if let Some(message) = settings.panic {
            panic!("{message}");
        }
        settings.refuse.map_or(Ok(()), |reason| Err(Error::new(reason)))
    }

    /// Does what the session tells; an item is a row given to `replace`.
    ///
    /// # Errors
    /// When the session tells it to, or the host does.
    pub fn process_session(
        &self,
        name: &str,
        session: &Session<'_>,
        connection: &Connection<'_>,
    ) -> Result<ProcessorResult> {
        let attempt = Attempt {
            name,
            instance: self.instance,
            session,
            connection,
        };
        let mut items_count = 0;
        for step in session.events_as::<Step>().flatten() {
            items_count += attempt.take(&step)?;
        }
        Ok(ProcessorResult { items_count })
    }
}

struct Attempt<'a> {
    name: &'a str,
    instance: i64,
    session: &'a Session<'a>,
    connection: &'a Connection<'a>,
}

impl Attempt<'_> {
    /// Takes a step and gives the number of its items.
    fn take(&self, step: &Step) -> Result<u64> {
        match step {
            Step::Rows {
                table,
                count,
                first,
                text,
            } => {
                let numbers: Vec<i64> = (*first..first + count).collect();
                return self.rows(table.as_deref(), &numbers, text.as_deref());
            }
            Step::Query { sql, swallow } => return swallowed(self.query(sql), *swallow),
            Step::Execute { sql, swallow } => {
                swallowed(self.connection.execute(sql, &[]), *swallow)?;
            }
            Step::TellRun => return self.rows(None, &[0], Some(&format!("{:?}", self.session.run()))),
            Step::TellLength => {
                let key = format!("length {}", self.session.bytes().len());
                let sql = format!("INSERT INTO {}_totals VALUES (?, 1) ON CONFLICT DO NOTHING", self.name);
                self.connection.execute(&sql, &[&key.as_str()])?;
            }
            Step::TellDeadline => return self.rows(None, &[self.seconds_left()?], Some("seconds")),
            Step::GiveUpWhenCancelled => return self.give_up_when_cancelled(),
            Step::Error { message } => return Err(Error::new(message)),
            Step::NotNow { reason } => return Err(Error::not_now(reason)),
            Step::Panic { payload } => panic_with(*payload),
            Step::ThreadPanics => let_a_thread_panic(),
            Step::Hang => hang(),
            Step::Exit { status } => process::exit(*status),
            Step::EndHost { by } => by.end_host(),
            Step::HangInQuery => {
                let sql = "SELECT sum(a.range * b.range % 7) FROM range(100000000) a, range(100000000) b";
                self.connection.query(sql, &[])?;
            }
            Step::Log { level, message } => write_log(level, message),
            Step::Event { message, number } => tracing::warn!(number, "{message}"),
            Step::Touch { path } => fs::write(path, "")?,
            Step::TellCall { path } => add_line(path, self.session.session_key())?,
            Step::WaitForFile { path } => wait_for(path)?,
            Step::Unless { path, then } => {
                return if path.exists() { Ok(0) } else { self.take(then) };
            }
        }
        Ok(0)
    }

    fn rows(&self, table: Option<&str>, numbers: &[i64], text: Option<&str>) -> Result<u64> {
        let table = table.map_or_else(|| format!("{}_rows", self.name), str::to_owned);
        let rows = numbers.iter().map(|n| ProbeRow {
            username: self.session.username(),
            n: *n,
            text,
            instance: self.instance,
        });
        self.connection.replace(&table, rows)?;
        Ok(numbers.len() as u64)
    }

    fn seconds_left(&self) -> Result<i64> {
        let deadline = self
            .session
            .deadline()
            .ok_or_else(|| Error::new("there is no deadline"))?;
        let left = deadline.saturating_duration_since(Instant::now());
        Ok(i64::try_from(left.as_secs())?)
    }

    fn give_up_when_cancelled(&self) -> Result<u64> {
        while !self.session.cancelled() {
            thread::sleep(LOOK_AGAIN);
        }
        Err(Error::not_now("told to stop"))
    }

    fn query(&self, sql: &str) -> Result<u64> {
        let records = self.connection.query(sql, &[])?;
        let numbers: Result<Vec<i64>> = records.iter().map(|record| record.get(0)).collect();
        self.rows(None, &numbers?, Some("queried"))
    }
}

fn swallowed(result: Result<u64>, swallow: bool) -> Result<u64> {
    match result {
        Err(_) if swallow => Ok(0),
        result => result,
    }
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    #[allow(clippy::panic, reason = "what it is for")]
    fn drop(&mut self) {
        panic!("the payload's own Drop panics");
    }
}

#[allow(clippy::panic, reason = "what it is for")]
fn panic_with(payload: Payload) -> ! {
    match payload {
        Payload::Str => panic!("told to panic"),
        Payload::String => panic!("told to panic by {}", "a session"),
        Payload::DropPanics => panic_any(PanicsInDrop),
        Payload::ResumeUnwind => resume_unwind(Box::new("unwound without a hook")),
        Payload::Other => panic_any(42),
    }
}

#[allow(clippy::panic, reason = "what it is for")]
fn let_a_thread_panic() {
    let thread = thread::Builder::new().name("helper".to_owned());
    let panics = thread.spawn(|| panic!("a helper's fault"));
    // That the thread panicked is no news.
    let _ = panics.map(thread::JoinHandle::join);
}

fn hang() -> ! {
    loop {
        thread::park();
    }
}

fn write_log(level: &str, message: &str) {
    match level {
        "error" => log::error!("{message}"),
        "warn" => log::warn!("{message}"),
        "info" => log::info!("{message}"),
        "debug" => log::debug!("{message}"),
        _ => log::trace!("{message}"),
    }
}

fn add_line(path: &Path, line: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    Ok(writeln!(file, "{line}")?)
}

fn wait_for(path: &Path) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let began = Instant::now();
    while !path.exists() {
        if began.elapsed() > PATIENCE {
            return Err(Error::new(format!("waited in vain for {}", path.display())));
        }
        thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}
