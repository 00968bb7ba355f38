//! `session-host check --state postgres://...`: whether PostgreSQL can take a plugin's SQL, told beforehand.

use std::fs;

use model_server::{ModelServer, Reply};
use serde_json::{Value, json};
use session_host_tests::{PASSWORD, Postgres, PostgresSetup, ROLE, Ran, World, send, wait_until};

/// A server whose role may make databases.
struct Scene {
    server: Postgres,
}

impl Scene {
    fn new() -> Self {
        let server = PostgresSetup::default().start();
        server.sql(&format!("ALTER ROLE {ROLE} CREATEDB"));
        Self { server }
    }

    fn databases(&self) -> String {
        databases(&self.server)
    }
}

fn databases(server: &Postgres) -> String {
    server.sql("SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database WHERE NOT datistemplate")
}

/// A world with this plugin and a session.
fn world_of(plugin: &str) -> World {
    let world = World::with(&[plugin]);
    world.write("alice/a.jsonl", "{}\n{}\n");
    world
}

/// The only plugin of a world.
#[track_caller]
fn file_in(world: &World) -> String {
    let plugins = fs::read_dir(world.plugins()).unwrap();
    let mut files = plugins.map(|entry| entry.unwrap().path());
    files.next().unwrap().to_str().unwrap().to_owned()
}

/// Checks the only plugin of a world over its sessions, in a database of its own beside this one.
#[track_caller]
fn check(world: &World, url: &str) -> (Ran, Value) {
    let (file, sessions) = (file_in(world), world.sessions());
    let ran = world.host(&["check", &file, sessions.to_str().unwrap(), "--json", "--state", url]);
    let report = serde_json::from_str(&ran.stdout).unwrap_or(Value::Null);
    (ran, report)
}

#[track_caller]
fn reasons(report: &Value, rule: &str) -> String {
    let rules = report["rules"].as_array().unwrap_or_else(|| panic!("{report}"));
    let tried = rules.iter().find(|tried| tried["rule"] == rule).unwrap();
    assert_eq!(tried["verdict"], "failed", "{report}");
    tried["reason"].to_string()
}

/// A statement that DuckDB takes and PostgreSQL does not.
const NOT_PORTABLE: &str =
    "CREATE TABLE misfit_rows (n INTEGER);\nCREATE TABLE misfit_shapes (shape STRUCT(a INTEGER))";

/// A world whose plugin has this migration.
fn misfit(sql: &str) -> World {
    let mut world = world_of("misfit");
    world.set_variable("MISFIT_SQL", sql);
    world
}

#[test]
fn portable_plugins_pass_and_leave_nothing() {
    let scene = Scene::new();
    let database = scene.server.database();
    let before = scene.databases();
    for plugin in ["usage", "errors", "search", "secrets"] {
        let world = World::with(&[plugin]);
        let file = file_in(&world);
        let ran = world.host(&["check", &file, "--json", "--state", &database.url()]);
        assert_eq!(ran.status, 0, "{plugin}: {ran:?}");
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["server"], json!(format!("127.0.0.1:{}", scene.server.port())));
        assert!(report["behaviour"]["first_pass"]["processed"].as_u64().unwrap() > 0);
        assert_eq!(ran.stderr, "", "{plugin}");
    }
    assert_eq!(scene.databases(), before);
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'main'"),
        "0"
    );
}

/// A model that finds one piece of knowledge where the user gives it.
fn model() -> ModelServer {
    let found = json!({
        "detection_type": "correction", "title": "Refunds", "content": "Refunds over 50 EUR need an approval.",
        "user_quote": "ask for approval", "domain": "finance", "entities": ["refund"],
    });
    ModelServer::answering(move |request| {
        Reply::form(
            match request.form().as_str() {
                "verifications" if request.data().contains("ask for approval") => json!({"verifications": [found]}),
                "verifications" => json!({"verifications": []}),
                _ => json!({"contradictions": []}),
            }
            .to_string(),
        )
    })
}

