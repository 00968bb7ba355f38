use std::thread;

use super::*;
use crate::runner::sample::snapshot;

fn session(name: &str) -> SessionKey {
    SessionKey::new(name)
}

/// So many runs that all want these sessions, and give each other so much time.
fn runs(count: usize, sessions: &[&str], patience: Duration) -> Vec<Share> {
    let runs = Share::with_patience(count, patience);
    for run in &runs {
        let sessions: Vec<SessionKey> = sessions.iter().copied().map(session).collect();
        run.wants(sessions.iter());
    }
    runs
}

/// A run comes to a session that nobody has read.
#[track_caller]
fn begin<'a>(run: &'a Share, name: &str) -> Reading<'a> {
    match run.try_come_to(&session(name)) {
        Some(Found::Nothing(reading)) => reading,
        found => panic!("{found:?}"),
    }
}

/// A run reads so many bytes of a session.
#[track_caller]
fn read(run: &Share, name: &str, size: u64) {
    begin(run, name).offer(&snapshot(size as usize));
}

fn takes(run: &Share, name: &str) -> bool {
    matches!(run.come_to(&session(name), || false), Found::Held(_))
}

fn held(run: &Share) -> (usize, u64) {
    run.lock().held()
}

#[test]
fn one_run_reads_and_the_others_take_what_it_has_read() {
    let runs = runs(3, &["a"], PATIENCE);
    let reading = begin(&runs[0], "a");
    assert!(runs[1].try_come_to(&session("a")).is_none(), "it would have to wait");
    thread::scope(|scope| {
        let waits = scope.spawn(|| takes(&runs[1], "a"));
        reading.offer(&snapshot(1));
        assert!(waits.join().unwrap());
    });
    assert_eq!(held(&runs[0]), (1, 1));
    assert!(takes(&runs[2], "a"));
    assert_eq!(held(&runs[0]), (0, 0));
}

#[test]
fn one_that_cannot_be_read_is_read_by_the_next() {
    let runs = runs(2, &["a"], PATIENCE);
    drop(begin(&runs[0], "a"));
    drop(begin(&runs[1], "a"));
}

#[test]
fn nothing_is_held_that_nobody_wants() {
    let runs = Share::with_patience(2, PATIENCE);
    let (a, b) = (session("a"), session("b"));
    runs[0].wants([&a, &b].into_iter());
    read(&runs[0], "a", 1);
    read(&runs[0], "b", 1);
    assert_eq!(held(&runs[0]).0, 2, "the other one has not yet said what it wants");
    runs[1].wants([&a].into_iter());
    assert_eq!(held(&runs[0]).0, 1);
    runs[1].leave();
    assert_eq!(held(&runs[0]), (0, 0));
}

#[test]
fn nobody_waits_for_one_that_has_left() {
    let runs = runs(2, &["a"], PATIENCE);
    let reading = begin(&runs[0], "a");
    runs[0].leave();
    drop(begin(&runs[1], "a"));
    reading.offer(&snapshot(1));
    assert_eq!(held(&runs[0]), (0, 0));
}

#[test]
fn one_that_does_not_read_on_is_left_behind() {
    let runs = runs(2, &["a", "b"], Duration::ZERO);
    let (_a, _b) = (begin(&runs[0], "a"), begin(&runs[0], "b"));
    assert!(!takes(&runs[1], "a"));
    read(&runs[1], "b", 1);
    assert_eq!(held(&runs[0]), (0, 0), "nothing is held for it");
}

#[test]
fn one_that_takes_nothing_is_left_behind() {
    let runs = runs(3, &["a", "b"], Duration::ZERO);
    read(&runs[0], "a", ROOM);
    assert!(takes(&runs[2], "a"));
    assert!(runs[0].try_come_to(&session("b")).is_none(), "there is no room");
    runs[0].wait_for_room(&session("b"), || false);
    assert_eq!(held(&runs[0]), (0, 0));
    read(&runs[0], "b", 1);
    assert_eq!(held(&runs[0]), (1, 1), "the third keeps up");
    runs[1].wants([&session("b")].into_iter());
    assert!(takes(&runs[2], "b"));
    assert_eq!(held(&runs[0]), (0, 0), "and the second stays behind");
}

#[test]
fn one_that_reads_waits_for_those_that_take() {
    let runs = runs(2, &["a", "b"], PATIENCE);
    read(&runs[0], "a", ROOM);
    thread::scope(|scope| {
        let waits = scope.spawn(|| runs[0].wait_for_room(&session("b"), || false));
        assert!(takes(&runs[1], "a"));
        waits.join().unwrap();
    });
    read(&runs[0], "b", 1);
    assert!(takes(&runs[1], "b"));
}

#[test]
fn others_wait_longer_for_a_run_that_takes_but_not_for_one_that_reads_something_else() {
    let runs = runs(2, &["a", "b"], PATIENCE);
    read(&runs[0], "a", ROOM);
    let slow = runs[0].lock().slow_for(0, &session("b")).unwrap();
    runs[0].lock().waits(slow, Duration::from_secs(5));
    read(&runs[1], "own", ROOM);
    assert_eq!(runs[0].lock().waited_for(slow), Duration::from_secs(5));
    assert!(takes(&runs[1], "a"));
    assert_eq!(runs[0].lock().waited_for(slow), Duration::ZERO);
}

#[test]
fn one_that_cannot_be_opened_is_not_held() {
    let runs = runs(2, &["a"], PATIENCE);
    read(&runs[0], "a", ROOM);
    runs[1].passes(&session("a"));
    assert_eq!(held(&runs[0]), (0, 0));
    assert!(runs[0].lock().slow_for(0, &session("b")).is_none());
}

#[test]
fn a_run_that_is_over_waits_for_no_reader() {
    let runs = runs(2, &["a"], PATIENCE);
    let _a = begin(&runs[0], "a");
    assert!(matches!(runs[1].come_to(&session("a"), || true), Found::Nothing(_)));
}

#[test]
fn nobody_waits_for_room_for_what_is_held_for_itself() {
    let runs = runs(2, &["a", "b"], PATIENCE);
    read(&runs[0], "a", ROOM);
    read(&runs[1], "b", 1);
    assert_eq!(held(&runs[0]), (2, ROOM + 1));
    assert!(takes(&runs[0], "b") && takes(&runs[1], "a"));
    assert_eq!(held(&runs[0]), (0, 0));
}

#[test]
fn a_run_that_is_over_waits_for_no_room() {
    let runs = runs(2, &["a", "b"], PATIENCE);
    read(&runs[0], "a", ROOM);
    runs[0].wait_for_room(&session("b"), || true);
    assert_eq!(held(&runs[0]), (1, ROOM));
}

#[test]
fn what_is_too_large_is_not_held() {
    let runs = runs(2, &["a"], PATIENCE);
    read(&runs[0], "a", 2 * ROOM + 1);
    assert_eq!(held(&runs[0]), (0, 0));
    drop(begin(&runs[1], "a"));
}

#[test]
fn one_scan_serves_all() {
    let runs = Share::among(2);
    let scan = || {
        Ok::<_, ()>(Scan {
            transcripts: Vec::new(),
            unreadable: Vec::new(),
        })
    };
    assert!(runs[0].scan(scan).is_ok());
    assert!(runs[1].scan(|| Err(())).is_ok());
    assert!(Share::alone().scan(|| Err(())).is_err());
}
