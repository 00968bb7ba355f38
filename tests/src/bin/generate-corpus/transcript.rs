//! One transcript: prompts, responses, tool calls with their progress and results, in the proportions of real ones.

use jiff::{SignedDuration, Timestamp};

use crate::call::Call;
use crate::json::{list, object, text};
use crate::plan::Session;
use crate::prose;
use crate::random::Random;
use crate::response::Response;

/// 2026-01-05T08:00:00Z; every session begins within the eight weeks that follow.
const EPOCH_MILLISECONDS: i64 = 1_767_600_000_000;
const EIGHT_WEEKS_MILLISECONDS: u64 = 8 * 7 * 24 * 3600 * 1000;

const MODELS: &[(u64, &str)] = &[
    (60, "claude-opus-4-6"),
    (30, "claude-sonnet-4-5-20250929"),
    (10, "claude-haiku-4-5-20251001"),
];

const COMMANDS: &[&str] = &[
    "compact",
    "model",
    "mcp",
    "review",
    "tracker:triage",
    "writing:release-notes",
];

/// The text of `session`: whole lines, as near to its size as they allow. As in real life, it may stop amid a response.
pub(crate) fn generate(seed: u64, session: &Session) -> String {
    let mut transcript = Transcript::new(seed, session);
    while !transcript.is_full() {
        transcript.turn();
    }
    let mut lines = transcript.lines;
    lines.truncate(nearest_line_end(lines.as_bytes(), session.bytes as usize));
    lines
}

fn nearest_line_end(lines: &[u8], wanted: usize) -> usize {
    let before = memchr::memrchr(b'\n', &lines[..wanted]).map(|position| position + 1);
    let after = memchr::memchr(b'\n', &lines[wanted..]).map_or(lines.len(), |position| wanted + position + 1);
    before
        .filter(|before| wanted - before < after - wanted)
        .unwrap_or(after)
}

struct Transcript {
    random: Random,
    clock: Timestamp,
    session_id: String,
    directory: String,
    model: &'static str,
    parent: Option<String>,
    wanted_bytes: u64,
    /// What the context holds, which every response reads from the cache and adds to.
    context_tokens: u64,
    lines: String,
}

impl Transcript {
    fn new(seed: u64, session: &Session) -> Self {
        let mut random = Random::for_part(seed, session.index);
        let begin = EPOCH_MILLISECONDS + random.below(EIGHT_WEEKS_MILLISECONDS) as i64;
        Self {
            clock: Timestamp::from_millisecond(begin).unwrap_or_default(),
            session_id: session.id.clone(),
            directory: format!(
                "/home/{}/projects/{}",
                session.user,
                random.one_of(&["website", "billing", "search"])
            ),
            model: random.weighted(MODELS),
            parent: None,
            wanted_bytes: session.bytes,
            context_tokens: random.between(15_000, 25_000),
            lines: String::with_capacity(session.bytes as usize + 65_536),
            random,
        }
    }

    fn is_full(&self) -> bool {
        self.lines.len() as u64 >= self.wanted_bytes
    }

    /// What a person asks, and the responses until the next question.
    fn turn(&mut self) {
        let pause = self.random.skewed(2_000, 3_000_000);
        self.wait(pause);
        self.snapshot();
        if self.random.per_mille(150) {
            self.queued_prompt();
        }
        self.prompt();
        for _ in 0..self.random.between(2, 20) {
            if self.is_full() {
                return;
            }
            self.response();
        }
        if self.random.per_mille(150) {
            self.compaction();
        }
    }

    fn prompt(&mut self) {
        let content = if self.random.per_mille(80) {
            let name = self.random.one_of(COMMANDS);
            format!("<command-name>/{name}</command-name>\n            <command-message>{name}</command-message>")
        } else {
            let length = self.random.skewed(20, 4_000);
            prose::sentences(&mut self.random, length)
        };
        let message = object(&[("role", text("user")), ("content", text(&content))]);
        self.event("user", &[("message", message)]);
    }

