//! Clients that take too long, send too much, or never finish.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
};

use session_host_tests::{Answer, Service, World, wait_until};
use socket2::{Domain, Socket, Type};

#[test]
fn half_requests_are_cut_off_and_hold_nobody_up() {
    let world = World::with(&["probe"]);
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
    let world = World::with(&["probe"]);
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

/// Opens so many connections that ask for nothing, from these addresses of this machine in turn.
fn idlers(service: &Service, count: usize, addresses: &[&str]) -> Vec<TcpStream> {
    let idler = |number: usize| connect_from(addresses[number % addresses.len()], service.address());
    (0..count).map(idler).collect()
}

/// A connection from this address of this machine.
fn connect_from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let from: Ipv4Addr = address.parse().unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

#[track_caller]
fn health_answers_beside(service: &Service, crowd: &[TcpStream]) {
    for _ in 0..75 {
        drop(service.get("/api/health").is(200));
        drop(service.get("/api/admin/runs").is(200));
    }
    assert_eq!(crowd.len(), 700);
}

#[test]
fn a_client_of_this_machine_that_holds_700_connections_starves_nobody() {
    let world = World::new();
    let service = world.serve(&[]);
    let crowd = idlers(&service, 700, &["127.0.0.1"]);
    health_answers_beside(&service, &crowd);
    let metrics = service.get("/metrics").is(200).body;
    let value = |name: &str| -> u64 {
        let mut lines = metrics.lines().filter_map(|line| line.strip_prefix(name));
        lines
            .next()
            .unwrap_or_else(|| panic!("no {name} in {metrics}"))
            .trim()
            .parse()
            .unwrap()
    };
    assert!(value("session_host_http_connections ") <= 256, "{metrics}");
    assert!(
        value("session_host_http_connections_evicted_total ") >= 700 - 256,
        "{metrics}"
    );
    assert_eq!(value("session_host_http_connections_refused_total "), 0);
    wait_until("the log tells of them in a few lines", || {
        service.log().contains("too many connections")
    });
    drop(crowd);
    let (_, log) = service.stop();
    assert!(log.matches("too many connections").count() < 10, "{log}");
}

#[test]
fn clients_that_hold_700_connections_together_starve_nobody() {
    let world = World::new();
    let service = world.serve(&[]);
    let addresses = [
        "127.0.0.2",
        "127.0.0.3",
        "127.0.0.4",
        "127.0.0.5",
        "127.0.0.6",
        "127.0.0.7",
        "127.0.0.8",
    ];
    let crowd = idlers(&service, 700, &addresses);
    health_answers_beside(&service, &crowd);
}

#[test]
fn half_a_head_is_no_way_to_keep_a_place() {
    let world = World::new();
    let service = world.serve(&[]);
    let mut crowd = idlers(&service, 700, &["127.0.0.1", "127.0.0.2"]);
    for stream in &mut crowd {
        // Those that had to go already have no place to keep.
        let _ = stream.write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\n");
    }
    health_answers_beside(&service, &crowd);
}

#[test]
fn a_client_with_few_connections_keeps_them_beside_one_with_many() {
    let world = World::new();
    let service = world.serve(&[]);
    let mut kept = connect_from("127.0.0.9", service.address());
    let crowd = idlers(&service, 700, &["127.0.0.1", "127.0.0.2", "127.0.0.3"]);
    kept.write_all(b"GET /api/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(kept).map(|answer| answer.status), Some(200));
    drop(crowd);
}
