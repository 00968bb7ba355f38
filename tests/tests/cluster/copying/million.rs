//! A rehearsal on a million rows, with a copy that is killed on each way.

use super::scene::{Scene, contents};

#[test]
fn a_million_rows_are_copied_there_and_back() {
    let scene = Scene::new(&["probe"]);
    scene.world.change_state(
        "INSERT INTO probe_notes SELECT 'user' || (i % 97) || '/' || (i // 100) || '.jsonl', 'user' || (i % 97), i,
             'text ' || i || repeat('x', (i % 50)::INTEGER), i // 7
         FROM range(1000000) AS t(i)",
    );
    assert!(scene.copy_killed_after(5, &scene.file(), &scene.url()));
    let there = scene.copy(&scene.file(), &scene.url()).exits(0);
    there.tells("probe_notes: copied 1,000,000 of 1,000,000 rows");
    assert!(scene.copy_killed_after(2, &scene.url(), &scene.back()));
    let back = scene.copy(&scene.url(), &scene.back()).exits(0);
    back.tells("going on with an unfinished copy");
    assert_eq!(contents(&scene.file()), contents(&scene.back()));
}
