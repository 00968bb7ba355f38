//! Who may see the page, and who may act in it.

use std::{fs, os::unix::fs::PermissionsExt as _};

use session_host_tests::{FORM, Service, Visit, World, wait_until};

use crate::steps::serve_processed;

const TOKEN: &str = "correct-horse-battery-staple";
const OTHER: &str = "incorrect-horse-battery-staple";

fn sign_in(service: &Service, headers: &str, body: &str) -> session_host_tests::Answer {
    service.call_with("POST", "/sign-in", &(FORM.to_owned() + headers), body)
}

#[test]
fn nobody_sees_a_page_who_has_not_signed_in() {
    let (_world, service) = serve_processed(1);
    for target in ["/", "/overview/runs", "/overview/charts", "/live/overview"] {
        let answer = service.call_with("GET", target, "", "").is(303);
        assert!(
            answer.header("location").unwrap().starts_with("/sign-in?next=%2f"),
            "{}",
            answer.head
        );
        let forged = "cookie: session-host-00000000=9999999999.00.00\r\n";
        drop(service.call_with("GET", target, forged, "").is(303));
        // The token of the interface opens no page, and a visit opens nothing of the interface.
        drop(service.get(target).is(303));
    }
    let part = service
        .call_with("GET", "/overview/runs", "hx-request: true\r\n", "")
        .is(401);
    assert_eq!(part.header("hx-redirect"), Some("/sign-in"));
    let visit = Visit::of(&service);
    drop(visit.get(&service, "/").is(200));
    drop(service.call_with("GET", "/api/admin/runs", &visit.header(), "").is(401));
}

#[test]
fn the_token_opens_a_visit_that_only_the_browser_itself_can_use() {
    let (_world, service) = serve_processed(1);
    let token = service.token().unwrap();
    let answer = sign_in(&service, "", &format!("token=+{token}+&next=/overview/runs")).is(303);
    assert_eq!(answer.header("location"), Some("/overview/runs"));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.ends_with("; path=/; max-age=43200; httponly; samesite=strict"),
        "{cookie}"
    );
    assert!(!cookie.contains(token));
    let secure = sign_in(&service, "x-forwarded-proto: https\r\n", &format!("token={token}")).is(303);
    assert!(secure.header("set-cookie").unwrap().ends_with("; secure"));
    for next in ["https://a.example/", "//a.example", "/\\a.example"] {
        let answer = sign_in(&service, "", &format!("token={token}&next={next}")).is(303);
        assert_eq!(answer.header("location"), Some("/"));
    }
    drop(sign_in(&service, "sec-fetch-site: cross-site\r\n", &format!("token={token}")).is(403));
}

#[test]
fn wrong_tokens_are_refused_and_slowed_down() {
    let (_world, service) = serve_processed(1);
    for _ in 0..3 {
        let answer = sign_in(&service, "", &format!("token={OTHER}")).is(401);
        assert!(answer.header("set-cookie").is_none() && answer.body.contains("The token is wrong"));
    }
    let answer = sign_in(&service, "", &format!("token={OTHER}")).is(429);
    assert!(answer.header("retry-after").is_some());
    // The right one has to wait too: nobody learns from the answer that it is right.
    drop(sign_in(&service, "", &format!("token={}", service.token().unwrap())).is(429));
}

#[test]
fn another_token_ends_every_visit_and_so_does_signing_out() {
    let world = World::with(&["probe"]);
    let file = world.path("token");
    fs::write(&file, TOKEN).unwrap();
    world.chmod("token", 0o600);
    let service = world.serve(&[("SESSION_HOST_API_TOKEN_FILE", file.to_str().unwrap())]);
    let (one, other) = (Visit::of(&service), Visit::of(&service));
    let out = one.act(&service, "/sign-out", "").is(303);
    assert_eq!(out.header("location"), Some("/sign-in"));
    drop(one.get(&service, "/").is(303));
    drop(other.get(&service, "/").is(200));
    fs::write(&file, OTHER).unwrap();
    service.signal(libc::SIGHUP);
    wait_until("the visit has ended", || other.get(&service, "/").status == 303);
}

#[test]
fn a_visit_survives_a_restart_and_not_its_end() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    drop(service.stop());
    let again = world.serve(&[("SESSION_HOST_WEB_SESSION_HOURS", "1")]);
    drop(visit.get(&again, "/").is(200));
    let shorter = sign_in(&again, "", &format!("token={}", again.token().unwrap())).is(303);
    assert!(shorter.header("set-cookie").unwrap().contains("max-age=3600"));
}

/// The target of a new link that signs in.
fn link(world: &World, service: &Service) -> String {
    let mut command = world.command(&["open", "--print"]);
    let command = command.env("SESSION_HOST_LISTEN", service.address().to_string());
    let link = String::from_utf8(command.output().unwrap().stdout).unwrap();
    let base = format!("http://{}", service.address());
    link.trim().strip_prefix(&base).unwrap().to_owned()
}

#[test]
fn a_restart_revives_neither_a_link_nor_a_visit_that_has_ended() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let (spent, unused) = (link(&world, &service), link(&world, &service));
    let ended = Visit::let_in(&service.call_with("GET", &spent, "", "").is(303));
    let lasting = Visit::of(&service);
    drop(ended.act(&service, "/sign-out", "").is(303));
    drop(service.stop());
    let again = world.serve(&[]);
    drop(ended.get(&again, "/").is(303));
    drop(lasting.get(&again, "/").is(200));
    for link in [&spent, &unused] {
        drop(again.call_with("GET", link, "", "").is(403));
    }
    drop(again.call_with("GET", &link(&world, &again), "", "").is(303));
}

#[test]
fn without_the_secret_of_the_page_every_visit_ends() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let visit = Visit::of(&service);
    let file = world.path("data/page-secret");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    fs::remove_file(&file).unwrap();
    drop(visit.get(&service, "/").is(200));
    service.signal(libc::SIGHUP);
    wait_until("the visit has ended", || visit.get(&service, "/").status == 303);
    drop(Visit::of(&service).get(&service, "/").is(200));
    assert!(file.exists());
}

#[test]
fn without_a_service_there_is_no_link() {
    let world = World::with(&["probe"]);
    let mut command = world.command(&["open", "--print"]);
    let ran = command.env("SESSION_HOST_API_TOKEN", TOKEN).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let told = String::from_utf8(ran.stderr).unwrap();
    assert!(told.contains("no service has served a page"), "{told}");
}

#[test]
fn a_link_signs_in_once() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[]);
    let target = &*link(&world, &service);
    let answer = service.call_with("GET", target, "", "").is(303);
    assert_eq!(answer.header("location"), Some("/"));
    drop(Visit::let_in(&answer).get(&service, "/").is(200));
    let again = service.call_with("GET", target, "", "").is(403);
    assert!(again.body.contains("has been used") && again.header("set-cookie").is_none());
    drop(service.call_with("GET", "/sign-in?code=1.2.3", "", "").is(403));
    let (_, log) = service.stop();
    assert!(!log.contains("code="), "{log}");
}

#[test]
fn without_the_page_nothing_of_it_is_served() {
    let world = World::with(&["probe"]);
    let service = world.serve(&[("SESSION_HOST_WEB", "false")]);
    for target in ["/", "/sign-in", "/assets/page.css"] {
        drop(service.get(target).is(404).detail());
    }
    let mut command = world.command(&["open", "--print"]);
    let ran = command.env("SESSION_HOST_WEB", "false").output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
}
