//! Hosts that fire a schedule, whose answer is lost.

use session_host_tests::{Postgres, Proxy};

use super::{
    scene::{Scene, Schedule, Setup},
    sharing::is_shared_by,
};

/// How often the schedule has fired.
const FIRED: &str = "SELECT count(*) FROM main.session_host_request WHERE actor = 'scheduler' AND kind = 'run'";

/// Lets no run of the probe begin.
const PAUSE: &str =
    "INSERT INTO main.processor_pause (processor_name, actor, paused_at) VALUES ('probe', 'test', now())";

#[test]
fn a_schedule_fires_once_for_all_hosts_and_each_runs_its_part() {
    const SESSIONS: usize = 40;
    let database = Postgres::shared().database();
    let scene = Scene::new(database.url(), &["probe"]);
    let setup = Setup {
        schedule: Schedule::Once,
        ..scene.setup()
    };
    scene.sql(PAUSE);
    let members = [(); 2].map(|()| scene.start(&setup));
    scene.wait_for("the hosts share the buckets", &is_shared_by(2));
    scene.write_many(SESSIONS, "text");
    // It is due for both.
    drop(members[0].service.post("/api/admin/resume?processor=probe").is(200));
    scene.wait_for("the schedule has fired", &format!("SELECT ({FIRED}) > 0"));
    scene.wait_for_all();
    scene.wait_for(
        "each host has looked at the schedule again",
        "SELECT count(*) = 2 FROM (
             SELECT machine FROM watch.renewal, main.session_host_request AS request
             WHERE request.actor = 'scheduler' AND seen > asked_at + interval '2 s' GROUP BY machine) AS renewed",
    );
    assert_eq!(scene.sql(FIRED), "1");
    let worked = "SELECT count(*), count(DISTINCT machine) FROM watch.version";
    assert_eq!(scene.sql(worked), format!("{SESSIONS}|2"));
    for member in members {
        member.ends();
    }
    scene.holds();
}

/// The schedule does not fire again before the sessions are processed, so a host that skipped its part would process none.
#[test]
fn a_host_that_does_not_hear_that_it_fired_a_schedule_runs_its_part() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let scene = Scene::new(database.url(), &["probe"]);
    let member = scene.start(&Setup {
        url: database.url_through(&proxy),
        schedule: Schedule::Seldom,
        ..scene.setup()
    });
    // This run covers all that the host owns.
    scene.wait_for(
        "a first run has ended",
        "SELECT last_outcome = 'ok' FROM main.processor_schedule",
    );
    proxy.swallow_answer_to_commit("main.session_host_request");
    scene.write_many(3, "text");
    proxy.has_swallowed(1);
    scene.wait_for_all();
    assert_eq!(scene.sql(FIRED), "2");
    member.ends();
    scene.holds();
}
