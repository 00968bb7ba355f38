//! What a page consists of, before it is put into the frame that all pages have.

use maud::Markup;

use super::addresses;

/// The contents of a page.
#[derive(Debug)]
pub(super) struct Content {
    /// The title.
    pub(super) title: String,
    /// The section that it belongs to.
    pub(super) section: Section,
    /// What it shows.
    pub(super) body: Markup,
    /// The scripts that it needs beside those of every page.
    pub(super) scripts: Scripts,
}

/// The sections of the page, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// What everybody looks at first.
    Overview,
    /// The plugins and their processors.
    Processors,
    /// The questions that plugins answer.
    Reports,
    /// The texts of transcripts.
    Search,
    /// The sessions.
    Sessions,
    /// What fails.
    Failures,
    /// The machines that share the state.
    Cluster,
    /// Who did what.
    Audit,
    /// The console.
    Query,
}

/// The scripts of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scripts {
    /// Those of every page.
    Usual,
    /// Those that draw charts too.
    Charts,
}

impl Section {
    /// All sections.
    pub(super) const ALL: &[Self] = &[
        Self::Overview,
        Self::Processors,
        Self::Reports,
        Self::Search,
        Self::Sessions,
        Self::Failures,
        Self::Cluster,
        Self::Audit,
        Self::Query,
    ];

    /// Whether it is for admins alone.
    pub(super) fn is_for_admins(self) -> bool {
        matches!(self, Self::Audit | Self::Query)
    }

    /// Whether it says nothing of a state in a file.
    pub(super) fn is_of_shared_states(self) -> bool {
        self == Self::Cluster
    }

    /// The name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Processors => "Processors",
            Self::Reports => "Reports",
            Self::Search => "Search",
            Self::Sessions => "Sessions",
            Self::Failures => "Failures",
            Self::Cluster => "Machines",
            Self::Audit => "Audit",
            Self::Query => "Query",
        }
    }

    /// The address.
    pub(super) fn address(self) -> &'static str {
        match self {
            Self::Overview => addresses::OVERVIEW,
            Self::Processors => addresses::PROCESSORS,
            Self::Reports => addresses::REPORTS,
            Self::Search => addresses::SEARCH,
            Self::Sessions => addresses::SESSIONS,
            Self::Failures => addresses::FAILURES,
            Self::Cluster => addresses::CLUSTER,
            Self::Audit => addresses::AUDIT,
            Self::Query => addresses::QUERY,
        }
    }
}
