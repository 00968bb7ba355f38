//! The rows of the two session tables, with the columns that `schema/0001.sql` declares.

use session_plugin_api::{Timestamp, row};

row! {
    /// The row of `verification_session`.
    #[derive(Clone, Debug)]
    pub(crate) struct SessionRow<'a> {
        pub(crate) username: &'a str,
        pub(crate) turns: i64,
        pub(crate) turns_sent: i64,
        pub(crate) model: Option<&'a str>,
        pub(crate) requests: i64,
        pub(crate) input_tokens: i64,
        pub(crate) output_tokens: i64,
        pub(crate) verifications: i64,
        pub(crate) quotes_dropped: i64,
        pub(crate) items_new: i64,
        pub(crate) items_merged: i64,
        pub(crate) evidence_lost: i64,
        pub(crate) contradictions: i64,
        pub(crate) judgements_failed: i64,
        pub(crate) processor_version: u32,
    }
}

row! {
    /// A row of `verification_evidence`.
    #[derive(Clone, Debug)]
    pub(crate) struct EvidenceRow<'a> {
        pub(crate) id: &'a str,
        pub(crate) item_id: &'a str,
        pub(crate) source_user: &'a str,
        pub(crate) source_ref: &'a str,
        pub(crate) detection_type: &'static str,
        pub(crate) user_quote: &'a str,
        pub(crate) created_at: Timestamp,
    }
}
