//! Tests retries and budgets, with a scripted exchange and a clock that advances only by waiting.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::json;

use super::{still_clock::StillClock, *};
use crate::model::{KeySource, RunLimits, cancellation::NEVER, object};

#[derive(Debug)]
struct Script {
    clock: Arc<StillClock>,
    /// The result of each request, and how many seconds it takes.
    replies: Mutex<VecDeque<(Result<Response, NoResponse>, u64)>>,
    timeouts: Arc<Mutex<Vec<u64>>>,
}

impl Exchange for Script {
    fn exchange(&self, request: &Request<'_>) -> Result<Response, NoResponse> {
        self.timeouts.lock().unwrap().push(request.timeout.as_secs());
        let (reply, seconds) = self.replies.lock().unwrap().pop_front().expect("a request too many");
        if seconds > 0 {
            self.clock.wait(Duration::from_secs(seconds), &NEVER);
        }
        reply
    }
}

struct Scene {
    model: Model,
    clock: Arc<StillClock>,
    timeouts: Arc<Mutex<Vec<u64>>>,
}

type Reply = (Result<Response, NoResponse>, u64);

fn scene(replies: impl IntoIterator<Item = Reply>) -> Scene {
    let clock = Arc::new(StillClock::default());
    let timeouts = Arc::new(Mutex::new(Vec::new()));
    let script = Script {
        clock: Arc::clone(&clock),
        replies: Mutex::new(replies.into_iter().collect()),
        timeouts: Arc::clone(&timeouts),
    };
    let key = KeySource::Variable("KEY".to_owned()).read(|_| Some("sk-hunter2-abcdef".to_owned()));
    let model = Model {
        format: Format::Openai,
        name: "m".to_owned(),
        base_url: BaseUrl::parse("https://api.example.com/v1").unwrap(),
        key: key.unwrap(),
        max_output_tokens: 100,
        max_response_bytes: 1_000,
        max_attempts: 3,
        request_timeout: Duration::from_secs(60),
        session_budget: Duration::from_secs(180),
        run_budget: RunBudget::new(RunLimits {
            requests: 100,
            tokens: 1_000,
        }),
        refusals: Refusals::default(),
        exchange: Box::new(script),
        clock: Arc::<StillClock>::clone(&clock),
    };
    Scene { model, clock, timeouts }
}

fn status(status: u16, retry_after: Option<&str>) -> Reply {
    let response = Response {
        status,
        retry_after: retry_after.map(str::to_owned),
        body: b"{\"error\":\"for turn-text-of-alice with sk-hunter2-abcdef\"}".to_vec(),
    };
    (Ok(response), 0)
}

fn good() -> Reply {
    let body = json!({
        "choices": [{"message": {"content": "{}"}}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 100},
    });
    let response = Response {
        status: 200,
        retry_after: None,
        body: body.to_string().into_bytes(),
    };
    (Ok(response), 0)
}

fn question() -> Question {
    Question {
        form: "form",
        purpose: "",
        instruction: "".into(),
        data: "turn-text-of-alice".to_owned(),
        schema: object(&[]),
    }
}

impl Scene {
    fn ask(&self) -> Result<Answer, String> {
        self.ask_in(RunId::default())
    }

    /// Asks in another session of this run.
    fn ask_in(&self, run: RunId) -> Result<Answer, String> {
        let mut budget = self.model.begin_session(run, &NEVER);
        self.model
            .ask(&question(), &mut budget)
            .map_err(|error| error.to_string())
    }

    fn waits(&self) -> Vec<u64> {
        self.clock.waits().iter().map(Duration::as_secs).collect()
    }
}

#[test]
fn only_passing_failures_are_retried() {
    for passing in [429, 500, 502, 503, 529] {
        let scene = scene([status(passing, None), status(passing, None), good()]);
        assert!(scene.ask().is_ok());
        assert_eq!(scene.waits(), [1, 2], "{passing}");
    }
    for lasting in [301, 400, 401, 403, 404, 413, 422] {
        let scene = scene([status(lasting, Some("1"))]);
        let error = scene.ask().unwrap_err();
        assert!(
            error.contains("api.example.com") && error.contains(&lasting.to_string()),
            "{error}"
        );
        assert!(scene.waits().is_empty());
    }
}

#[test]
fn the_server_says_how_long_to_wait() {
    let scene = scene([
        status(429, Some("7")),
        status(503, Some("Thu, 01 Jan 1970 00:00:30 GMT")),
        good(),
    ]);
    assert!(scene.ask().is_ok());
    assert_eq!(scene.waits(), [7, 23]);
}

#[test]
fn after_the_last_attempt_its_error_is_told() {
    let scene = scene([status(500, None), (Err(NoResponse::Timeout), 0), status(503, None)]);
    let error = scene.ask().unwrap_err();
    assert!(error.contains("503") && error.contains("next run"), "{error}");
}

#[test]
fn no_retry_goes_beyond_the_sessions_budget() {
    let scene = scene([status(429, Some("180"))]);
    let error = scene.ask().unwrap_err();
    assert!(
        error.contains("session_budget_seconds") && error.contains("429"),
        "{error}"
    );
    assert!(scene.waits().is_empty());
    let forever = self::scene([status(429, Some("99999999999999999999"))]);
    assert!(forever.ask().unwrap_err().contains("429"));
}

