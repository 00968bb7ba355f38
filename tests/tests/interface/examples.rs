//! The examples of the manual that stand between the marks are run as they stand there.

use std::{fs, path::Path, process::Command};

use session_host_tests::{Ran, World};

use crate::service::{Service, TOKEN, world};

const BEGIN: &str = "<!-- tested examples -->";
const END: &str = "<!-- end of tested examples -->";

/// The examples of a page: the blocks of shell between the marks.
fn examples(page: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = fs::read_to_string(path).unwrap();
    let marked = text
        .split(BEGIN)
        .skip(1)
        .map(|rest| rest.split_once(END).expect("the end is marked").0);
    let blocks = marked.flat_map(|part| part.split("```sh\n").skip(1));
    blocks
        .map(|rest| rest.split_once("```").expect("the block ends").0.to_owned())
        .collect()
}

/// Runs an example by the shell, from the world's folder, with a configuration of the example's own.
fn run(world: &World, example: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new("sh");
    command.args(["-euc", example]).current_dir(world.path(""));
    command.envs(variables.iter().copied());
    Ran::of(command.output().unwrap())
}

#[test]
fn every_example_of_the_http_interface_does_what_it_should() {
    let examples = examples("http.md");
    assert!(examples.len() > 5, "the marks are gone");
    let service = Service::start_in(world());
    service.wait_for_health();
    let url = format!("http://{}", service.address);
    for example in examples {
        assert_eq!(
            example.matches("curl -f").count(),
            example.matches("curl ").count(),
            "without -f, curl ends well after a refusal: {example}"
        );
        let ran = run(
            &service.world,
            &example,
            &[("SESSION_HOST_URL", &url), ("SESSION_HOST_API_TOKEN", TOKEN)],
        );
        assert_eq!(ran.status, 0, "{example}\n{}\n{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.is_empty(), "{example}");
    }
}
