//! Many small transcripts, as one of a prompt and a response.

use std::fs;
use std::path::Path;

use anyhow::Result;
use jiff::{Timestamp, ToSpan};

const SESSIONS_A_USER: u32 = 1_000;
const PROJECTS: u32 = 40;
/// The file that says that a folder is complete, and of what.
const COMPLETE: &str = "complete";

/// Which transcripts a folder holds.
pub(crate) struct SessionFiles {
    sessions: u32,
    /// When the last of them began.
    last: Timestamp,
    /// How many days lie between the first and the last one.
    days: u32,
}

impl SessionFiles {
    /// Sessions of one moment.
    pub(crate) fn of_a_moment(sessions: u32) -> Self {
        Self {
            sessions,
            last: Timestamp::UNIX_EPOCH + (20_514_i64 * 24).hours(),
            days: 0,
        }
    }

    /// Sessions of the last `days`, up to the beginning of today.
    pub(crate) fn of_the_last_days(sessions: u32, days: u32) -> Self {
        let today = Timestamp::now().as_second() / 86_400;
        Self {
            sessions,
            last: Timestamp::UNIX_EPOCH + (today * 24).hours(),
            days,
        }
    }

    /// Writes them, unless an earlier measurement has.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let (complete, of) = (folder.join(COMPLETE), format!("{} {}", self.last, self.days));
        if fs::read_to_string(&complete).is_ok_and(|found| found == of) {
            return Ok(());
        }
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        for number in 0..self.sessions {
            let user = folder.join(format!("user-{}", number / SESSIONS_A_USER));
            if number % SESSIONS_A_USER == 0 {
                fs::create_dir_all(&user)?;
            }
            fs::write(user.join(format!("{number}.jsonl")), self.transcript(number))?;
        }
        Ok(fs::write(complete, of)?)
    }

    /// When a session began: those of each user are spread over all days.
    fn time(&self, number: u32) -> Timestamp {
        let seconds = i64::from(self.days) * 86_400;
        let share = i64::from(number % SESSIONS_A_USER);
        self.last - (seconds * share / i64::from(SESSIONS_A_USER)).seconds()
    }

    /// A prompt and a response of a few words.
    fn transcript(&self, number: u32) -> String {
        let project = number % PROJECTS;
        let head = format!(r#""sessionId":"s{number}","cwd":"/home/alice/shop-{project}","version":"2.1.0""#);
        let time = format!("{:.3}", self.time(number));
        let prompt = format!(
            r#"{{"type":"user","uuid":"u{number}",{head},"timestamp":"{time}","message":{{"role":"user","content":"Please add a test."}}}}"#
        );
        let usage = r#"{"input_tokens":12,"output_tokens":340,"cache_read_input_tokens":5600}"#;
        let response = format!(
            r#"{{"type":"assistant","uuid":"a{number}","parentUuid":"u{number}",{head},"timestamp":"{time}","requestId":"r{number}","message":{{"id":"m{number}","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{{"type":"text","text":"The test is there, and it passes."}}],"usage":{usage}}}}}"#
        );
        format!("{prompt}\n{response}\n")
    }
}
