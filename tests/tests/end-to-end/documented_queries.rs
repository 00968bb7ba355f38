//! The questions that the processors' pages answer, asked of the sample transcripts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use session_host_tests::World;

/// A query and the answer that stands below it.
struct Example {
    sql: String,
    answer: String,
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The queries of a page that are followed by their answers.
fn examples(page: &str) -> Vec<Example> {
    let text = fs::read_to_string(repository().join("docs").join(page)).unwrap();
    let blocks = text.split("```sql\n").skip(1).filter_map(|rest| {
        let (sql, rest) = rest.split_once("```")?;
        let (answer, _) = rest.trim_start().strip_prefix("```text\n")?.split_once("```")?;
        Some(Example {
            sql: sql.trim().to_owned(),
            answer: answer.to_owned(),
        })
    });
    blocks.collect()
}

/// A world in which a processor has processed the sample transcripts.
fn world_of_samples(processor: &str) -> World {
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
    for processor in ["errors", "usage"] {
        let examples = examples(&format!("processor-{processor}.md"));
        assert!(examples.len() > 2, "{processor}: {} examples", examples.len());
        let world = world_of_samples(processor);
        for Example { sql, answer } in examples {
            let answered = world.host(&["query", &sql]).exits(0).stdout;
            assert_eq!(answered, answer, "{processor}: {sql}");
        }
    }
}
