//! Tests the exchange over a real connection, against a server that misbehaves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use model_server::{ModelServer, Reply};
use serde_json::json;
use session_plugin_api::RunId;

use super::{attempts::still_clock::StillClock, cancellation::NEVER, *};

fn model(server: &ModelServer, format: Format) -> Model {
    let path = match format {
        Format::Anthropic => "",
        Format::Openai => "/v1",
    };
    let source = KeySource::Variable("KEY".to_owned());
    let base_url = BaseUrl::parse(&format!("{}{path}", server.url())).unwrap();
    Model {
        format,
        name: "test-model".to_owned(),
        key: source.read(|_| Some("sk-hunter2-abcdef".to_owned())).unwrap(),
        max_output_tokens: 100,
        max_response_bytes: 10_000,
        max_attempts: 1,
        request_timeout: Duration::from_secs(60),
        session_budget: Duration::from_secs(180),
        run_budget: RunBudget::new(RunLimits {
            requests: 100,
            tokens: 10_000,
        }),
        refusals: Refusals::default(),
        exchange: Box::new(HttpExchange::new(&base_url, 10_000)),
        base_url,
        clock: Arc::new(StillClock::default()),
    }
}

fn question() -> Question {
    Question {
        form: "verifications",
        purpose: "purpose",
        instruction: "instruction".into(),
        data: "the secret merger with Brightwater".to_owned(),
        schema: object(&[("title", json!({"type": "string", "maxLength": 60}))]),
    }
}

fn ask(model: &Model) -> Result<String, ModelError> {
    let mut budget = model.begin_session(RunId::default(), &NEVER);
    model.ask(&question(), &mut budget).map(|answer| answer.json)
}

