//! Hosts that fire a schedule, whose answer is lost.

use session_host_tests::{Postgres, Proxy};

use super::scene::{Scene, Schedule, Setup};

/// The schedule does not fire again during the test, so a host that skipped its part would process nothing.
#[test]
fn a_host_that_does_not_hear_that_it_fired_a_schedule_runs_its_part() {
    let database = Postgres::shared().database();
    let proxy = Proxy::before(Postgres::shared().port());
    let scene = Scene::new(database.url(), &["probe"]);
    let member = scene.start(&Setup {
        url: database.url_through(&proxy),
        schedule: Schedule::OnceAfterAWhile,
        ..scene.setup()
    });
    scene.wait_for(
        "the host owns all sessions",
        "SELECT count(owner) = 64 FROM main.session_host_lease WHERE processor_name = 'probe'",
    );
    // A retry covers all that the host owns, and does not count for the schedule.
    drop(member.service.post("/api/admin/retry?processor=probe").is(200));
    scene.write_many(3, "text");
    proxy.swallow_answer_to_commit("main.session_host_request");
    proxy.has_swallowed(1);
    scene.wait_for_all();
    let fired = "SELECT count(*) FROM main.session_host_request WHERE actor = 'scheduler' AND kind = 'run'";
    assert_eq!(scene.sql(fired), "1");
    member.ends();
    scene.holds();
}
