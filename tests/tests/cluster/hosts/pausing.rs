//! A host is paused at a point of its commit, another one takes its work over, and it wakes up.

use session_host_tests::{Held, Postgres, Proxy};

use super::{
    scene::{Guards, Member, Scene, Schedule, Setup},
    watch::{IS_ANY_TWICE, Observer},
};

/// The processor that gives rows, which PostgreSQL gets by `COPY`.
pub(super) const ROWS: &[&str] = &["probe"];

/// The processor that writes with SQL, in a transaction for each session.
pub(super) const STATEMENTS: &[&str] = &["counts"];

/// The last session.
const LAST: &str = "user-9/last.jsonl";

/// What only its rows have.
const MARK: &str = "the last session";

/// Where a host is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    BeforeBegin,
    AfterTheFence,
    InCopy,
    BeforeCommit,
}

/// What is there when the host that was paused has woken up.
pub(super) struct Woken {
    pub(super) scene: Scene,
    pub(super) paused: Member,
    other: Member,
    observer: Observer,
    _proxy: Proxy,
}

/// Whether the host that joined first is gone, and the other has processed everything, or waits for what the first one has
/// left open.
const IS_TAKEN_OVER: &str = "
    SELECT (SELECT count(*) FROM main.session_host_takeover) = 1
       AND ((SELECT count(*) FROM main.session_processor_state) = 20
         OR EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()))";

/// Pauses a host at this point until another one has taken its work over.
#[track_caller]
pub(super) fn pause(plugins: &'static [&'static str], point: Point, guards: Guards) -> Woken {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let scene = Scene::new(database.url(), plugins);
    // The rows of a group are more than goes into one packet.
    scene.write_many(19, &"x".repeat(2000));
    let held = (point == Point::BeforeBegin).then(|| Held::before(&scene.alone, "user-9/first.jsonl", &step()));
    if held.is_none() {
        scene.write(LAST, MARK);
    }
    match point {
        Point::BeforeBegin => {}
        Point::AfterTheFence => proxy.fall_silent_before("DELETE FROM main.\"probe_rows\""),
        Point::InCopy => proxy.fall_silent_in_copy_of(MARK),
        Point::BeforeCommit => proxy.fall_silent_before_commit_of(LAST),
    }
    let setup = Setup {
        guards,
        schedule: Schedule::Once,
        url: database.url(),
        ahead: 0,
    };
    let through_proxy = Setup {
        url: database.url_through(&proxy),
        ..setup.clone()
    };
    let paused = scene.start(&through_proxy);
    match &held {
        Some(held) => held.starts(),
        None => proxy.has_fallen_silent(),
    }
    paused.signal(libc::SIGSTOP);
    if let Some(held) = &held {
        held.let_go();
    }
    let observer = scene.observe();
    let other = scene.start(&setup);
    scene.wait_for("the paused host is taken over", IS_TAKEN_OVER);
    proxy.pass();
    paused.signal(libc::SIGCONT);
    Woken {
        scene,
        paused,
        other,
        observer,
        _proxy: proxy,
    }
}

fn step() -> String {
    serde_json::json!({"do": "rows", "count": super::scene::ROWS}).to_string()
}

impl Woken {
    /// Checks that the host that was paused committed nothing, works again, and that everything is as if it had not been.
    #[track_caller]
    pub(super) fn holds(self, refusal: &str) {
        self.paused.tells(refusal);
        self.scene.wait_for(
            "the host has joined again",
            "SELECT count(*) = 2 FROM main.session_host_machine",
        );
        self.scene.wait_for_all();
        self.observer.saw_nothing_half();
        self.paused.ends();
        self.other.ends();
        self.scene.holds();
    }

    /// Checks that a version is committed twice.
    #[track_caller]
    pub(super) fn commits_twice(self) {
        self.scene.wait_for("a version is committed twice", IS_ANY_TWICE);
    }
}
