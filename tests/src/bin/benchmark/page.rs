//! How fast the page is, while the state holds many sessions, and what it costs runs.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::latencies::{Latencies, beside_runs};
use crate::programs::Host;
use crate::series::Series;
use crate::service::Service;
use crate::session_files::SessionFiles;
use crate::small_sessions::MANY;

const DAYS: u32 = 60;
const MEASURED: Duration = Duration::from_secs(5);
const PROCESSORS: [&str; 3] = ["usage", "errors", "secrets"];
/// How many people look at the page at once.
const VISITORS: usize = 4;
const PAGES: [(&str, &str); 6] = [
    ("overview", "/"),
    ("  its small charts", "/overview/charts"),
    ("processor", "/processors/usage"),
    ("report of a month", "/reports/usage.daily?last=30d"),
    ("sessions", "/sessions"),
    ("failures", "/failures"),
];

/// Every page while nothing runs and while `usage` processes all sessions again and again; then these runs alone and beside
/// visitors who open one page after the other.
pub(crate) fn measure(host: &Host) -> Result<()> {
    host.forget()?;
    let sessions = host.scratch.with_extension("page-sessions");
    SessionFiles::of_the_last_days(MANY, DAYS).write(&sessions)?;
    let service = Service::start(host, &sessions)?;
    let mut connection = service.connect()?;
    for processor in PROCESSORS {
        let run = format!("/api/admin/run-session-processor?processor={processor}");
        connection.call("POST", &run)?;
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nThe page: {MANY} sessions in the state, {VISITORS} connections, {} s each",
        MEASURED.as_secs()
    )?;
    for (title, page) in PAGES {
        writeln!(out, "  {title}")?;
        writeln!(
            out,
            "    idle                          {}",
            visits(&service, &[page])?.show()
        )?;
        let (busy, _) = beside_runs(&service, "usage", || visits(&service, &[page]))?;
        writeln!(out, "    during runs                   {}", busy.show())?;
    }
    let pages = PAGES.map(|(_, page)| page);
    let alone = beside_runs(&service, "usage", || {
        thread::sleep(MEASURED);
        Ok(())
    })?;
    let (visits, beside) = beside_runs(&service, "usage", || visits(&service, &pages))?;
    writeln!(out, "  all pages in turn, during runs  {}", visits.show())?;
    writeln!(out, "  a run of all sessions, alone    {}", series(&alone.1).show("ms"))?;
    writeln!(out, "    beside these visitors         {}", series(&beside).show("ms"))?;
    Ok(())
}

/// Several visitors open these pages in turn.
fn visits(service: &Service, pages: &[&str]) -> Result<Latencies> {
    thread::scope(|scope| {
        let visit = || service.sign_in()?.call_for(MEASURED, "GET", pages);
        let visitors: Vec<_> = (0..VISITORS).map(|_| scope.spawn(visit)).collect();
        let mut all = Vec::new();
        for visitor in visitors {
            all.extend(
                visitor
                    .join()
                    .map_err(|_| anyhow!("a thread of a visitor panicked"))??,
            );
        }
        Ok(Latencies::of(all, MEASURED))
    })
}

fn series(runs: &[Duration]) -> Series {
    let mut series = Series::default();
    for run in runs {
        series.add(run.as_secs_f64() * 1e3);
    }
    series
}