    /// One response of the model, on a line for each of its blocks, and then what its tools did.
    fn response(&mut self) {
        let response = Response::draw(&mut self.random, self.model, &mut self.context_tokens);
        if self.random.per_mille(80) {
            let length = self.random.skewed(150, 6_000);
            let thinking = prose::sentences(&mut self.random, length);
            let signature = self.random.base64(320);
            let block = [
                ("type", text("thinking")),
                ("thinking", text(&thinking)),
                ("signature", text(&signature)),
            ];
            self.block(&response, object(&block));
        }
        if self.random.per_mille(600) {
            let length = self.random.skewed(40, 3_000);
            let said = prose::sentences(&mut self.random, length);
            self.block(&response, object(&[("type", text("text")), ("text", text(&said))]));
        }
        let calls = self.random.weighted(&[(860, 1), (100, 2), (40, 3)]);
        let calls: Vec<Call> = (0..calls)
            .map(|_| Call::draw(&mut self.random, &self.directory))
            .collect();
        for call in &calls {
            self.block(&response, call.block());
        }
        for call in &calls {
            self.run(call);
        }
    }

    fn block(&mut self, response: &Response, block: String) {
        self.wait(1_200);
        let fields = [
            ("message", response.message(block)),
            ("requestId", text(&response.request_id)),
        ];
        self.event("assistant", &fields);
    }

    /// The hooks around a call, its progress, and its result.
    fn run(&mut self, call: &Call) {
        for _ in 0..self.random.between(1, 4) {
            self.hook("PreToolUse", call);
        }
        match call.tool {
            "Bash" if self.random.per_mille(250) => self.command_progress(call),
            "Task" => self.agent_progress(call),
            _ => {}
        }
        for _ in 0..self.random.between(1, 4) {
            self.hook("PostToolUse", call);
        }
        self.result(call);
    }

    fn hook(&mut self, event: &str, call: &Call) {
        self.wait(15);
        let data = object(&[
            ("type", text("hook_progress")),
            ("hookEvent", text(event)),
            ("hookName", text(&format!("{event}:{}", call.tool))),
            ("command", text("cd ${CLAUDE_PLUGIN_ROOT}/hooks && ./guard.sh --quiet")),
        ]);
        self.progress(call, data);
    }

    fn command_progress(&mut self, call: &Call) {
        for seconds in 1..=self.random.skewed(1, 32) {
            self.wait(1_000);
            let length = self.random.skewed(16, 4_000);
            let output = text(&prose::output(&mut self.random, length));
            let data = object(&[
                ("type", text("bash_progress")),
                ("output", output.clone()),
                ("fullOutput", output),
                ("elapsedTimeSeconds", seconds.to_string()),
                ("totalLines", (seconds * 3).to_string()),
            ]);
            self.progress(call, data);
        }
    }

    /// What a subagent does also passes through its parent's transcript, usage included; it is no event of the parent.
    fn agent_progress(&mut self, call: &Call) {
        let prompt = prose::sentences(&mut self.random, 600);
        let mut context_tokens = 9_000;
        for _ in 0..self.random.between(5, 40) {
            self.wait(3_000);
            let response = Response::draw(&mut self.random, "claude-sonnet-4-5-20250929", &mut context_tokens);
            let inner = Call::draw(&mut self.random, &self.directory);
            let message = object(&[
                ("type", text("assistant")),
                ("message", response.message(inner.block())),
                ("requestId", text(&response.request_id)),
            ]);
            let data = object(&[
                ("message", message),
                ("normalizedMessages", list(&[])),
                ("type", text("agent_progress")),
                ("prompt", text(&prompt)),
            ]);
            self.progress(call, data);
        }
    }

    fn progress(&mut self, call: &Call, data: String) {
        self.event(
            "progress",
            &[
                ("data", data),
                ("toolUseID", text(&call.id)),
                ("parentToolUseID", text(&call.id)),
            ],
        );
    }

    fn result(&mut self, call: &Call) {
        self.wait(40);
        let (content, detail) = self.outcome(call);
        let failed = self.random.per_mille(50);
        let mut block = vec![
            ("tool_use_id", text(&call.id)),
            ("type", text("tool_result")),
            ("content", content),
        ];
        if failed || call.tool == "Bash" {
            block.push(("is_error", failed.to_string()));
        }
        let message = object(&[("role", text("user")), ("content", list(&[object(&block)]))]);
        self.event("user", &[("message", message), ("toolUseResult", detail)]);
    }

