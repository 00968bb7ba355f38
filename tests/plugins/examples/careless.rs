//! A plugin that is careless about its calls: `fault` in its section of the configuration says how.

#![allow(unsafe_code, reason = "the fault `crash` is unsound")]

use std::{
    fs::File,
    hint::black_box,
    mem,
    sync::{
        Arc, Barrier,
        atomic::{AtomicI64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde::Deserialize;
use session_host_test_plugins::session_plugin_api::{self, prelude::*};

#[derive(Default)]
struct Careless {
    settings: Settings,
    inside: AtomicI64,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    fault: Fault,
}

/// What it is careless about.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Each session starts a thread that does not end.
    Threads,
    /// Each session opens a file that stays open.
    Descriptors,
    /// Each session leaves 64 KiB in memory.
    Memory,
    /// It works until its deadline is over, and does not ask whether it is cancelled.
    Deaf,
    /// It asks whether it is cancelled, and goes on.
    Stubborn,
    /// It panics when it is cancelled.
    Panics,
    /// It returns an error when it is cancelled.
    Fails,
    /// What it writes depends on the calls at the same time.
    Shares,
    /// It crashes when two calls meet.
    Crashes,
}

row! {
    struct Inside {
        n: i64,
    }
}

/// An attempt of the check that is cancelled has less time left than this, and any other one more.
const SHORT: Duration = Duration::from_secs(20);

impl SessionProcessor for Careless {
    fn descriptor(&self) -> Descriptor {
        Descriptor::new("careless").session_table("careless_rows")
    }

    fn migrations(&self) -> Vec<Migration> {
        let sql = "CREATE TABLE careless_rows (session_file VARCHAR, n BIGINT)";
        vec![Migration::new(1, "create the table", sql)]
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        self.settings = configuration.parse()?;
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let n = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.err(session, n);
        let stopped = self.stop(session);
        self.inside.fetch_sub(1, Ordering::SeqCst);
        stopped?;
        let n = match self.settings.fault {
            Fault::Shares => n,
            _ => 1,
        };
        connection.replace("careless_rows", [Inside { n }])?;
        Ok(ProcessorResult { items_count: 1 })
    }
}

impl Careless {
    #[allow(clippy::undocumented_unsafe_blocks, reason = "it is unsound")]
    fn err(&self, session: &Session<'_>, inside: i64) {
        match self.settings.fault {
            Fault::Threads => {
                let started = Arc::new(Barrier::new(2));
                let starts = Arc::clone(&started);
                thread::spawn(move || {
                    starts.wait();
                    loop {
                        thread::park();
                    }
                });
                started.wait();
            }
            Fault::Descriptors => mem::forget(File::open("/dev/null")),
            Fault::Memory => mem::forget(black_box(vec![1_u8; 256 << 10])),
            Fault::Deaf if is_short(session) => loop {
                thread::park();
            },
            Fault::Shares => thread::sleep(Duration::from_millis(2)),
            Fault::Crashes => {
                thread::sleep(Duration::from_millis(2));
                if inside > 1 {
                    unsafe { std::ptr::null_mut::<u8>().write_volatile(1) };
                }
            }
            _ => {}
        }
    }

    #[allow(clippy::panic, reason = "what it is for")]
    fn stop(&self, session: &Session<'_>) -> Result<()> {
        if !session.cancelled() {
            return Ok(());
        }
        match self.settings.fault {
            Fault::Stubborn => loop {
                thread::park();
            },
            Fault::Panics => panic!("told to panic"),
            Fault::Fails => Err(Error::new("told to fail")),
            _ => Err(Error::not_now("cancelled")),
        }
    }
}

fn is_short(session: &Session<'_>) -> bool {
    session
        .deadline()
        .is_some_and(|deadline| deadline < Instant::now() + SHORT)
}

session_plugin_api::export_processor!(Careless);