fn said(text: &str) -> String {
    let message = json!({"role": "user", "content": text});
    format!(
        "{}\n",
        json!({"type": "user", "timestamp": "2026-03-01T09:00:00Z", "message": message})
    )
}

#[test]
fn the_processor_that_asks_a_model_keeps_what_it_learns() {
    let database = Postgres::shared().database();
    let model = model();
    let mut world = World::with(&["verification"]);
    world.set_variable("TEST_MODEL_KEY", "key");
    world.config(&format!(
        "[processors.verification]\nformat = \"anthropic\"\nmodel = \"test-model\"\nbase_url = \"{}\"\n\
         api_key_env = \"TEST_MODEL_KEY\"\n",
        model.url()
    ));
    let url = database.url();
    // What a transcript no longer says is taken back.
    for (text, known) in [("ask for approval", "Refunds|1"), ("nothing", "")] {
        world.write("alice/a.jsonl", said(text));
        let ran = world.run(&["--state", &url]).exits(0);
        assert_eq!(ran.result().processed, 1, "{ran:?}");
        let items = database.sql(
            "SELECT title, count(*) FROM main.knowledge_items AS item
             JOIN main.verification_evidence AS evidence ON evidence.item_id = item.id GROUP BY title",
        );
        assert_eq!(items, known);
    }
}

