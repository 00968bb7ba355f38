//! How the service answers while a large run goes on, beside the same while it idles.

use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::latencies::{Latencies, beside_runs};
use crate::programs::Host;
use crate::service::Service;

const HEALTH_CONNECTIONS: usize = 16;
const MEASURED: Duration = Duration::from_secs(5);

/// A call and the number of connections that make it at once.
struct Load {
    title: &'static str,
    method: &'static str,
    target: &'static str,
    connections: usize,
}

/// A processor runs once at a time, so its no-op run is asked for over one connection.
const LOADS: [Load; 2] = [
    Load {
        title: "health",
        method: "GET",
        target: "/api/health",
        connections: HEALTH_CONNECTIONS,
    },
    Load {
        title: "no-op run",
        method: "POST",
        target: "/api/admin/run-session-processor?processor=lines",
        connections: 1,
    },
];

/// Health and a run of `lines` with nothing to do, while `usage` processes the whole corpus and while it does not.
pub(crate) fn compare(host: &Host, corpus: &Path) -> Result<()> {
    host.forget()?;
    let service = Service::start(host, corpus)?;
    let mut connection = service.connect()?;
    for processor in ["usage", "lines"] {
        connection.call(
            "POST",
            &format!("/api/admin/run-session-processor?processor={processor}"),
        )?;
    }
    let mut out = io::stdout().lock();
    let seconds = MEASURED.as_secs();
    writeln!(out, "\nThe service, over the same corpus, {seconds} s each")?;
    for load in &LOADS {
        let connections = load.connections;
        let plural = if connections == 1 { "" } else { "s" };
        writeln!(out, "  {}, {connections} connection{plural}", load.title)?;
        let idle = load.measure(&service)?;
        writeln!(out, "    idle                          {}", idle.show())?;
        let (busy, runs) = beside_runs(&service, "usage", || load.measure(&service))?;
        let runs = runs.len();
        writeln!(out, "    during {runs:>3} large runs         {}", busy.show())?;
    }
    Ok(())
}

impl Load {
    fn measure(&self, service: &Service) -> Result<Latencies> {
        thread::scope(|scope| {
            let call = || service.connect()?.call_for(MEASURED, self.method, &[self.target]);
            let callers: Vec<_> = (0..self.connections).map(|_| scope.spawn(call)).collect();
            let mut all = Vec::new();
            for caller in callers {
                all.extend(caller.join().map_err(|_| anyhow!("a thread of the load panicked"))??);
            }
            Ok(Latencies::of(all, MEASURED))
        })
    }
}
