//! Connections between a host and PostgreSQL that are cut, or silent for long.

use session_host_tests::{Authority, Postgres, PostgresSetup, Proxy, WAITS_FOR_A_LOCK, copying_into};

use super::{
    scene::{Guards, Member, Scene, Setup},
    watch::{IS_ANY_TWICE, Observer},
};

const PLUGINS: &[&str] = &["probe", "probe_serial", "counts"];

/// A table of a processor that gives rows, and one of a processor that writes with statements: each gets rows by `COPY` in
/// every transaction of its processor.
const LANES: [&str; 2] = ["probe_rows", "counts_lines"];

/// A session in a group of them.
const SESSION: &str = "user-1/0001.jsonl";

/// A host behind a network.
struct Behind {
    scene: Scene,
    proxy: Proxy,
    member: Member,
    observer: Observer,
}

impl Behind {
    /// A host that has processed some sessions, and runs all the time.
    #[track_caller]
    fn start(plugins: &'static [&'static str], guards: Guards) -> Self {
        let database = Postgres::shared().database();
        let proxy = Proxy::before(Postgres::shared().port());
        let through_proxy = database.url_through(&proxy);
        Self::at(Scene::new(database.url(), plugins), proxy, through_proxy, guards)
    }

    /// As above, with the database of a scene, which the host reaches through a network at this address.
    #[track_caller]
    fn at(scene: Scene, proxy: Proxy, url: String, guards: Guards) -> Self {
        scene.write_many(20, &"x".repeat(2000));
        let observer = scene.observe();
        let member = scene.start(&Setup {
            guards,
            url,
            ..scene.setup()
        });
        scene.wait_for_all();
        Self {
            scene,
            proxy,
            member,
            observer,
        }
    }

    /// Checks that all is as if nothing had happened.
    #[track_caller]
    fn holds(self, others: Vec<Member>) {
        self.observer.saw_nothing_half();
        self.member.ends();
        for other in others {
            other.ends();
        }
        self.scene.holds();
    }
}

#[test]
fn what_was_committed_without_an_answer_is_not_committed_again() {
    let behind = Behind::start(PLUGINS, Guards::On);
    for (before, table) in LANES.iter().enumerate() {
        behind.proxy.swallow_answer_to_commit(&copying_into(table));
        behind.scene.change();
        behind.proxy.has_swallowed(before + 1);
        behind.scene.wait_for_all();
    }
    behind.member.tells("the run failed");
    behind.holds(vec![]);
}

/// Ends all connections of a host at a point of each lane, and lets it go on by itself.
#[track_caller]
fn end_connections(arm: impl Fn(&Proxy, &str)) {
    let behind = Behind::start(PLUGINS, Guards::On);
    for table in LANES {
        arm(&behind.proxy, table);
        behind.scene.change();
        behind.proxy.has_fallen_silent();
        let ended = behind.scene.sql(
            "SELECT bool_or(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity
             WHERE application_name LIKE 'session-host%' AND datname = current_database()",
        );
        assert_eq!(ended, "t");
        behind.proxy.pass();
        behind.scene.wait_for_all();
    }
    behind.holds(vec![]);
}

#[test]
fn a_host_whose_connections_are_ended_before_a_commit_goes_on() {
    end_connections(|proxy, table| proxy.fall_silent_before_commit_of(&copying_into(table)));
}

#[test]
fn a_host_whose_connections_are_ended_while_it_copies_rows_goes_on() {
    end_connections(|proxy, table| proxy.fall_silent_in_copy(table, SESSION));
}

#[test]
fn a_host_behind_a_network_that_is_silent_for_long_is_taken_over_and_comes_back() {
    let behind = Behind::start(PLUGINS, Guards::On);
    let Behind { scene, proxy, .. } = &behind;
    let mut others = Vec::new();
    for (before, table) in LANES.iter().enumerate() {
        fall_silent(&behind, table);
        if others.is_empty() {
            others.push(scene.start(&scene.setup()));
        }
        let is_taken_over = format!("SELECT count(*) > {before} FROM main.session_host_takeover");
        scene.wait_for("the silent host is taken over", &is_taken_over);
        scene.wait_for_all();
        proxy.pass();
        scene.wait_for(
            "both hosts have work",
            "SELECT count(DISTINCT owner) = 2 FROM main.session_host_lease WHERE processor_name = 'counts'",
        );
    }
    behind.scene.change();
    scene.wait_for_all();
    behind.holds(others);
}

/// Lets the network of a host fall silent before a commit.
#[track_caller]
fn fall_silent(behind: &Behind, table: &str) {
    behind.proxy.fall_silent_before_commit_of(&copying_into(table));
    behind.scene.change();
    behind.proxy.has_fallen_silent();
}

/// Lets a network be silent until another host has taken over, and waits for what is left open, and lets the commit pass
/// then. Without safeguards, both commit.
#[track_caller]
pub(super) fn silence_lets_both_commit() {
    let behind = Behind::start(&["probe"], Guards::Off);
    let Behind { scene, proxy, .. } = &behind;
    fall_silent(&behind, "probe_rows");
    let other = scene.start(&Setup {
        guards: Guards::Off,
        ..scene.setup()
    });
    scene.wait_for("the other host waits for the silent one", WAITS_FOR_A_LOCK);
    proxy.pass();
    scene.wait_for("a version is committed twice", IS_ANY_TWICE);
    drop(other);
}

#[test]
fn a_host_that_runs_alone_survives_every_cut() {
    survives_cuts(Behind::start(PLUGINS, Guards::On));
}

#[test]
fn a_host_whose_connections_are_encrypted_survives_every_cut() {
    let authority = Authority::new();
    let server = PostgresSetup::default().with_tls(&authority).without_fsync().start();
    let database = server.database();
    let proxy = Proxy::before(server.port());
    let [direct, through_proxy] = [server.port(), proxy.port()].map(|port| {
        let url = database.url_at("localhost", port);
        format!(
            "{url}?sslmode=verify-full&sslrootcert={}",
            authority.certificate().display()
        )
    });
    survives_cuts(Behind::at(
        Scene::new(direct, PLUGINS),
        proxy,
        through_proxy,
        Guards::On,
    ));
}

/// Changes all sessions and cuts all connections, several times, and checks that all is as if nothing had happened.
#[track_caller]
fn survives_cuts(behind: Behind) {
    for _ in 0..5 {
        let before = behind.scene.versions();
        behind.scene.change();
        behind.scene.wait_for(
            "a commit of the round",
            &format!("SELECT count(*) > {before} FROM watch.version"),
        );
        behind.proxy.cut();
    }
    behind.scene.wait_for_all();
    behind.holds(vec![]);
}
