//! What systemd and Docker are told fits the host.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    time::Duration,
};

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

#[test]
fn systemd_is_told_when_the_service_is_ready_and_when_it_ends() {
    let world = world();
    let path = world.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let service = world.serve(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    let received = || {
        let mut buffer = [0; 256];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..length].to_vec()).unwrap()
    };
    assert_eq!(received().trim_end(), "READY=1");
    assert_eq!(Request::new("GET", "/api/health").send(service.address()).status, 200);
    service.signal(libc::SIGTERM);
    assert_eq!(received().trim_end(), "STOPPING=1");
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
