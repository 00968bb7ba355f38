//! A host is paused at a point of its commit, another one takes its work over, and it wakes up.

use std::fs;

use serde_json::json;
use session_host_tests::{Held, Postgres, Proxy, WAITS_FOR_A_LOCK, copying_into, wait_until};

use super::{
    scene::{Guards, Member, ROWS, Scene, Schedule, Setup},
    watch::{IS_ANY_TWICE, IS_NO_TRANSACTION_OPEN, Observer},
};

/// How the processor writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// It gives rows, and a group of sessions is committed together.
    Rows,
    /// It runs statements, in a transaction for each session.
    Statements,
}

/// Where a host is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// In an attempt. Where it runs statements, it has run the first one.
    InAttempt,
    AfterTheFence,
    InCopy,
    BeforeCommit,
}

/// The last session.
const LAST: &str = "user-9/last.jsonl";

/// What is there when the host that was paused has woken up.
pub(super) struct Woken {
    pub(super) scene: Scene,
    pub(super) paused: Member,
    other: Member,
    observer: Observer,
    _proxy: Proxy,
}

impl Lane {
    /// The processor. Only the probe can wait in an attempt, and it takes back no statements when a session has changed.
    fn plugins(self, point: Point) -> &'static [&'static str] {
        match (self, point) {
            (Self::Rows, _) | (Self::Statements, Point::InAttempt) => &["probe"],
            (Self::Statements, _) => &["counts"],
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Rows => "probe_rows",
            Self::Statements => "counts_lines",
        }
    }

    /// Writes a session whose attempt waits.
    fn hold(self, scene: &Scene, then: &str) -> Held {
        let sql = "INSERT INTO probe_totals VALUES ('last', 1) ON CONFLICT (key) DO UPDATE SET n = probe_totals.n + 1";
        let first = match self {
            Self::Rows => String::new(),
            Self::Statements => json!({"do": "execute", "sql": sql}).to_string(),
        };
        Held::between(&scene.alone, LAST, &first, then)
    }
}

impl Point {
    /// Lets the network fall silent there.
    fn arm(self, proxy: &Proxy, table: &str) {
        match self {
            Self::InAttempt => {}
            Self::AfterTheFence => proxy.fall_silent_before(&format!("DELETE FROM main.\"{table}\"")),
            Self::InCopy => proxy.fall_silent_in_copy(table, LAST),
            // A commit that notes that sessions were looked at is no such point.
            Self::BeforeCommit => proxy.fall_silent_before_commit_of(&copying_into(table)),
        }
    }
}

/// Hosts before one of them is paused.
struct Stage {
    scene: Scene,
    proxy: Proxy,
    /// How the host is started that is paused.
    through_proxy: Setup,
    /// How the other one is started.
    setup: Setup,
}

impl Stage {
    #[track_caller]
    fn new(plugins: &'static [&'static str], guards: Guards) -> Self {
        let database = Postgres::shared().database();
        let proxy = Proxy::before(Postgres::shared().port());
        let scene = Scene::new(database.url(), plugins);
        // The rows of a group are more than goes into one packet.
        scene.write_many(19, &"x".repeat(2000));
        let setup = Setup {
            guards,
            schedule: Schedule::Once,
            ..scene.setup()
        };
        let through_proxy = Setup {
            url: database.url_through(&proxy),
            ..setup.clone()
        };
        Self {
            scene,
            proxy,
            through_proxy,
            setup,
        }
    }

    /// Starts a host, and pauses it in the attempt that waits.
    #[track_caller]
    fn pause_in_attempt(&self, lane: Lane, held: &Held) -> Member {
        let paused = self.scene.start(&self.through_proxy);
        held.starts();
        match lane {
            // What a renewal or another commit has locked would keep a host without guards from being taken over.
            Lane::Rows => wait_until("the host is paused outside of transactions", || {
                paused.signal(libc::SIGSTOP);
                let is_outside = self.scene.sql(IS_NO_TRANSACTION_OPEN) == "t";
                if !is_outside {
                    paused.signal(libc::SIGCONT);
                }
                is_outside
            }),
            Lane::Statements => paused.signal(libc::SIGSTOP),
        }
        paused
    }

    /// Starts a host, and pauses it at this point of a commit.
    #[track_caller]
    fn pause_in_commit(&self, lane: Lane, point: Point) -> Member {
        let Self { scene, proxy, .. } = self;
        scene.write(LAST, "x");
        let paused = match lane {
            Lane::Rows => {
                point.arm(proxy, lane.table());
                scene.start(&self.through_proxy)
            }
            // The version replaces an earlier one: that of a new session cannot be recorded twice in any case.
            Lane::Statements => {
                let setup = Setup {
                    schedule: Schedule::Always,
                    ..self.through_proxy.clone()
                };
                let paused = scene.start(&setup);
                scene.wait_for_all();
                point.arm(proxy, lane.table());
                scene.change();
                paused
            }
        };
        proxy.has_fallen_silent();
        paused.signal(libc::SIGSTOP);
        paused
    }

    /// Lets another host take the paused one over. Then this has processed everything, or waits for what the paused one has
    /// left open.
    #[track_caller]
    fn take_over(&self) -> (Member, Observer) {
        let observer = self.scene.observe();
        let other = self.scene.start(&self.setup);
        let is_taken_over = format!(
            "SELECT (SELECT count(*) FROM main.session_host_takeover) = 1 AND (({}) OR ({WAITS_FOR_A_LOCK}))",
            self.scene.is_all_processed()
        );
        self.scene.wait_for("the paused host is taken over", &is_taken_over);
        (other, observer)
    }

    fn wake(self, paused: Member, (other, observer): (Member, Observer)) -> Woken {
        self.proxy.pass();
        paused.signal(libc::SIGCONT);
        Woken {
            scene: self.scene,
            paused,
            other,
            observer,
            _proxy: self.proxy,
        }
    }
}

fn rows() -> String {
    json!({"do": "rows", "count": ROWS}).to_string()
}

/// Pauses a host at this point until another one has taken its work over.
#[track_caller]
pub(super) fn pause(lane: Lane, point: Point, guards: Guards) -> Woken {
    let stage = Stage::new(lane.plugins(point), guards);
    let paused = match point {
        Point::InAttempt => {
            let held = lane.hold(&stage.scene, &rows());
            let paused = stage.pause_in_attempt(lane, &held);
            held.let_go();
            paused
        }
        Point::AfterTheFence | Point::InCopy | Point::BeforeCommit => stage.pause_in_commit(lane, point),
    };
    let other = stage.take_over();
    stage.wake(paused, other)
}

/// Pauses a host in an attempt that then fails. Meanwhile another one has taken its work over, and processed the session.
#[track_caller]
pub(super) fn pause_before_a_failure(guards: Guards) -> Woken {
    let stage = Stage::new(&["probe"], guards);
    let fine = stage.scene.alone.path("fine");
    let fail = json!({"do": "unless", "path": fine, "then": {"do": "error", "message": "too late"}});
    let held = Lane::Rows.hold(&stage.scene, &format!("{fail}\n{}", rows()));
    let paused = stage.pause_in_attempt(Lane::Rows, &held);
    fs::write(&fine, "").unwrap();
    held.let_go();
    let other = stage.take_over();
    fs::remove_file(&fine).unwrap();
    stage.wake(paused, other)
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
