//! A model that fails: the session is not marked, nothing of it is kept, and the next run tries it again.

use std::time::Duration;

use model_server::{ModelServer, Reply};
use serde_json::json;
use session_host_tests::Ran;

use crate::scene::{Scene, conversation, model_that_reports, reporting, verification};

const SAID: &str = "Refunds over 50 EUR need the team lead.";

fn good() -> Reply {
    reporting(&[verification("unprompted_definition", SAID, SAID)])
}

fn scene(replies: impl IntoIterator<Item = Reply>, settings: &str) -> Scene {
    let scene = Scene::with_settings(ModelServer::scripted(replies), settings);
    scene.world.write("alice/a.jsonl", conversation(&[SAID]));
    scene
}

/// What a session fails with where the model's one answer is this; checks that the next run does it.
#[track_caller]
fn failure_of(reply: Reply, settings: &str) -> String {
    let scene = scene([reply, good()], &format!("max_attempts = 1\n{settings}"));
    let error = scene.failed(1);
    for table in [
        "session_processor_state",
        "verification_session",
        "verification_evidence",
        "knowledge_items",
    ] {
        assert_eq!(scene.world.count(table), 0, "{table}");
    }
    assert!(error.contains("127.0.0.1:"), "{error}");
    assert!(!error.contains("Refunds"), "{error}");
    assert_eq!(scene.processed(1), 1);
    assert_eq!(scene.world.count("session_processor_failure"), 0);
    error
}

#[test]
fn a_session_that_waits_for_the_model_stops_when_its_time_is_over() {
    let scene = Scene::new(ModelServer::scripted([Reply::silence()]));
    scene.world.write("alice/a.jsonl", conversation(&["hello"]));
    let ran = scene.world.run(&["verification", "--attempt-timeout", "2"]).exits(1);
    assert_eq!((ran.result().errors, ran.result().capped), (1, 0), "{}", ran.stderr);
    let error = &ran.result().errors_detail[0].error;
    assert!(
        error.starts_with("gave up because attempt_timeout_seconds (2 s)"),
        "{error}"
    );
    assert!(!ran.stderr.contains("abandoned"), "{}", ran.stderr);
}

#[test]
fn statuses_are_told_with_a_remedy() {
    for (status, said) in [
        (400, "check format, model and base_url"),
        (401, "it refused the key"),
        (404, "check base_url and model"),
        (429, "too many requests"),
        (500, "the server failed"),
        (529, "the server failed"),
    ] {
        let error = failure_of(Reply::status(status), "");
        assert!(
            error.contains(&format!("status {status}")) && error.contains(said),
            "{error}"
        );
    }
}

#[test]
fn no_answer_in_time() {
    let error = failure_of(Reply::silence(), "request_timeout_seconds = 1");
    assert!(
        error.contains("did not answer within 1 s") && error.contains("request_timeout_seconds"),
        "{error}"
    );
}

#[test]
fn an_answer_that_breaks_off() {
    let error = failure_of(Reply::half(), "");
    assert!(error.contains("the connection was lost"), "{error}");
}

#[test]
fn a_huge_answer() {
    let error = failure_of(Reply::endless(), "max_response_bytes = 10000");
    assert!(error.contains("more than 10000 bytes"), "{error}");
}

#[test]
fn an_answer_that_is_no_json_or_off_the_form() {
    for text in ["", "<html>", "{\"content\": [{", "{}", "[]"] {
        let error = failure_of(Reply::text(text), "");
        assert!(error.contains("not in the format `anthropic`"), "{error}");
    }
    let off = |change: fn(&mut serde_json::Value)| {
        let mut verification = verification("correction", SAID, SAID);
        change(&mut verification);
        json!({"verifications": [verification]}).to_string()
    };
    for form in [
        "no json".to_owned(),
        "{}".to_owned(),
        r#"{"verifications": []  , "confidence": 1}"#.to_owned(),
        off(|verification| verification["detection_type"] = json!("guess")),
        off(|verification| verification["domain"] = json!("gossip")),
        off(|verification| verification["title"] = json!("t".repeat(61))),
        off(|verification| verification["content"] = json!("c".repeat(501))),
        off(|verification| verification["confidence"] = json!(1.0)),
        off(|verification| drop(verification.as_object_mut().unwrap().remove("entities"))),
    ] {
        let error = failure_of(Reply::form(form), "");
        assert!(error.contains("does not match the form `verifications`"), "{error}");
    }
}

