//! Many people who look at the page at once.

use std::{fs, io::Read as _};

use session_host_tests::{Service, Visit};

use crate::steps::serve_processed;

/// How many look.
const MANY: usize = 200;

/// How many threads the server has.
fn threads(service: &Service) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", service.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("Threads:"));
    line.unwrap().trim().parse().unwrap()
}

#[test]
fn live_streams_cost_no_thread_and_end_with_the_service() {
    let (_world, service) = serve_processed(1);
    let visit = Visit::of(&service);
    let open = || {
        let mut stream = service.begin_with("GET", "/live/overview", &visit.header());
        let mut beginning = vec![0; 2048];
        let read = stream.read(&mut beginning).unwrap();
        assert!(beginning[..read].starts_with(b"HTTP/1.1 200"));
        stream
    };
    let first = open();
    let before = threads(&service);
    let others: Vec<_> = (1..MANY).map(|_| open()).collect();
    let after = threads(&service);
    // Work that waits for the disk may have started a few meanwhile.
    assert!(after < before + MANY / 10, "{before} threads became {after}");
    drop(visit.get(&service, "/").is(200));
    let (status, log) = service.stop();
    assert_eq!(status, Some(0), "{log}");
    // Each stream ends, or its reader would wait until its time-out.
    for mut stream in others.into_iter().chain([first]) {
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
}
