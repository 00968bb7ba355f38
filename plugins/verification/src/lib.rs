//! The processor `verification`: collects facts that people corrected, confirmed or volunteered in sessions, with
//! evidence.

mod conversation;
mod extraction;
mod judgement;
mod knowledge;
mod model;
mod reports;
mod rows;
mod schema;
mod session_verification;
mod settings;

use secret_detector::RulesInUse;
use session_plugin_api::prelude::*;

use crate::{
    knowledge::Thresholds,
    model::Model,
    schema::{VERIFICATION_EVIDENCE, VERIFICATION_SESSION},
    session_verification::SessionVerification,
    settings::Settings,
};

/// Raised when the same transcript and the same answers give other rows than before.
///
/// It is recorded, but it is not the descriptor's `output_version`. Otherwise each release would ask the model again
/// about every session, including sessions taken over from an earlier service, and cause unnecessary cost.
const PROCESSOR_VERSION: u32 = 2;

/// The processor `verification`.
#[derive(Debug, Default)]
struct VerificationProcessor {
    configured: Option<Configured>,
    secrets: RulesInUse,
}

/// A configured processor's model and thresholds.
#[derive(Debug)]
struct Configured {
    model: Model,
    thresholds: Thresholds,
}

impl SessionProcessor for VerificationProcessor {
    fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new("verification")
            .cadence_minutes(15)
            .serial()
            .session_table(VERIFICATION_SESSION)
            .session_table(VERIFICATION_EVIDENCE);
        reports::declare(descriptor)
    }

    fn migrations(&self) -> Vec<Migration> {
        schema::migrations()
    }

    fn configure(&mut self, configuration: &Configuration) -> Result<()> {
        let settings: Settings = configuration.parse()?;
        self.secrets =
            RulesInUse::of(settings.secrets()).map_err(|error| Error::from(error).context("cannot use `secrets`"))?;
        self.configured = Some(Configured {
            thresholds: settings.thresholds()?,
            model: settings.model()?,
        });
        Ok(())
    }

    fn process_session(&self, session: &Session<'_>, connection: &Connection<'_>) -> Result<ProcessorResult> {
        let configured = self.configured.as_ref();
        let Configured { model, thresholds } =
            configured.ok_or_else(|| Error::new("the processor is not configured"))?;
        let items = SessionVerification::new(session, model, thresholds, self.secrets.get()?).process(connection)?;
        Ok(ProcessorResult { items_count: items })
    }
}

export_processor!(VerificationProcessor);
