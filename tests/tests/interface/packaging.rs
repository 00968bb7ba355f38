//! What systemd and Docker are told fits the host.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

use session_host_tests::{World, wait_until};

use crate::{
    client::Request,
    service::{Service, world},
};

/// Longer than the service takes to tell systemd anything.
const PATIENCE: Duration = Duration::from_secs(60);

fn packaging(file: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The value of a key of the unit.
fn of_unit(key: &str) -> String {
    let unit = packaging("session-host.service");
    let mut lines = unit.lines().filter_map(|line| line.split_once('='));
    let (_, value) = lines
        .find(|(known, _)| *known == key)
        .unwrap_or_else(|| panic!("no {key}="));
    value.to_owned()
}

/// What systemd would hear.
struct Systemd {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Systemd {
    fn new(world: &World, patience: Duration) -> Self {
        let path = world.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(patience)).unwrap();
        Self { socket, path }
    }

    fn variable(&self) -> (&str, &str) {
        ("NOTIFY_SOCKET", self.path.to_str().unwrap())
    }

    /// The next message; `None` where none comes within the patience.
    fn hears(&self) -> Option<String> {
        let mut buffer = [0; 256];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(
            String::from_utf8(buffer[..length].to_vec())
                .unwrap()
                .trim_end()
                .to_owned(),
        )
    }
}

#[test]
fn systemd_is_told_when_the_service_is_ready_and_when_it_ends() {
    let world = world();
    let systemd = Systemd::new(&world, PATIENCE);
    let service = world.serve(&[systemd.variable()]);
    assert_eq!(systemd.hears().as_deref(), Some("READY=1"));
    assert_eq!(Request::new("GET", "/api/health").send(service.address()).status, 200);
    service.signal(libc::SIGTERM);
    assert_eq!(systemd.hears().as_deref(), Some("STOPPING=1"));
}

/// The watchdog's time in tests, in microseconds: the service feeds it four times as often.
const WATCHDOG: &str = "4000000";

#[test]
fn the_watchdog_is_fed_until_the_service_is_told_to_end() {
    let world = world();
    let systemd = Systemd::new(&world, PATIENCE);
    let service = world.serve(&[systemd.variable(), ("WATCHDOG_USEC", WATCHDOG)]);
    assert_eq!(systemd.hears().as_deref(), Some("READY=1"));
    for _ in 0..3 {
        assert_eq!(systemd.hears().as_deref(), Some("WATCHDOG=1"));
    }
    service.signal(libc::SIGTERM);
    wait_until("the service tells of its end", || {
        let heard = systemd.hears().unwrap();
        // The end may take longer than the watchdog's time.
        heard.contains("STOPPING=1") && heard.contains("WATCHDOG_USEC=")
    });
    assert_eq!(service.ends().0, Some(0));
}

#[test]
fn a_service_that_takes_no_connection_feeds_the_watchdog_no_more() {
    let world = world();
    let systemd = Systemd::new(&world, Duration::from_secs(5));
    let service = world.serve(&[systemd.variable(), ("WATCHDOG_USEC", WATCHDOG)]);
    assert_eq!(systemd.hears().as_deref(), Some("READY=1"));
    wait_until("the watchdog is fed", || systemd.hears().is_some());
    // As by a plugin that leaks: there is no file descriptor left for a connection.
    let before = limit_files(&service, 0);
    wait_until("the watchdog is fed no more", || {
        service.log().contains("the service does not answer its own request") && systemd.hears().is_none()
    });
    let log = service.log();
    assert!(!log.contains("cannot notify systemd"), "it tried to feed: {log}");
    limit_files(&service, before);
    wait_until("the watchdog is fed again", || systemd.hears().is_some());
}

/// Sets how many files the service may have open, and gives how many it could before.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn limit_files(service: &session_host_tests::Service, most: libc::rlim_t) -> libc::rlim_t {
    let process = service.id().cast_signed();
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls read or write the one structure that they are given, or nothing; the process is a child that
    // has not been waited for.
    unsafe {
        assert_eq!(
            libc::prlimit(process, libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut limit),
            0
        );
        let before = std::mem::replace(&mut limit.rlim_cur, most);
        assert_eq!(
            libc::prlimit(process, libc::RLIMIT_NOFILE, &raw const limit, std::ptr::null_mut()),
            0
        );
        before
    }
}

