//! PROVISIONAL
use std::time::Duration;
/// PROVISIONAL
pub const CONTENT_TYPE: &str = "text/plain";
/// PROVISIONAL
#[derive(Clone, Debug, Default)]
pub struct Metrics;
impl Metrics {
    /// PROVISIONAL
    #[must_use]
    pub fn encode(&self) -> String { String::new() }
    /// PROVISIONAL
    pub fn observe_request(&self, _route: &'static str, _method: &str, _status: u16, _duration: Duration) {}
}