#[test]
fn a_migration_that_postgresql_cannot_take_is_told_with_the_statement_and_the_reason() {
    let scene = Scene::new();
    let database = scene.server.database();
    let before = scene.databases();
    let world = misfit(NOT_PORTABLE);
    // A state in a file takes it.
    let sessions = world.sessions();
    drop(
        world
            .host(&["check", &file_in(&world), sessions.to_str().unwrap()])
            .exits(0),
    );
    let (ran, report) = check(&world, &database.url());
    assert_eq!(ran.status, 2, "{ran:?}");
    let told = reasons(&report, "loads");
    for part in [
        "cannot be applied to PostgreSQL",
        "CREATE TABLE misfit_shapes",
        "STRUCT",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(scene.databases(), before);
}

#[test]
fn a_view_that_cannot_read_what_postgresql_gives_back_is_told_and_not_kept() {
    let scene = Scene::new();
    let database = scene.server.database();
    let sql =
        "CREATE TABLE misfit_rows (n HUGEINT);\nCREATE VIEW misfit_view AS SELECT n << 1 AS twice FROM misfit_rows";
    let world = misfit(sql);
    let (ran, report) = check(&world, &database.url());
    assert_eq!(ran.status, 2, "{ran:?}");
    let told = reasons(&report, "loads");
    for part in ["cannot be applied to PostgreSQL", "CREATE VIEW misfit_view", "DOUBLE"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    // A service refuses it, too, and the state stays usable for others.
    let url = database.url();
    let refused = world.run(&["--state", &url]).exits(2);
    refused.tells("CREATE VIEW misfit_view");
    refused.tells("cannot be applied to PostgreSQL");
    let portable = world_of("probe");
    drop(portable.run(&["--state", &url]).exits(0));
    assert_eq!(database.sql("SELECT to_regclass('main.misfit_rows') IS NULL"), "t");
}

#[test]
fn a_statement_of_a_session_that_postgresql_cannot_take_is_told() {
    let scene = Scene::new();
    let database = scene.server.database();
    let before = scene.databases();
    let world = world_of("probe");
    let sql = "INSERT INTO probe_totals VALUES ('a', 1) RETURNING *";
    world.write("alice/b.jsonl", json!({"do": "execute", "sql": sql}).to_string());
    let (ran, report) = check(&world, &database.url());
    assert_eq!(ran.status, 1, "{ran:?}");
    let told = reasons(&report, "sessions-succeed");
    assert!(told.contains("alice/b.jsonl") && told.contains("RETURNING"), "{told}");
    assert_eq!(scene.databases(), before);
}

/// The host loads the plugin, because nothing is wrong with its tables.
#[test]
fn a_statement_that_only_a_file_takes_is_told_with_the_reason() {
    let scene = Scene::new();
    let database = scene.server.database();
    let mut world = misfit("CREATE TABLE misfit_rows (n INTEGER)");
    world.set_variable("MISFIT_STATEMENT", "INSERT INTO misfit_rows VALUES (1) RETURNING n");
    let (file, sessions) = (file_in(&world), world.sessions());
    let ran = world.host(&["check", &file, sessions.to_str().unwrap(), "--json"]);
    let in_file: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of = |report: &Value, rule: &str| {
        let rules = report["rules"].as_array().unwrap().iter();
        rules.clone().find(|tried| tried["rule"] == rule).unwrap()["verdict"].clone()
    };
    assert_eq!(of(&in_file, "sessions-succeed"), "passed", "{in_file}");
    let (ran, report) = check(&world, &database.url());
    assert_eq!((ran.status, of(&report, "loads")), (1, json!("passed")), "{ran:?}");
    let told = reasons(&report, "sessions-succeed");
    for part in ["alice/a.jsonl", "RETURNING"] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn what_has_no_answer_over_the_rows_of_postgresql_is_told() {
    let scene = Scene::new();
    let database = scene.server.database();
    let before = scene.databases();
    let mut world = misfit(
        "CREATE TABLE misfit_rows (n VARCHAR);\nCREATE VIEW misfit_view AS SELECT n::INTEGER AS n FROM misfit_rows",
    );
    world.set_variable("MISFIT_STATEMENT", "INSERT INTO misfit_rows VALUES ('seven')");
    world.set_variable("MISFIT_REPORT", "SELECT n::INTEGER AS n FROM misfit_rows");
    let (ran, report) = check(&world, &database.url());
    assert_eq!(ran.status, 1, "{ran:?}");
    let told = reasons(&report, "answers");
    for part in ["the report misfit.rows", "the view misfit_view", "seven"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(scene.databases(), before);
}

#[test]
fn a_role_that_may_make_no_database_is_told_the_remedy() {
    let database = Postgres::shared().database();
    let (ran, _) = check(&world_of("usage"), &database.url());
    assert_eq!(ran.status, 3, "{ran:?}");
    assert!(
        ran.stderr.contains("may not create a database") && ran.stderr.contains("CREATEDB"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_password_of_the_named_database_serves_and_is_never_told() {
    let server = PostgresSetup::default().with_passwords().start();
    server.sql(&format!("ALTER ROLE {ROLE} CREATEDB"));
    let database = server.database();
    let before = databases(&server);
    let world = misfit(NOT_PORTABLE);
    let line = format!("127.0.0.1:{}:{}:{ROLE}:{PASSWORD}\n", server.port(), database.name());
    fs::write(world.path("passwords"), line).unwrap();
    world.chmod("passwords", 0o600);
    let url = format!("{}?passfile={}", database.url(), world.path("passwords").display());
    let (ran, report) = check(&world, &url);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(reasons(&report, "loads").contains("STRUCT"));
    assert!(!format!("{ran:?}").contains(PASSWORD));
    assert_eq!(databases(&server), before);
}

#[test]
fn a_check_that_is_interrupted_leaves_nothing() {
    let scene = Scene::new();
    let database = scene.server.database();
    let before = scene.databases();
    let world = world_of("probe");
    world.write("alice/b.jsonl", json!({"do": "hang"}).to_string());
    let sessions = world.sessions();
    let running = world.start(&[
        "check",
        &file_in(&world),
        sessions.to_str().unwrap(),
        "--state",
        &database.url(),
    ]);
    let runs = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'session_host_check_%'";
    wait_until("the check has begun", || scene.server.sql(runs) != "0");
    send(running.id(), libc::SIGTERM);
    let ran = running.ends();
    assert_eq!(ran.status, 130, "{ran:?}");
    assert_eq!(scene.databases(), before);
}