#[test]
fn both_formats_are_spoken() {
    for format in [Format::Anthropic, Format::Openai] {
        let server = ModelServer::scripted([Reply::form(r#"{"title":"a"}"#)]);
        assert_eq!(ask(&model(&server, format)).unwrap(), r#"{"title":"a"}"#);
        let [request] = &server.requests()[..] else { panic!() };
        assert_eq!(
            (request.form(), request.data()),
            ("verifications".to_owned(), question().data)
        );
        assert_eq!(request.instruction(), "instruction");
    }
}

#[test]
fn the_request_of_anthropic_forces_the_tool() {
    let server = ModelServer::scripted([Reply::form("{}")]);
    ask(&model(&server, Format::Anthropic)).unwrap();
    let request = &server.requests()[0];
    assert_eq!(
        (request.path.as_str(), request.header("x-api-key")),
        ("/v1/messages", Some("sk-hunter2-abcdef"))
    );
    assert_eq!(request.header("anthropic-version"), Some("2023-06-01"));
    let json = request.json();
    assert_eq!(json["tool_choice"], json!({"type": "tool", "name": "verifications"}));
    assert_eq!(json["tools"][0]["input_schema"], question().schema);
    assert_eq!(
        (&json["model"], &json["max_tokens"]),
        (&json!("test-model"), &json!(100))
    );
}

#[test]
fn the_request_of_openai_has_a_strict_schema() {
    let server = ModelServer::scripted([Reply::form("{}")]);
    ask(&model(&server, Format::Openai)).unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), Some("Bearer sk-hunter2-abcdef"));
    let form = &request.json()["response_format"];
    assert_eq!(
        (&form["type"], &form["json_schema"]["strict"]),
        (&json!("json_schema"), &json!(true))
    );
    assert_eq!(
        form["json_schema"]["schema"],
        object(&[("title", json!({"type": "string"}))])
    );
}

#[test]
fn without_a_key_none_is_sent() {
    let server = ModelServer::scripted([Reply::form("{}")]);
    let mut model = model(&server, Format::Openai);
    model.key = None;
    ask(&model).unwrap();
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let server = ModelServer::scripted([Reply::silence()]);
    let mut model = model(&server, Format::Openai);
    model.request_timeout = Duration::from_millis(50);
    assert!(matches!(ask(&model), Err(ModelError::Timeout { .. })));
}

#[test]
fn a_request_under_way_is_left_alone_when_the_session_is_told_to_stop() {
    let server = ModelServer::scripted([Reply::silence()]);
    let model = model(&server, Format::Openai);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while server.requests().is_empty() {
                thread::sleep(Duration::from_millis(2));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let mut budget = model.begin_session(RunId::default(), &stop);
        let error = model.ask(&question(), &mut budget).unwrap_err();
        assert!(matches!(error, ModelError::Cancelled), "{error}");
    });
}

#[test]
fn an_answer_that_breaks_off_is_no_answer() {
    let server = ModelServer::scripted([Reply::half()]);
    let error = ask(&model(&server, Format::Anthropic)).unwrap_err();
    assert!(matches!(error, ModelError::Connection { .. }), "{error}");
}

#[test]
fn an_answer_without_an_end_is_cut() {
    let server = ModelServer::scripted([Reply::endless(), Reply::text(" ".repeat(10_001))]);
    let model = model(&server, Format::Openai);
    for _ in 0..2 {
        let error = ask(&model).unwrap_err();
        assert!(matches!(error, ModelError::TooLarge { limit: 10_000, .. }), "{error}");
    }
}

#[test]
fn nobody_there_is_told_with_the_host() {
    let server = ModelServer::scripted([]);
    let model = model(&server, Format::Openai);
    let host = server.url().replace("http://", "");
    drop(server);
    let error = ask(&model).unwrap_err();
    assert!(
        matches!(error, ModelError::Connection { .. }) && error.to_string().contains(&host),
        "{error}"
    );
}

#[test]
fn a_status_is_told_with_what_helps() {
    for (status, remedy) in [
        (401, "api_key_env"),
        (404, "base_url and model"),
        (429, "too many"),
        (500, "next run"),
    ] {
        let server = ModelServer::scripted([Reply::status(status)]);
        let error = ask(&model(&server, Format::Anthropic)).unwrap_err().to_string();
        assert!(error.contains(&status.to_string()) && error.contains(remedy), "{error}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = ModelServer::scripted([Reply::form("{}")]);
    for status in [301, 302, 307, 308] {
        let server = ModelServer::scripted([Reply::status(status).header("location", &elsewhere.url())]);
        let error = ask(&model(&server, Format::Openai)).unwrap_err().to_string();
        assert!(error.contains(&status.to_string()), "{error}");
    }
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn echoed_secrets_are_not_shown() {
    for format in [Format::Anthropic, Format::Openai] {
        let server = ModelServer::scripted([Reply::echo(), Reply::text(format!("<html>{}", question().data))]);
        let model = model(&server, format);
        for _ in 0..2 {
            let error = ask(&model).unwrap_err().to_string();
            for secret in ["merger", "Brightwater", "hunter2"] {
                assert!(!error.contains(secret), "{error}");
            }
        }
    }
}

#[test]
fn a_response_in_another_format_is_malformed() {
    for body in ["", "not json", "{\"content\": [", "[]", "{\"choices\": 7}"] {
        let server = ModelServer::scripted([Reply::text(body)]);
        let error = ask(&model(&server, Format::Openai)).unwrap_err();
        assert!(matches!(error, ModelError::Malformed { .. }), "{body}: {error}");
    }
}

#[test]
fn a_server_without_tls_gets_nothing_over_https() {
    let server = ModelServer::scripted([Reply::form("{}")]);
    let mut model = model(&server, Format::Openai);
    model.base_url = BaseUrl::parse(&server.url().replace("http://", "https://")).unwrap();
    let error = ask(&model).unwrap_err();
    assert!(matches!(error, ModelError::Connection { .. }), "{error}");
    assert!(server.requests().is_empty());
}
