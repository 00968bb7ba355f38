//! One call of a tool.

use crate::json::{object, text};
use crate::prose;
use crate::random::Random;

const TOOLS: &[(u64, &str)] = &[
    (400, "Bash"),
    (235, "Read"),
    (180, "Edit"),
    (50, "Glob"),
    (45, "Grep"),
    (40, "Write"),
    (12, "WebFetch"),
    (10, "Task"),
    (8, "Skill"),
    (12, "mcp__tracker__search_issues"),
    (8, "mcp__browser__take_screenshot"),
];
const AGENTS: &[&str] = &["Explore", "Plan", "general-purpose", "reviewer:security"];
const SKILLS: &[&str] = &["pdf", "tracker:triage", "writing:release-notes", "elixir:docs-search"];

/// One use of a tool.
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) input: String,
}

impl Call {
    pub(crate) fn draw(random: &mut Random, directory: &str) -> Self {
        let tool = random.weighted(TOOLS);
        let path = prose::path(random, directory);
        let input = match tool {
            "Edit" | "Write" => {
                let length = random.skewed(80, 4_000);
                let (old, new) = (prose::code(random, length / 2), prose::code(random, length));
                object(&[
                    ("file_path", text(&path)),
                    ("old_string", text(&old)),
                    ("new_string", text(&new)),
                ])
            }
            "Read" => object(&[("file_path", text(&path))]),
            "Task" => {
                let prompt = prose::sentences(random, 600);
                object(&[
                    ("subagent_type", text(random.one_of(AGENTS))),
                    ("prompt", text(&prompt)),
                ])
            }
            "Skill" => object(&[("skill", text(random.one_of(SKILLS)))]),
            _ => {
                let command = format!("cd {directory} && grep -rn \"{}\" src", prose::sentences(random, 24));
                let description = prose::sentences(random, 30);
                object(&[("command", text(&command)), ("description", text(&description))])
            }
        };
        Self {
            tool,
            id: random.identifier("toolu_01", 22),
            path,
            input,
        }
    }

    pub(crate) fn block(&self) -> String {
        object(&[
            ("type", text("tool_use")),
            ("id", text(&self.id)),
            ("name", text(self.tool)),
            ("input", self.input.clone()),
        ])
    }
}
