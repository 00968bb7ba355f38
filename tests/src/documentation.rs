//! The manual, as far as tests hold it to what it says.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder that holds all of the project.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A query and the answer that stands below it.
#[derive(Clone, Debug)]
pub struct DocumentedQuery {
    /// The query.
    pub sql: String,
    /// What it answers, as it is printed.
    pub answer: String,
}

impl DocumentedQuery {
    /// The queries of a page of the manual that are followed by their answers.
    #[must_use]
    pub fn of_page(page: &str) -> Vec<Self> {
        let text = fs::read_to_string(repository().join("docs").join(page)).expect("the manual has this page");
        let blocks = text.split("```sql\n").skip(1).filter_map(|rest| {
            let (sql, rest) = rest.split_once("```")?;
            let (answer, _) = rest.trim_start().strip_prefix("```text\n")?.split_once("```")?;
            Some(Self {
                sql: sql.trim().to_owned(),
                answer: answer.to_owned(),
            })
        });
        blocks.collect()
    }
}
