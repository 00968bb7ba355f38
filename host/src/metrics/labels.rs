//! The labels of counters and gauges.

use hyper::Method;
use prometheus_client::encoding::EncodeLabelSet;

use crate::names::ProcessorName;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfProcessor {
    processor: String,
}

impl OfProcessor {
    pub(super) fn new(processor: &ProcessorName) -> Self {
        Self {
            processor: processor.to_string(),
        }
    }
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfRun {
    pub(super) processor: String,
    pub(super) outcome: &'static str,
    pub(super) actor: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfSession {
    pub(super) processor: String,
    pub(super) outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfStatus {
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfWarning {
    pub(super) kind: &'static str,
    /// Empty for warnings of the whole service.
    pub(super) processor: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfRoute {
    pub(super) route: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub(super) struct OfRequest {
    pub(super) route: &'static str,
    pub(super) method: &'static str,
    pub(super) status: &'static str,
}

/// The label of a method. Clients may invent methods, which share the label `other`.
pub(super) fn method(method: &Method) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"];
    known
        .into_iter()
        .find(|name| *name == method.as_str())
        .unwrap_or("other")
}

/// The class of a status.
pub(super) fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}
