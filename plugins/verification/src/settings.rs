//! The processor's section of the configuration.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use secret_detector::Settings as SecretsSettings;
use serde::Deserialize;
use session_plugin_api::{Error, Result};

use crate::{
    knowledge::Thresholds,
    model::{ApiKey, BaseUrl, Format, HttpExchange, KeySource, Model, Refusals, RunBudget, RunLimits, SystemClock},
};

/// The operator's settings.
///
/// ```toml
/// format = "anthropic"
/// model = "claude-haiku-4-5"
/// api_key_file = "/run/secrets/anthropic"
/// ```
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The format of requests to the model.
    format: Format,
    /// The model's name.
    model: Option<String>,
    /// The address of the server, if it is not the format's own provider.
    base_url: Option<String>,
    /// The environment variable that holds the key.
    api_key_env: Option<String>,
    /// The file that holds the key.
    api_key_file: Option<PathBuf>,
    /// The maximum time for the model per session.
    session_budget_seconds: u64,
    /// The maximum time for one request.
    request_timeout_seconds: u64,
    /// The maximum number of attempts per request.
    max_attempts: u32,
    /// The maximum number of requests per run.
    max_requests_per_run: u64,
    /// The maximum number of tokens per run.
    max_tokens_per_run: u64,
    /// The maximum size of an answer in bytes.
    max_response_bytes: u64,
    /// The maximum number of tokens of an answer.
    max_output_tokens: u32,
    /// From this similarity on, two texts are one item.
    paraphrase_similarity: f64,
    /// From this similarity on, two texts with shared entities are one item.
    moderate_similarity: f64,
    /// The number of shared entities that this needs.
    min_shared_entities: usize,
    /// The rules that remove secrets from sent and stored text.
    secrets: SecretsSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            format: Format::default(),
            model: None,
            base_url: None,
            api_key_env: None,
            api_key_file: None,
            session_budget_seconds: 120,
            request_timeout_seconds: 90,
            max_attempts: 3,
            max_requests_per_run: 500,
            max_tokens_per_run: 2_000_000,
            max_response_bytes: 1 << 20,
            max_output_tokens: 8_192,
            paraphrase_similarity: 0.82,
            moderate_similarity: 0.60,
            min_shared_entities: 2,
            secrets: SecretsSettings::default(),
        }
    }
}

impl Settings {
    /// The rules that remove secrets from sent and stored text.
    pub(crate) fn secrets(&self) -> &SecretsSettings {
        &self.secrets
    }

    /// The thresholds for treating two items as one.
    ///
    /// # Errors
    /// Names the invalid setting.
    pub(crate) fn thresholds(&self) -> Result<Thresholds> {
        for (name, value) in [
            ("paraphrase_similarity", self.paraphrase_similarity),
            ("moderate_similarity", self.moderate_similarity),
        ] {
            if !(value > 0.0 && value <= 1.0) {
                return Err(Error::new(format!(
                    "{name} is {value}; set it to more than 0 and at most 1"
                )));
            }
        }
        if self.moderate_similarity > self.paraphrase_similarity {
            return Err(Error::new(
                "moderate_similarity is greater than paraphrase_similarity; lower it",
            ));
        }
        Ok(Thresholds {
            paraphrase: self.paraphrase_similarity,
            moderate: self.moderate_similarity,
            shared_entities: positive("min_shared_entities", self.min_shared_entities)?,
        })
    }

    /// The configured model.
    ///
    /// # Errors
    /// Says what is missing, and what to set.
    pub(crate) fn model(self) -> Result<Model> {
        self.model_with(|name| env::var(name).ok())
    }

    fn model_with(self, variable: impl Fn(&str) -> Option<String>) -> Result<Model> {
        let name = self.model.clone().filter(|name| !name.trim().is_empty());
        let name = name.ok_or_else(|| {
            Error::new(
                "no model is configured; set `model`, and `format` (\"anthropic\" or \"openai\"), under \
                 [processors.verification]",
            )
        })?;
        let seconds = |name, seconds| positive(name, seconds).map(Duration::from_secs);
        let run_limits = RunLimits {
            requests: positive("max_requests_per_run", self.max_requests_per_run)?,
            tokens: positive("max_tokens_per_run", self.max_tokens_per_run)?,
        };
        let max_response_bytes = positive("max_response_bytes", self.max_response_bytes)?;
        let max_output_tokens = positive("max_output_tokens", self.max_output_tokens)?;
        let max_attempts = positive("max_attempts", self.max_attempts)?;
        let request_timeout = seconds("request_timeout_seconds", self.request_timeout_seconds)?;
        let session_budget = seconds("session_budget_seconds", self.session_budget_seconds)?;
        let (base_url, key) = self.access(variable)?;
        Ok(Model {
            format: self.format,
            name,
            exchange: Box::new(HttpExchange::new(&base_url, max_response_bytes)),
            base_url,
            key,
            max_output_tokens,
            max_response_bytes,
            max_attempts,
            request_timeout,
            session_budget,
            run_budget: RunBudget::new(run_limits),
            refusals: Refusals::default(),
            clock: Arc::new(SystemClock::default()),
        })
    }

