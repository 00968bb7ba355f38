//! PROVISIONAL
use session_plugin_api::Timestamp;
/// PROVISIONAL
#[derive(Debug, Default)]
pub struct HealthBoard;
impl HealthBoard {
    /// PROVISIONAL
    #[must_use]
    pub fn read(&self, _now: Timestamp) -> serde_json::Value { serde_json::json!({"status": "ok"}) }
}
