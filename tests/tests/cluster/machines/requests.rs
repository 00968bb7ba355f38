//! What somebody asks of all machines.

use std::{sync::mpsc::Receiver, thread, time::Duration};

use session_host::{
    cluster::{Request, RequestKind, locking, recording},
    postgres::{PostgresError, Session},
};
use session_host_tests::wait_until;

use super::scene::{Scene, processor};

/// Asks something of all machines, as a host does. Returns the number of the request.
#[track_caller]
fn ask(session: &mut Session, kind: RequestKind, actor: &str) -> i64 {
    let payload = serde_json::json!({ "subject": "alice/\u{1F600}" });
    let asked = session.in_transaction("ask", |session| -> Result<i64, PostgresError> {
        session.batch("ask", &locking())?;
        let rows = session.query(
            "ask",
            &format!("{} RETURNING id", recording(["$1", "$2", "$3", "$4"])),
            &[&actor, &kind.as_str(), &"usage", &payload.to_string()],
        )?;
        Ok(rows[0].get(0))
    });
    asked.unwrap()
}

fn next(requests: &Receiver<Request>) -> Request {
    requests
        .recv_timeout(Duration::from_secs(120))
        .expect("a request comes")
}

#[test]
fn requests_reach_every_machine_once_and_in_order() {
    let scene = Scene::new();
    let mut session = scene.session("command");
    let early = ask(&mut session, RequestKind::Run, "early");
    let machines = ["first", "second"].map(|name| scene.join(name, &["usage"]));
    let asked = [
        ask(&mut session, RequestKind::Retry, "token:ops"),
        ask(&mut session, RequestKind::Forget, "token:ops"),
        ask(&mut session, RequestKind::Reload, "user:root"),
    ];
    assert!(early < asked[0] && asked[0] < asked[1] && asked[1] < asked[2]);
    for machine in &machines {
        let heard = [
            next(&machine.requests),
            next(&machine.requests),
            next(&machine.requests),
        ];
        assert_eq!(heard.each_ref().map(|request| request.id.number()), asked);
        let told = &heard[1].asked;
        assert_eq!((told.actor.as_str(), told.kind), ("token:ops", RequestKind::Forget));
        assert_eq!(told.processor, Some(processor("usage")));
        assert_eq!(told.payload["subject"], "alice/\u{1F600}");
        let rounds = machine.cluster.counters().renewals;
        wait_until("it has listened again", || {
            machine.cluster.counters().renewals > rounds + 1
        });
        assert!(machine.requests.try_recv().is_err());
    }
}

#[test]
fn a_machine_that_was_taken_for_dead_misses_no_request() {
    let scene = Scene::new();
    let machine = scene.join("first", &["usage"]);
    let mut session = scene.session("command");
    let first = ask(&mut session, RequestKind::Run, "one");
    scene.sql("DELETE FROM session_host_machine");
    let second = ask(&mut session, RequestKind::Pause, "two");
    wait_until("it has joined anew", || machine.cluster.counters().fenced == 1);
    let third = ask(&mut session, RequestKind::Resume, "three");
    let heard = [
        next(&machine.requests),
        next(&machine.requests),
        next(&machine.requests),
    ];
    assert_eq!(heard.map(|request| request.id.number()), [first, second, third]);
}

#[test]
fn old_requests_go_and_the_last_one_to_forget_stays() {
    let scene = Scene::new();
    let mut session = scene.session("command");
    let [_, _, forgotten, _] = [
        RequestKind::Run,
        RequestKind::Forget,
        RequestKind::Forget,
        RequestKind::Reload,
    ]
    .map(|kind| ask(&mut session, kind, "token:ops"));
    scene.sql("UPDATE session_host_request SET asked_at = asked_at - interval '8 days'");
    let new = ask(&mut session, RequestKind::Run, "token:ops");
    let _machine = scene.join("first", &["usage"]);
    let left = scene.sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM session_host_request");
    assert_eq!(left, format!("{forgotten} {new}"));
}

#[test]
fn no_request_is_missed_when_many_ask_at_once() {
    const EACH: usize = 20;
    let scene = Scene::new();
    let machine = scene.join("first", &["usage"]);
    thread::scope(|scope| {
        for actor in ["a", "b", "c", "d"] {
            let mut session = scene.session("command");
            scope.spawn(move || {
                for _ in 0..EACH {
                    ask(&mut session, RequestKind::Run, actor);
                }
            });
        }
    });
    let heard: Vec<_> = (0..4 * EACH).map(|_| next(&machine.requests).id.number()).collect();
    assert!(
        heard.is_sorted() && heard.windows(2).all(|pair| pair[0] != pair[1]),
        "{heard:?}"
    );
}

#[test]
fn what_only_a_newer_version_asks_is_passed_over() {
    let scene = Scene::new();
    let machine = scene.join("first", &["usage"]);
    scene.sql(
        "INSERT INTO session_host_request (asked_at, actor, kind, payload) VALUES (clock_timestamp(), 'x', 'dance', '{}')",
    );
    let known = ask(&mut scene.session("command"), RequestKind::Run, "x");
    assert_eq!(next(&machine.requests).id.number(), known);
}
