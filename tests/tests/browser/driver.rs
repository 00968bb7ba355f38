//! The program that drives the browser.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

/// ChromeDriver, on a port that the system chooses; killed when it is dropped.
pub(crate) struct Driver {
    child: Child,
    /// Where it listens.
    pub(crate) address: String,
}

impl Driver {
    /// Starts it. `None` where there is none, on a machine that is not a CI's.
    pub(crate) fn start() -> Option<Self> {
        let started = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) if env::var_os("CI").is_none() => {
                eprintln!(
                    "\n*** THE PAGE IS NOT TESTED IN A BROWSER: chromedriver: {error}; run scripts/setup --browser ***\n"
                );
                return None;
            }
            Err(error) => panic!("chromedriver: {error}; run scripts/setup --browser"),
        };
        let mut lines = BufReader::new(child.stdout.take().expect("the output is piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("chromedriver tells its port");
        // It must never wait for somebody who reads what it says.
        thread::spawn(move || lines.for_each(drop));
        Some(Self {
            child,
            address: format!("http://127.0.0.1:{port}"),
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // One that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