    /// The address of the model and its key. The usual variable applies only to the usual provider.
    fn access(&self, variable: impl Fn(&str) -> Option<String>) -> Result<(BaseUrl, Option<ApiKey>)> {
        let base_url = BaseUrl::parse(self.base_url.as_deref().unwrap_or(self.format.usual_base_url()))?;
        let usual = self.base_url.is_none().then(|| self.format.usual_variable());
        let source = KeySource::choose(self.api_key_env.clone(), self.api_key_file.clone(), usual)?;
        let key = source.read(variable)?;
        if key.is_none() && !self.format.can_do_without_key() {
            return Err(Error::new(format!(
                "there is no key for {}; set api_key_env or api_key_file",
                base_url.host()
            )));
        }
        if key.is_some() && !base_url.keeps_secrets() {
            return Err(Error::new(format!(
                "the key would go to {} unencrypted; set base_url to an https address",
                base_url.host()
            )));
        }
        Ok((base_url, key))
    }
}

fn positive<N: Default + PartialEq>(name: &str, value: N) -> Result<N> {
    match value == N::default() {
        true => Err(Error::new(format!("{name} is 0; set it to 1 or more"))),
        false => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use session_plugin_api::Configuration;

    use super::*;

    fn model(settings: &Value) -> Result<Model> {
        let settings: Settings = Configuration::from_json(settings.to_string()).parse()?;
        settings.thresholds()?;
        settings.model_with(|name| name.ends_with("_KEY").then(|| format!("hunter2-{name}")))
    }

    fn reason(settings: &Value) -> String {
        model(settings).map(|_| ()).unwrap_err().to_string()
    }

    #[test]
    fn without_a_model_it_is_told_what_to_set() {
        for settings in [json!({}), json!({"model": " "}), json!({"format": "openai"})] {
            let reason = reason(&settings);
            assert!(
                reason.contains("`model`") && reason.contains("[processors.verification]"),
                "{reason}"
            );
        }
    }

    #[test]
    fn the_usual_key_is_for_the_usual_provider_alone() {
        let key = |settings: Value| format!("{:?}", model(&settings).unwrap().key.map(|_| ()));
        assert_eq!(key(json!({"model": "m"})), "Some(())");
        assert_eq!(key(json!({"model": "m", "format": "openai"})), "Some(())");
        let local = json!({"model": "m", "format": "openai", "base_url": "http://127.0.0.1:8080/v1"});
        assert_eq!(key(local), "None");
        let reason = reason(&json!({"model": "m", "base_url": "http://127.0.0.1:8080"}));
        assert_eq!(
            reason,
            "there is no key for 127.0.0.1:8080; set api_key_env or api_key_file"
        );
    }

    #[test]
    fn a_missing_key_names_the_variable() {
        let settings: Settings = Configuration::from_json(r#"{"model":"m"}"#).parse().unwrap();
        let reason = settings.model_with(|_| None).map(|_| ()).unwrap_err().to_string();
        assert!(reason.contains("ANTHROPIC_API_KEY"), "{reason}");
    }

    #[test]
    fn a_key_is_not_sent_unencrypted() {
        let settings = json!({"model": "m", "base_url": "http://models.internal", "api_key_env": "MY_KEY"});
        let reason = reason(&settings);
        assert!(
            reason.contains("models.internal") && reason.contains("https"),
            "{reason}"
        );
        let without = json!({"model": "m", "format": "openai", "base_url": "http://models.internal/v1"});
        assert!(model(&without).is_ok());
    }

    #[test]
    fn invalid_settings_are_named() {
        for (name, value) in [
            ("api_key", json!("hunter2")),
            ("format", json!("smalltalk")),
            ("session_budget_seconds", json!(0)),
            ("request_timeout_seconds", json!(0)),
            ("max_attempts", json!(0)),
            ("max_requests_per_run", json!(0)),
            ("max_tokens_per_run", json!(0)),
            ("max_response_bytes", json!(0)),
            ("max_output_tokens", json!(0)),
            ("min_shared_entities", json!(0)),
            ("moderate_similarity", json!(0.9)),
            ("paraphrase_similarity", json!(1.1)),
        ] {
            let mut settings = json!({"model": "m"});
            settings[name] = value;
            let reason = reason(&settings);
            assert!(
                reason.contains(name) || name == "format" && reason.contains("smalltalk"),
                "{name}: {reason}"
            );
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }
}
