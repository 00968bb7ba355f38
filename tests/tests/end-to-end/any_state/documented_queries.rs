//! The questions that the processors' pages answer, asked of the sample transcripts.

use std::fs;

use session_host_tests::{DocumentedQuery, World, repository};

/// A world in which a processor has processed the sample transcripts.
pub(crate) fn world_of_samples(processor: &str) -> World {
    let samples = repository().join("tests/transcripts");
    let mut world = World::new();
    world.install(processor);
    world.config(&fs::read_to_string(samples.join("config.toml")).unwrap());
    world.set_variable("SESSION_HOST_SESSIONS", samples.to_str().unwrap());
    world.set_variable("SESSION_HOST_RECURSIVE", "true");
    drop(world.run(&[processor]).exits(0));
    world
}

#[test]
fn give_the_answers_that_stand_below_them() {
    for processor in ["errors", "search", "secrets", "usage"] {
        let examples = DocumentedQuery::of_page(&format!("processor-{processor}.md"));
        assert!(examples.len() > 1, "{processor}: {} examples", examples.len());
        let world = world_of_samples(processor);
        for DocumentedQuery { sql, answer } in examples {
            let answered = world.host(&["query", &sql]).exits(0).stdout;
            assert_eq!(answered, answer, "{processor}: {sql}");
        }
    }
}
