//! The clocks of the hosts are apart: leases are on PostgreSQL's clock alone, so the hosts agree all the same.

use session_host_tests::{Postgres, wait_until};

use super::scene::{Scene, Setup};

#[test]
fn hosts_whose_clocks_are_apart_leave_what_one_would() {
    let scene = Scene::new(Postgres::shared().database().url(), &["probe", "probe_serial"]);
    scene.write_many(60, "x");
    let observer = scene.observe();
    let start = |ahead| scene.start(&Setup { ahead, ..scene.setup() });
    let [late, right, early] = [-30, 0, 30].map(start);
    scene.wait_for_all();
    for _ in 0..2 {
        scene.change();
        scene.wait_for_all();
    }
    wait_until("the one that is late warns", || late.warns("clock"));
    wait_until("the one that is early warns", || early.warns("clock"));
    assert!(!right.warns("clock"));
    assert_eq!(scene.sql("SELECT count(*) FROM main.session_host_takeover"), "0");
    observer.saw_nothing_half();
    for member in [late, right, early] {
        member.ends();
    }
    scene.holds();
}