#[test]
fn a_plugin_that_exits_ends_the_service_with_a_status_that_the_unit_restarts() {
    let world = world();
    world.write("alice/3f2c.jsonl", "{\"do\":\"exit\",\"status\":0}\n");
    let service = world.serve(&[]);
    let _call = service.begin("POST", "/api/admin/run-session-processor?processor=probe", "");
    let (status, log) = service.ends();
    assert_eq!(status, Some(70), "{log}");
    assert_eq!(of_unit("Restart"), "always");
    let prevented = of_unit("RestartPreventExitStatus");
    assert!(prevented.split_whitespace().all(|status| status != "70"), "{prevented}");
}

#[test]
fn the_unit_restarts_the_service_however_it_ends_but_by_a_wanted_stop() {
    assert_eq!(of_unit("Restart"), "always");
    // What these stand for does not mend by itself.
    assert_eq!(of_unit("RestartPreventExitStatus"), "2 3");
    assert_eq!(of_unit("NotifyAccess"), "main");
    let watchdog: u64 = of_unit("WatchdogSec").trim_end_matches('s').parse().unwrap();
    assert!((30..=120).contains(&watchdog), "{watchdog} s");
}

#[test]
fn the_unit_starts_a_command_that_there_is() {
    assert_eq!(of_unit("Type"), "notify");
    assert_eq!(of_unit("ExecReload"), "/bin/kill -HUP $MAINPID");
    let command = of_unit("ExecStart");
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("/usr/bin/session-host"));
    let world = world();
    world.config("");
    let config = world.path("config.toml");
    let arguments: Vec<&str> = words
        .map(|word| match word {
            "/etc/session-host/config.toml" => config.to_str().unwrap(),
            word => word,
        })
        .collect();
    assert_eq!(arguments[0], "serve");
    let mut command = world.command(&arguments);
    command.env_remove("SESSION_HOST_CONFIG");
    command.env("SESSION_HOST_LISTEN", "127.0.0.1:0");
    drop(world.serve_by(command));
}

#[test]
fn systemd_waits_longer_than_the_service_may_take_to_end() {
    let world = world();
    let defaults = world.host(&["config", "--defaults"]).exits(0).stdout;
    let grace = defaults
        .lines()
        .find_map(|line| line.strip_prefix("shutdown_grace_seconds = "));
    let grace: u64 = grace.unwrap().parse().unwrap();
    let wait: u64 = of_unit("TimeoutStopSec").trim_end_matches('s').parse().unwrap();
    // The service waits for runs and for connections, each for the grace and some seconds.
    assert!(wait > 2 * (grace + 5), "{wait} s");
}

#[test]
fn variables_of_the_packages_are_known_to_the_host() {
    let world = world();
    let defaults = world.host(&["config", "--defaults"]).exits(0).stdout;
    let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
    let named = |text: &str| -> BTreeSet<String> {
        let words = text
            .split(|c: char| !is_name(c))
            .filter(|word| word.starts_with("SESSION_HOST_"));
        words.map(str::to_owned).collect()
    };
    let help = world.host(&["serve", "--help"]).exits(0).stdout;
    let mut known = named(&defaults);
    known.extend(named(&help));
    for file in ["session-host.service", "session-host.env", "Dockerfile"] {
        let named = named(&packaging(file));
        // A processor's schedule has a variable by its name.
        let unknown: Vec<&String> = named
            .difference(&known)
            .filter(|name| !name.ends_with("_SCHEDULE"))
            .collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
}

#[test]
fn the_configuration_to_begin_with_serves_as_it_is() {
    let world = world();
    let defaults = world.host(&["config", "--defaults"]).exits(0).stdout;
    world.config(&defaults);
    let service = Service::start_in(world);
    drop(service.ends());
}