    /// What a tool gave: the content that the model sees, and the tool's own record, which says the same again at length.
    fn outcome(&mut self, call: &Call) -> (String, String) {
        let file = || ("filePath", text(&call.path));
        match call.tool {
            "Read" if self.random.per_mille(30) => self.picture(),
            "mcp__browser__take_screenshot" => self.picture(),
            "Read" => {
                let length = self.random.skewed(500, 60_000);
                let content = prose::code(&mut self.random, length);
                let detail = object(&[
                    ("type", text("text")),
                    ("file", object(&[file(), ("content", text(&content))])),
                ]);
                (text(&prose::numbered(&content)), detail)
            }
            "Edit" | "Write" => {
                let length = self.random.skewed(1_000, 100_000);
                let original = prose::code(&mut self.random, length);
                let said = format!("The file {} has been updated successfully.", call.path);
                let fields = [
                    file(),
                    ("originalFile", text(&original)),
                    ("structuredPatch", list(&[])),
                ];
                (text(&said), object(&fields))
            }
            _ => {
                let length = self.random.skewed(30, 30_000);
                let output = text(&prose::output(&mut self.random, length));
                let detail = object(&[
                    ("stdout", output.clone()),
                    ("stderr", text("")),
                    ("interrupted", "false".into()),
                ]);
                (output, detail)
            }
        }
    }

    fn picture(&mut self) -> (String, String) {
        let length = self.random.skewed(8_000, 250_000);
        let data = text(&self.random.base64(length as usize));
        let source = [
            ("type", text("base64")),
            ("data", data.clone()),
            ("media_type", text("image/png")),
        ];
        let content = list(&[object(&[("type", text("image")), ("source", object(&source))])]);
        (
            content,
            object(&[("type", text("image")), ("file", object(&[("base64", data)]))]),
        )
    }

    /// Files change between prompts; such a line has no place in the conversation, hence neither parent nor session.
    fn snapshot(&mut self) {
        let id = text(&self.random.uuid());
        let backups: Vec<_> = (0..self.random.between(0, 12))
            .map(|_| {
                let path = prose::path(&mut self.random, "");
                let backup = [
                    ("backupFileName", text(&self.random.identifier("", 16))),
                    ("version", "1".into()),
                ];
                format!("{}:{}", text(&path), object(&backup))
            })
            .collect();
        let snapshot = [
            ("messageId", id.clone()),
            ("trackedFileBackups", format!("{{{}}}", backups.join(","))),
            ("timestamp", self.timestamp()),
        ];
        self.line(&[
            ("type", text("file-history-snapshot")),
            ("messageId", id),
            ("snapshot", object(&snapshot)),
            ("isSnapshotUpdate", "false".into()),
        ]);
    }

    /// What a person typed while the model was at work; it comes again as a prompt.
    fn queued_prompt(&mut self) {
        let content = text(&prose::sentences(&mut self.random, 60));
        self.line(&[
            ("type", text("queue-operation")),
            ("operation", text("enqueue")),
            ("timestamp", self.timestamp()),
            ("sessionId", text(&self.session_id)),
            ("content", content),
        ]);
    }

    fn compaction(&mut self) {
        let metadata = object(&[
            ("trigger", text("auto")),
            ("preTokens", self.context_tokens.to_string()),
        ]);
        let content = ("content", text("Conversation compacted"));
        self.event(
            "system",
            &[
                ("subtype", text("compact_boundary")),
                content,
                ("compactMetadata", metadata),
            ],
        );
        self.context_tokens = 20_000;
    }

    /// A line of the conversation: what every such line says, and `fields` of its own.
    fn event(&mut self, kind: &str, fields: &[(&str, String)]) {
        let uuid = text(&self.random.uuid());
        let mut all = vec![
            (
                "parentUuid",
                self.parent.replace(uuid.clone()).unwrap_or_else(|| "null".into()),
            ),
            ("isSidechain", "false".into()),
            ("userType", text("external")),
            ("cwd", text(&self.directory)),
            ("sessionId", text(&self.session_id)),
            ("version", text("2.1.39")),
            ("gitBranch", text("main")),
            ("slug", text("modular-petting-thompson")),
            ("type", text(kind)),
        ];
        all.extend_from_slice(fields);
        all.push(("uuid", uuid));
        all.push(("timestamp", self.timestamp()));
        self.line(&all);
    }

    fn line(&mut self, fields: &[(&str, String)]) {
        self.lines.push_str(&object(fields));
        self.lines.push('\n');
    }

    fn timestamp(&self) -> String {
        text(&format!("{:.3}", self.clock))
    }

    /// Lets up to `milliseconds` pass.
    fn wait(&mut self, milliseconds: u64) {
        let passed = SignedDuration::from_millis(self.random.between(1, milliseconds) as i64);
        self.clock = self.clock.checked_add(passed).unwrap_or(self.clock);
    }
}
