//! Clients that take too long, send too much, or never finish.

use std::io::{Read, Write};

use session_host_tests::{Answer, World, wait_until};

#[test]
fn half_requests_are_cut_off_and_hold_nobody_up() {
    let world = World::new();
    world.install("probe");
    let service = world.serve(&[]);
    let head = "POST /api/admin/query HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n";
    let mut half: Vec<_> = (0..100)
        .map(|number| {
            let mut stream = service.connect();
            let said = [
                "GET /api/he".to_owned(),
                format!("{head}{}\r\n{{", service.authorization()),
            ];
            let said = &said[number % 2];
            stream.write_all(said.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        drop(service.get("/api/health").is(200));
    }
    for stream in &mut half {
        let mut said = Vec::new();
        // Whether it is told why or just cut off: it ends.
        let _ = stream.read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }
    drop(service.get("/api/health").is(200));
}

#[test]
fn clients_that_read_no_answers_are_cut_off() {
    let world = World::new();
    let service = world.serve(&[]);
    let asked = b"GET /api/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(200);
    let deaf: Vec<_> = (0..520)
        .map(|_| {
            let mut stream = service.connect();
            stream.set_nonblocking(true).unwrap();
            // What the server does not take, it need not answer.
            let _ = stream.write(&asked);
            stream
        })
        .collect();
    let health = || {
        let mut stream = service.connect();
        let sent = stream.write_all(b"GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        sent.ok().and_then(|()| Answer::read(stream))
    };
    wait_until("health answers beside them", || {
        health().is_some_and(|answer| answer.status == 200)
    });
    drop(deaf);
}

#[test]
fn a_connection_that_idles_is_closed() {
    let world = World::new();
    let service = world.serve(&[]);
    let mut stream = service.connect();
    stream
        .write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
}

#[test]
fn what_is_too_large_is_refused() {
    let world = World::new();
    world.install("probe");
    let service = world.serve(&[]);
    let body = format!("{{\"sql\":\"{}\"}}", "x".repeat(2 << 20));
    drop(service.call("POST", "/api/admin/query", &body).is(413).detail());
    let target = format!("/api/admin/failures?processor={}", "x".repeat(8 << 10));
    drop(service.get(&target).is(414).detail());
    let headers = format!("x-large: {}\r\n", "x".repeat(64 << 10));
    assert_eq!(service.call_with("GET", "/api/health", &headers, "").status, 431);
    let headers: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    assert_eq!(service.call_with("GET", "/api/health", &headers, "").status, 431);
    drop(service.get("/api/health").is(200));
}

#[test]
fn nonsense_is_answered_or_cut_off() {
    let world = World::new();
    let service = world.serve(&[]);
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/admin/query HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nzz\r\n",
        b"POST /api/admin/query HTTP/1.1\r\nhost: localhost\r\ncontent-length: -1\r\n\r\n",
    ] {
        let mut stream = service.connect();
        stream.write_all(nonsense).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        if let Some(answer) = Answer::read(stream) {
            assert!((400..500).contains(&answer.status), "{nonsense:?}: {answer:?}");
        }
    }
    drop(service.get("/api/health").is(200));
}

#[test]
fn more_connections_than_are_served_are_closed_and_the_rest_goes_on() {
    let world = World::new();
    let service = world.serve(&[]);
    let mut crowd: Vec<_> = (0..600).map(|_| service.connect()).collect();
    for stream in &crowd {
        stream.set_nonblocking(true).unwrap();
    }
    wait_until("someone is turned away", || {
        crowd.iter_mut().any(|stream| matches!(stream.read(&mut [0]), Ok(0)))
    });
    drop(crowd);
    wait_until("health answers again", || {
        let mut stream = service.connect();
        let asked = stream.write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        asked.is_ok() && Answer::read(stream).is_some_and(|answer| answer.status == 200)
    });
    let (_, log) = service.stop();
    assert!(log.contains("more than 512 connections"), "{log}");
}