#[test]
fn a_refusal_of_every_request_postpones_the_remaining_sessions_of_the_run() {
    for lasting in [401, 402, 403, 404] {
        let scene = scene([status(lasting, None), good()]);
        let first = scene.ask().unwrap_err();
        let second = scene.ask().unwrap_err();
        assert_eq!(
            second,
            format!("an earlier request was refused, and this one would be too: {first}")
        );
        assert!(scene.ask_in(RunId::from_number(1)).is_ok());
    }
    for asked in [None, Some("1")] {
        let often = || status(429, asked);
        let scene = scene([often(), often(), often(), good()]);
        assert!(scene.ask().unwrap_err().contains("429"));
        assert!(scene.ask().unwrap_err().contains("earlier request"));
        assert!(scene.ask_in(RunId::from_number(1)).is_ok());
    }
}

#[test]
fn a_failure_of_one_request_is_not_remembered() {
    let lasting = [status(400, Some("600")), status(413, Some("600"))];
    let passing = [status(500, None), status(500, None), status(500, None)];
    let scene = scene(lasting.into_iter().chain(passing).chain([good()]));
    for refused in ["400", "413", "500"] {
        assert!(scene.ask().unwrap_err().contains(refused), "{refused}");
    }
    assert!(scene.ask().is_ok());
}

#[test]
fn a_pause_holds_for_all_sessions() {
    let mut scene = scene([status(503, Some("200")), good()]);
    scene.model.max_attempts = 1;
    assert!(scene.ask().unwrap_err().contains("503"));
    for run in [0, 1] {
        let left = scene.ask_in(RunId::from_number(run)).unwrap_err();
        assert!(left.contains("earlier request"), "{left}");
    }
    // The rest of the pause fits into the time of a session, so the session waits.
    scene.clock.wait(Duration::from_secs(50), &NEVER);
    assert!(scene.ask().is_ok());
    assert_eq!(scene.waits(), [50, 150]);
}

#[test]
fn no_pause_is_longer_than_an_hour() {
    let scene = scene([status(429, Some("99999999999999999999")), good()]);
    assert!(scene.ask().is_err());
    scene.clock.wait(Duration::from_secs(3400), &NEVER);
    assert!(scene.ask().unwrap_err().contains("earlier request"));
    scene.clock.wait(Duration::from_secs(200), &NEVER);
    assert!(scene.ask().is_ok());
}

#[test]
fn a_request_gets_no_more_time_than_is_left() {
    let slow = || (Err(NoResponse::Timeout), 60);
    let scene = scene([slow(), slow(), slow()]);
    let error = scene.ask().unwrap_err();
    assert_eq!(*scene.timeouts.lock().unwrap(), [60, 60, 57]);
    assert!(error.contains("57 s"), "{error}");
}

#[test]
fn a_session_whose_time_is_spent_asks_no_more() {
    let scene = scene([good()]);
    let mut budget = scene.model.begin_session(RunId::default(), &NEVER);
    scene.clock.wait(Duration::from_secs(180), &NEVER);
    let error = scene.model.ask(&question(), &mut budget).unwrap_err();
    assert!(error.to_string().contains("180 s"), "{error}");
    assert!(scene.timeouts.lock().unwrap().is_empty());
}

#[test]
fn a_session_that_is_told_to_stop_asks_no_more() {
    let scene = scene([status(500, None), good()]);
    let stop = AtomicBool::new(false);
    let mut budget = scene.model.begin_session(RunId::default(), &stop);
    drop(scene.model.ask(&question(), &mut budget).unwrap());
    stop.store(true, Ordering::Relaxed);
    let error = scene.model.ask(&question(), &mut budget).unwrap_err();
    assert!(matches!(error, ModelError::Cancelled), "{error}");
    assert_eq!(budget.requests, 2);
}

#[test]
fn tokens_of_all_answers_count_for_session_and_run() {
    let scene = scene([good(), good()]);
    let mut budget = scene.model.begin_session(RunId::default(), &NEVER);
    for _ in 0..2 {
        scene.model.ask(&question(), &mut budget).unwrap();
    }
    assert_eq!(
        (budget.requests, budget.usage.input_tokens, budget.usage.output_tokens),
        (2, 800, 200)
    );
    let error = scene.ask().unwrap_err();
    assert!(error.contains("max_tokens_per_run"), "{error}");
}

#[test]
fn a_run_too_small_for_a_retry_tells_what_made_it_one() {
    let mut scene = scene([status(500, None)]);
    scene.model.run_budget = RunBudget::new(RunLimits {
        requests: 1,
        tokens: 1_000,
    });
    let error = scene.ask().unwrap_err();
    for told in ["status 500", "max_requests_per_run"] {
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_server_that_does_not_count_is_counted_for() {
    let body = r#"{"choices":[{"message":{"content":"{}"}}]}"#;
    let response = Response {
        status: 200,
        retry_after: None,
        body: body.as_bytes().to_vec(),
    };
    let scene = scene([(Ok(response), 0)]);
    let mut budget = scene.model.begin_session(RunId::default(), &NEVER);
    scene.model.ask(&question(), &mut budget).unwrap();
    assert_eq!(budget.usage.output_tokens, body.len() as u64 / 4);
    assert!(budget.usage.input_tokens > 50);
}

#[test]
fn neither_key_nor_transcript_is_told() {
    for (failure, waited) in [
        status(400, None),
        status(401, None),
        status(500, None),
        (Err(NoResponse::TooLarge), 0),
        (Err(NoResponse::Connection("refused".to_owned())), 0),
    ] {
        let scene = scene([(failure.clone(), waited), (failure.clone(), waited), (failure, waited)]);
        let error = scene.ask().unwrap_err();
        assert!(error.contains("api.example.com"), "{error}");
        for secret in ["hunter2", "abcdef", "alice", "turn"] {
            assert!(!error.contains(secret), "{secret} is told: {error}");
        }
        assert!(!format!("{:?}", scene.model).contains("hunter2"));
    }
}
