//! The zoo beside the service: it stays healthy, and holds nothing of the workers that are over.

use std::{fs, thread};

use serde_json::{Value, json};
use session_host_tests::{
    Held, Holdings, Service, World, children_of, library_name, send, variables_of, wait_until,
    zoo::{FAILURES, MISDEEDS, Misdeed, NEIGHBOURS, check_failures},
};

use crate::steps::{listed, value};

fn quick() -> impl Iterator<Item = &'static Misdeed> {
    MISDEEDS.iter().filter(|misdeed| misdeed.ends_at_once)
}

/// The rows of a query, as objects.
fn rows(service: &Service, sql: &str) -> Vec<Value> {
    let answer = service.query(sql, &json!([])).is(200).json();
    let columns = answer["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|column| column.as_str().unwrap()).collect();
    let object = |row: &Value| {
        let values = row.as_array().unwrap().iter().cloned();
        Value::Object(names.iter().map(|name| (*name).to_owned()).zip(values).collect())
    };
    answer["rows"].as_array().unwrap().iter().map(object).collect()
}

/// Runs the zoo, and its neighbours at the same time.
#[track_caller]
fn run_all(service: &Service) {
    thread::scope(|scope| {
        let runs = ["zoo"].into_iter().chain(NEIGHBOURS);
        let runs: Vec<_> = runs
            .map(|name| scope.spawn(move || (name, service.run(name))))
            .collect();
        for run in runs {
            let (name, answer) = run.join().unwrap();
            let details = answer.is(200).json()["details"].clone();
            assert!(name == "zoo" || details["errors"] == 0, "{name}: {details}");
        }
    });
}

/// What the service holds when no worker is left.
#[track_caller]
fn at_rest(service: &Service) -> Holdings {
    wait_until("the idle workers are ended", || children_of(service.id()).is_empty());
    wait_until("their output is read", || {
        let threads = Holdings::of(service.id()).threads;
        let of_runs = ["worker-output", "worker-end", "run-", "zoo", "errors-", "usage-"];
        !threads
            .iter()
            .any(|name| of_runs.iter().any(|begin| name.starts_with(begin)))
    });
    Holdings::of(service.id())
}

#[track_caller]
fn assert_at_rest_again(service: &Service, before: &Holdings) {
    let mut after = at_rest(service);
    wait_until(&format!("it holds again what it held, {before:?}"), || {
        after = Holdings::of(service.id());
        after.is_within(before)
    });
}

/// A service that has run everything once, with what it holds then.
fn served() -> (World, Service, Holdings) {
    let world = World::with_zoo();
    let service = world.serve(&[("SESSION_HOST_ATTEMPT_TIMEOUT_SECONDS", "20")]);
    run_all(&service);
    let holds = at_rest(&service);
    (world, service, holds)
}

#[test]
fn each_misdeed_fails_its_own_session_alone_and_leaves_nothing() {
    let (world, service, holds) = served();
    world.write_misdeeds(MISDEEDS, 0);
    run_all(&service);
    check_failures(MISDEEDS, &rows(&service, FAILURES));
    assert_at_rest_again(&service, &holds);
    wait_until("no process is left", || world.processes() == [service.id()]);
    assert_eq!(service.stop().0, Some(0));
}

#[track_caller]
fn assert_healthy_after(rounds: usize) {
    let (world, service, holds) = served();
    for round in 0..rounds {
        world.write_misdeeds(quick(), round);
        run_all(&service);
        check_failures(quick(), &rows(&service, FAILURES));
    }
    assert_at_rest_again(&service, &holds);
    wait_until("no process is left", || world.processes() == [service.id()]);
    assert_eq!(service.get("/api/health").status, 200);
    world.write("zoo/good.jsonl", "{\"zoo\":\"nothing\"}\n");
    run_all(&service);
    let good = "SELECT count(*) FROM zoo_rows WHERE session_file = 'zoo/good.jsonl'";
    assert_eq!(value(&service, good), json!(1));
    assert_eq!(service.stop().0, Some(0));
}

#[test]
fn twenty_rounds_leave_the_service_healthy() {
    assert_healthy_after(20);
}

#[test]
#[ignore = "takes minutes"]
fn two_hundred_rounds_leave_the_service_healthy() {
    assert_healthy_after(200);
}

/// A service in which one attempt of the probe is under way in a worker.
fn with_an_attempt_under_way(world: &World) -> (Service, Held) {
    world.install("probe");
    world.config("[isolation]\ndefault = \"process\"\n[schedule]\nprobe = \"every 1h\"\n");
    let held = Held::write(world, "alice/held.jsonl");
    let service = world.serve(&[
        session_host_tests::AT_ONCE,
        ("SESSION_HOST_API_TOKEN", "a-token-that-no-plugin-may-see-0123456789"),
    ]);
    held.starts();
    (service, held)
}

#[test]
fn no_worker_knows_the_token() {
    let world = World::new();
    let (service, held) = with_an_attempt_under_way(&world);
    let workers = children_of(service.id());
    assert!(!workers.is_empty());
    for worker in workers {
        let variables = variables_of(worker);
        assert!(
            variables
                .iter()
                .any(|variable| variable.starts_with("SESSION_HOST_DATA="))
        );
        let told = variables.iter().find(|variable| variable.contains("API_TOKEN"));
        assert_eq!(told, None);
    }
    held.let_go();
}

#[test]
fn a_service_that_is_killed_leaves_no_worker() {
    let world = World::new();
    let (service, _held) = with_an_attempt_under_way(&world);
    assert!(world.processes().len() > 1);
    service.signal(libc::SIGKILL);
    drop(service.ends());
    wait_until("its workers have ended", || world.processes().is_empty());
}

#[test]
fn a_worker_that_ends_between_two_attempts_costs_neither() {
    let world = World::new();
    world.install("zoo");
    world.config("[isolation]\ndefault = \"process\"\nworker_idle_seconds = 3600\n");
    let aborts = world.path("aborts");
    let first = json!({"zoo": "leave_thread_that_aborts", "path": aborts});
    world.write("a/1.jsonl", first.to_string());
    let service = world.serve(&[]);
    assert_eq!(service.run("zoo").is(200).json()["details"]["processed"], 1);
    let workers = || world.processes().len() - 1;
    assert!(workers() > 0);
    fs::write(&aborts, "").unwrap();
    wait_until("the worker has ended", || workers() == 0);
    world.write("a/2.jsonl", "{\"zoo\":\"nothing\"}\n");
    let details = service.run("zoo").is(200).json()["details"].clone();
    assert_eq!(
        (&details["processed"], &details["errors"]),
        (&json!(1), &json!(0)),
        "{details}"
    );
}

#[test]
fn a_worker_that_ends_before_it_begins_its_attempt_costs_it_nothing() {
    let world = World::new();
    world.install("zoo");
    world.config("[isolation]\ndefault = \"process\"\nworker_idle_seconds = 3600\n");
    world.write("a/1.jsonl", "{\"zoo\":\"nothing\"}\n");
    let service = world.serve(&[]);
    assert_eq!(service.run("zoo").is(200).json()["details"]["processed"], 1);
    let idle = children_of(service.id());
    for worker in &idle {
        send(*worker, libc::SIGSTOP);
    }
    world.write("a/2.jsonl", "{\"zoo\":\"nothing\"}\n");
    thread::scope(|scope| {
        let running = scope.spawn(|| service.run("zoo").is(200).json()["details"].clone());
        wait_until("the attempt waits for its worker", || {
            let threads = Holdings::of(service.id()).threads;
            threads.iter().any(|name| name.starts_with("zoo"))
        });
        for worker in &idle {
            send(*worker, libc::SIGKILL);
        }
        let details = running.join().unwrap();
        assert_eq!(
            (&details["processed"], &details["errors"]),
            (&json!(1), &json!(0)),
            "{details}"
        );
    });
    let log = service.log();
    assert!(
        log.contains("between two attempts, SIGKILL ended the worker process"),
        "{log}"
    );
}

#[test]
fn a_plugin_that_hangs_while_it_is_loaded_delays_neither_start_nor_reload() {
    for place in ["library", "configuration"] {
        let mut world = World::new();
        world.install("probe");
        world.install("zoo");
        world.config("[isolation]\ndefault = \"process\"\nload_timeout_seconds = 6\n");
        world.set_variable("ZOO", &format!("{place}:hang"));
        let service = world.serve(&[]);
        drop(service.post("/api/admin/reload-plugins").is(200));
        let answer = service.get("/api/admin/processors").is(200).json();
        let files = answer["processors"].as_array().unwrap();
        let zoo = files
            .iter()
            .find(|file| file["file"].as_str().unwrap().ends_with(&library_name("zoo")));
        let zoo = zoo.unwrap();
        assert_eq!(zoo["status"], "rejected", "{zoo}");
        let reason = zoo["reason"].as_str().unwrap();
        assert!(reason.contains("did not return within 6 s"), "{reason}");
        assert_eq!(listed(&service, "probe", "loaded")["status"], "loaded");
        wait_until("its workers have ended", || children_of(service.id()).len() <= 1);
        assert_eq!(service.stop().0, Some(0));
        wait_until("no process is left", || world.processes().is_empty());
    }
}
