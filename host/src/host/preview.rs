//! What runs would attempt, told without making them.

use std::sync::Arc;

use super::Host;
use crate::{
    clock,
    plugins::Processor,
    runner::{Preview, ProcessorPreview, Retries, RunError},
};

impl Host {
    /// What a run of each of these processors would attempt now.
    ///
    /// # Errors
    /// When the sessions directory or the state cannot be read.
    pub fn preview(&self, processors: &[Arc<Processor>]) -> Result<Vec<ProcessorPreview>, RunError> {
        let transcripts = self.scanner.scan()?.transcripts;
        let previews = processors.iter().map(|processor| {
            let name = processor.name();
            let (states, failing) = (self.state.sessions(name)?, self.state.failing(name)?);
            let retries = Retries {
                failing: &failing,
                policy: &self.settings.limits.retry,
                plugin: Some(processor.version()),
                now: clock::now(),
            };
            let output_version = processor.descriptor().version_of_output();
            Ok(ProcessorPreview {
                processor: name.to_string(),
                candidates: Preview::of(&transcripts, &states, &retries, output_version),
            })
        });
        previews.collect()
    }
}
