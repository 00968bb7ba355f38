//! The reports that come with the processor.

use model_server::{ModelServer, Reply};
use serde_json::{Value, json};

use crate::scene::{Scene, conversation, model_that_reports, quoted_in, reporting, verification};

/// The answer to a report.
#[track_caller]
fn report(scene: &Scene, arguments: &[&str]) -> Value {
    let arguments = [&["report", "--json"], arguments].concat();
    scene.world.host(&arguments).exits(0).json()["rows"].clone()
}

#[test]
fn knowledge_is_listed_with_its_users_and_its_evidence() {
    let scene = Scene::new(model_that_reports(vec![
        verification(
            "correction",
            "Refunds over 50 EUR need the approval of the team lead.",
            "said by alice",
        ),
        verification(
            "correction",
            "Refunds over 50 EUR need the approval of the team lead.",
            "said by bruno",
        ),
    ]));
    assert_eq!(scene.processed(0), 0);
    assert_eq!(report(&scene, &["verification.knowledge"]), json!([]));
    scene.world.write("alice/a.jsonl", conversation(&["said by alice"]));
    scene.world.write("bruno/b.jsonl", conversation(&["said by bruno"]));
    assert_eq!(scene.processed(2), 1);
    let rows = report(&scene, &["verification.knowledge"]);
    let row = rows[0].as_array().unwrap();
    let [
        title,
        domain,
        _category,
        confidence,
        users,
        sessions,
        contradictions,
        last_verified,
    ] = row.as_slice()
    else {
        panic!("{rows}");
    };
    assert_eq!(
        (rows.as_array().unwrap().len(), title, domain),
        (1, &json!("Refunds"), &json!("finance"))
    );
    assert!((confidence.as_f64().unwrap() - 95.0).abs() < 1e-9, "{confidence}");
    assert_eq!((users, sessions, contradictions), (&json!(2), &json!(2), &json!(0)));
    assert_eq!(last_verified, "2026-03-01 09:00:00");
    let of = |arguments: [&str; 2]| report(&scene, &["verification.knowledge", arguments[0], arguments[1]]);
    assert_eq!(of(["--username", "chen"]), json!([]));
    assert_eq!(of(["--username", "bruno"]), rows);
    assert_eq!(of(["--since", "2026-03-03"]), json!([]));
    let ran = scene
        .world
        .host(&["report", "verification.knowledge", "--project", "shop"])
        .exits(2);
    ran.tells("it has since, until, username");
}

#[test]
fn contradictions_are_listed_with_both_facts() {
    const OLD: &str = "Refunds over 50 EUR need the approval of the team lead.";
    const NEW: &str = "Refunds over 80 EUR need the approval of the team lead.";
    let verifications = [
        verification("unprompted_definition", OLD, "over 50"),
        verification("correction", NEW, "over 80"),
    ];
    let scene = Scene::new(ModelServer::answering(move |request| match request.form().as_str() {
        "verifications" => reporting(&quoted_in(&request.data(), &verifications)),
        _ => {
            let data = request.data();
            let id = data
                .split(" id=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .unwrap();
            let found = json!([{
                "known_id": id, "explanation": "The limits differ.", "severity": "high",
                "suggested_resolution": {"action": "keep_new", "reason": "It corrects the other."},
            }]);
            Reply::form(json!({"contradictions": found}).to_string())
        }
    }));
    scene.world.write("alice/a.jsonl", conversation(&["over 50"]));
    assert_eq!(scene.processed(1), 1);
    scene.world.write("bruno/b.jsonl", conversation(&["no, over 80"]));
    assert_eq!(scene.processed(1), 1);
    let rows = report(&scene, &["verification.contradictions"]);
    let explanation = "The limits differ.";
    let expected = json!([[
        "Refunds",
        "Refunds",
        "high",
        "open",
        explanation,
        "keep_new",
        "2026-03-01 09:00:00"
    ]]);
    assert_eq!(rows, expected);
    assert_eq!(
        report(&scene, &["verification.contradictions", "--username", "chen"]),
        json!([])
    );
    assert_eq!(
        report(&scene, &["verification.contradictions", "--username", "alice"]),
        rows
    );
}