#[test]
fn what_may_pass_is_tried_again_within_the_run() {
    let at_once = |status: u16| Reply::status(status).header("retry-after", "0");
    let scene = scene([at_once(429), at_once(503), good()], "");
    assert_eq!(scene.processed(1), 1);
    let session = scene.rows("SELECT requests, input_tokens FROM verification_session");
    assert_eq!(session, [json!({"requests": 3, "input_tokens": 100})]);
}

#[test]
fn a_wait_beyond_the_sessions_budget_is_not_begun() {
    let scene = scene([Reply::status(429).header("retry-after", "3600"), good()], "");
    let error = scene.failed(1);
    assert!(
        error.contains("session_budget_seconds") && error.contains("3600 s"),
        "{error}"
    );
    assert_eq!(scene.processed(1), 1);
}

#[test]
fn a_date_in_the_past_means_at_once() {
    let past = Reply::status(503).header("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(scene([past, good()], "").processed(1), 1);
}

#[test]
fn a_runs_requests_are_limited() {
    let scene = scene([good(), reporting(&[])], "max_requests_per_run = 1");
    scene.world.write("bruno/b.jsonl", conversation(&["hello"]));
    let ran = scene.run(0);
    let result = ran.result();
    assert_eq!((result.processed, result.capped, result.errors), (1, 1, 0));
    ran.tells("the run has made its 1 requests");
    ran.tells("max_requests_per_run");
    assert_eq!(scene.world.count("session_processor_failure"), 0);
    assert_eq!(scene.model.requests().len(), 1);
    assert_eq!(scene.processed(1) + result.items_extracted, 1);
}

#[test]
fn a_runs_tokens_are_limited() {
    let scene = scene([good(), reporting(&[])], "max_tokens_per_run = 120");
    scene.world.write("bruno/b.jsonl", conversation(&["hello"]));
    let ran = scene.run(0);
    assert_eq!((ran.result().processed, ran.result().capped), (1, 1));
    ran.tells("max_tokens_per_run");
}

#[test]
fn every_run_of_a_service_has_its_whole_budget() {
    let scene = scene([reporting(&[]), reporting(&[])], "max_requests_per_run = 1");
    scene.world.write("bruno/b.jsonl", conversation(&["hello"]));
    let service = scene.world.serve(&[]);
    for left in [1, 0] {
        let details = service.run("verification").is(200).json()["details"].clone();
        assert_eq!(
            (&details["processed"], &details["capped"]),
            (&json!(1), &json!(left)),
            "{}",
            service.log()
        );
    }
}

#[test]
fn a_session_that_is_retried_leaves_no_double() {
    let scene = scene([Reply::status(500), good(), good(), good()], "max_attempts = 1");
    drop(scene.failed(1));
    assert_eq!(scene.processed(1), 1);
    drop(scene.world.host(&["reprocess", "verification"]).exits(0));
    assert_eq!(scene.processed(1), 0);
    assert_eq!(
        (
            scene.world.count("knowledge_items"),
            scene.world.count("verification_evidence")
        ),
        (1, 1)
    );
    assert_eq!(
        scene.rows("SELECT confidence FROM knowledge_items"),
        [json!({"confidence": 0.9})]
    );
}

/// Runs the processor, which must end with this status, and checks how many sessions it processed, failed with and left.
#[track_caller]
fn ends_with(scene: &Scene, status: i32, expected: (u64, u64, u64)) -> Ran {
    let ran = scene.run(status);
    let result = ran.result();
    let found = (result.processed, result.errors, result.capped);
    assert_eq!(found, expected, "{}", ran.stderr);
    ran
}

#[test]
fn what_a_server_refuses_for_long_is_asked_of_it_once_a_run() {
    let busy = || Reply::status(429).header("retry-after", "3600");
    for (reply, said) in [(busy(), "429"), (Reply::status(401), "refused the key")] {
        let scene = scene([reply], "");
        for session in ["bruno/b.jsonl", "carla/c.jsonl"] {
            scene.world.write(session, conversation(&["hello"]));
        }
        let ran = ends_with(&scene, 1, (0, 1, 2));
        assert!(ran.result().errors_detail[0].error.contains(said), "{}", ran.stderr);
        ran.tells("an earlier request was refused");
        assert_eq!(scene.model.requests().len(), 1);
    }
}

#[test]
fn a_refused_key_is_tried_again_in_the_next_run_of_a_service() {
    let scene = scene([Reply::status(403), good()], "");
    let service = scene.world.serve(&[]);
    for (errors, processed) in [(1, 0), (0, 1)] {
        let details = service.run("verification").json()["details"].clone();
        assert_eq!(
            (&details["errors"], &details["processed"]),
            (&json!(errors), &json!(processed)),
            "{}",
            service.log()
        );
    }
}

#[test]
fn an_answer_off_the_form_is_asked_for_once_more() {
    let mut long = verification("unprompted_definition", SAID, SAID);
    long["title"] = json!("t".repeat(61));
    let breach = "verifications[0].title has 61 characters, more than 60";
    let scene = scene([reporting(&[long.clone()]), good()], "");
    assert_eq!(scene.processed(1), 1);
    let [first, second] = &scene.model.requests()[..] else {
        panic!()
    };
    assert!(!first.instruction().contains("earlier answer") && second.instruction().contains(breach));
    assert_eq!(first.data(), second.data());
    let spent = scene.rows("SELECT requests, input_tokens FROM verification_session");
    assert_eq!(spent, [json!({"requests": 2, "input_tokens": 200})]);
    let scene = self::scene([reporting(&[long.clone()]), reporting(&[long])], "");
    let error = scene.failed(1);
    assert!(error.contains(breach), "{error}");
    assert_eq!(scene.model.requests().len(), 2);
}

/// A model that reports one fact of Bruno's session alone, and finds no contradictions.
fn model_that_judges() -> ModelServer {
    model_that_reports(vec![verification("unprompted_definition", SAID, "said by bruno")])
}

/// Knowledge that an item of Bruno's session is compared with.
const KNOWN: &str = "INSERT INTO knowledge_items (id, title, content, domain, confidence)
                     VALUES ('kv_old', 'Holidays', 'Nobody works on Sundays.', 'finance', 0.9)";

#[test]
fn a_budget_that_ends_before_the_judgement_leaves_the_session_for_later() {
    let scene = Scene::with_settings(model_that_judges(), "max_requests_per_run = 2");
    assert_eq!(scene.processed(0), 0);
    scene.world.change_state(KNOWN);
    scene.world.write("alice/a.jsonl", conversation(&["hello"]));
    scene.world.write("bruno/b.jsonl", conversation(&["said by bruno"]));
    scene.world.age("alice/a.jsonl", Duration::from_secs(60));
    drop(ends_with(&scene, 0, (1, 0, 1)));
    assert_eq!(
        (
            scene.requests("verifications").len(),
            scene.requests("contradictions").len()
        ),
        (2, 0)
    );
    assert_eq!(scene.world.count("verification_evidence"), 0);
    assert_eq!(scene.world.count("knowledge_items"), 1);
    assert_eq!(scene.world.count("session_processor_failure"), 0);
    assert_eq!(scene.processed(1), 1);
    assert_eq!(scene.requests("contradictions").len(), 1);
}

#[test]
fn a_session_that_takes_more_than_a_run_may_is_not_left_for_ever() {
    for (setting, value) in [("max_requests_per_run", 1), ("max_tokens_per_run", 120)] {
        let scene = Scene::with_settings(model_that_judges(), &format!("{setting} = {value}"));
        assert_eq!(scene.processed(0), 0);
        scene.world.change_state(KNOWN);
        scene.world.write("bruno/b.jsonl", conversation(&["said by bruno"]));
        let ran = scene.run(0);
        assert_eq!((ran.result().processed, ran.result().items_extracted), (1, 1));
        ran.tells(&format!("raise {setting}"));
        let failed = scene.rows("SELECT judgements_failed FROM verification_session");
        assert_eq!(failed, [json!({"judgements_failed": 1})]);
    }
}
