//! The key is seen nowhere but in the header that it is sent in.

use std::fs;

use model_server::{ModelServer, Reply};

use crate::scene::{KEY, Scene, conversation, reporting, verification};

#[track_caller]
fn check(scene: &Scene, told: &[&str]) {
    for told in told {
        assert!(!told.contains(KEY), "{told}");
    }
    for entry in fs::read_dir(scene.world.path("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let holds_key = bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes());
            assert!(!holds_key, "{}", path.display());
        }
    }
}

#[test]
fn the_key_is_neither_logged_nor_stored() {
    let told_back = Reply::text(format!("{{\"error\": \"bad key {KEY}\"}}"));
    for reply in [
        reporting(&[]),
        Reply::status(401),
        told_back,
        Reply::form(format!("{{\"{KEY}\": 1}}")),
        Reply::silence(),
    ] {
        let settings = "max_attempts = 1\nrequest_timeout_seconds = 1";
        let scene = Scene::with_settings(ModelServer::scripted([reply]), settings);
        scene.world.write("alice/a.jsonl", conversation(&["hello"]));
        let mut command = scene.world.command(&["run", "verification", "--json", "-vv"]);
        command.env("SESSION_HOST_LOG", "trace").env("RUST_BACKTRACE", "1");
        let ran = session_host_tests::Ran::of(command.output().unwrap());
        assert_eq!(scene.model.requests()[0].header("x-api-key"), Some(KEY));
        let listed = scene.world.host(&["processors", "--json", "-vv"]).exits(0);
        let configured = scene.world.host(&["config", "-vv"]).exits(0);
        check(
            &scene,
            &[
                &ran.stdout,
                &ran.stderr,
                &listed.stdout,
                &listed.stderr,
                &configured.stdout,
            ],
        );
    }
}

#[test]
fn a_key_can_come_from_a_file() {
    let model = ModelServer::scripted([reporting(&[])]);
    let world = session_host_tests::World::new();
    world.install("verification");
    fs::write(world.path("key"), format!("{KEY}\n")).unwrap();
    world.chmod("key", 0o600);
    world.config(&format!(
        "[processors.verification]\nmodel = \"m\"\nbase_url = \"{}\"\napi_key_file = \"{}\"\n",
        model.url(),
        world.path("key").display()
    ));
    world.write("alice/a.jsonl", conversation(&["hello"]));
    assert_eq!(world.run(&["verification"]).exits(0).result().processed, 1);
    assert_eq!(model.requests()[0].header("x-api-key"), Some(KEY));
    world.chmod("key", 0o644);
    let refused = world.run(&["verification"]).exits(2);
    refused.tells("everyone may read or write api_key_file");
}

#[test]
fn secrets_of_a_turn_are_neither_sent_nor_kept() {
    let token = ["gh", "p_", "Zk3vQ9wLr7XtB2mNc5Hd8Jf4Gs6Pa1Ye0UoT"].concat();
    let said = format!("the deploy token is {token}, and refunds over 50 EUR need the team lead");
    let quote = "the deploy token is [redacted: github-pat], and refunds over 50 EUR need the team lead";
    let content = "Refunds over 50 EUR need the team lead.";
    let scene = Scene::new(ModelServer::scripted([reporting(&[verification(
        "correction",
        content,
        quote,
    )])]));
    scene.world.write("alice/a.jsonl", conversation(&[&said]));
    assert_eq!(scene.processed(1), 1);
    assert!(
        scene
            .model
            .requests()
            .iter()
            .all(|request| !request.body.contains(&token))
    );
    let kept = scene.rows("SELECT user_quote FROM verification_evidence");
    assert_eq!(kept[0]["user_quote"], quote);
}

#[test]
fn turns_are_redacted_by_the_rules_that_are_set() {
    let scene = Scene::with_settings(
        ModelServer::scripted([reporting(&[])]),
        "secrets = { allow = { stopwords = [\"Zk3v\"] } }",
    );
    let allowed = ["gh", "p_", "Zk3vQ9wLr7XtB2mNc5Hd8Jf4Gs6Pa1Ye0UoT"].concat();
    let other = ["gh", "p_", "Yk3vQ9wLr7XtB2mNc5Hd8Jf4Gs6Pa1Ye0UoT"].concat();
    scene
        .world
        .write("alice/a.jsonl", conversation(&[&format!("not {other} but {allowed}")]));
    assert_eq!(scene.processed(1), 0);
    let sent = scene.model.requests()[0].body.clone();
    assert!(
        sent.contains(&format!("not [redacted: github-pat] but {allowed}")),
        "{sent}"
    );
}
