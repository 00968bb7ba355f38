//! Reads and writes the shared tables through the connection of an attempt.

use std::collections::HashMap;

use session_plugin_api::{Connection, Error, Result, Timestamp};

use super::{
    DetectionType, Domain, EarlierEvidence, Hint, Item, NewItem, Source,
    confidence::{Inherited, Verifier},
};
use crate::judgement::Contradiction;

/// The shared tables. Reading them opens the attempt's transaction.
pub(crate) struct Store<'a> {
    connection: &'a Connection<'a>,
}

impl<'a> Store<'a> {
    /// The tables behind a connection.
    pub(crate) fn new(connection: &'a Connection<'a>) -> Self {
        Self { connection }
    }

    /// The evidence from the session's earlier version.
    pub(crate) fn earlier_evidence(&self, session_file: &str) -> Result<Vec<EarlierEvidence>> {
        let sql = "SELECT item_id, detection_type, user_quote FROM verification_evidence WHERE session_file = ?
                   ORDER BY created_at, id";
        let records = self.connection.query(sql, &[&session_file])?;
        let evidence = records.iter().map(|record| {
            Ok(EarlierEvidence {
                item_id: record.get("item_id")?,
                detection_type: detection_type(record.get("detection_type")?)?,
                user_quote: record.get("user_quote")?,
            })
        });
        evidence.collect()
    }

    /// The items in these domains, and the items with these ids.
    pub(crate) fn items(&self, domains: &[Domain], ids: &[String]) -> Result<Vec<Item>> {
        let domains: Vec<&str> = domains.iter().map(|domain| domain.name()).collect();
        let sql = "SELECT id, coalesce(title, '') AS title, coalesce(content, '') AS content, domain,
                          entities::VARCHAR AS entities
                   FROM knowledge_items
                   WHERE domain IN (SELECT unnest(string_split(?, ','))) OR id IN (SELECT unnest(string_split(?, ',')))
                   ORDER BY created_at, id";
        let records = self.connection.query(sql, &[&domains.join(","), &ids.join(",")])?;
        let items = records.iter().map(|record| {
            let id: String = record.get("id")?;
            let domain = record.get::<Option<&str>>("domain")?.and_then(Domain::of);
            // Items of an earlier service may have any content.
            let entities: Option<&str> = record.get("entities")?;
            let entities = entities.and_then(|json| serde_json::from_str::<Vec<String>>(json).ok());
            let entities = entities.unwrap_or_default();
            Ok(Item::new(
                id,
                record.get("title")?,
                record.get("content")?,
                domain,
                &entities,
            ))
        });
        items.collect()
    }

    /// Adds a new item. Its confidence is set once all evidence is known.
    pub(crate) fn add_item(&self, new: &NewItem, source: &Source<'_>) -> Result<()> {
        let entities = serde_json::to_string(&new.entities)?;
        let Item {
            id,
            title,
            content,
            domain,
            ..
        } = &new.item;
        let sql = "INSERT INTO knowledge_items (id, title, content, category, domain, entities, confidence, status,
                                                source_user, source_ref, source_type, created_at, updated_at)
                   VALUES (?, ?, ?, 'business_logic', ?, ?, 0, 'pending', ?, ?, 'user_verification', ?, ?)";
        self.connection.execute(
            sql,
            &[
                id,
                title,
                content,
                &domain.map(Domain::name),
                &entities,
                &source.user,
                &source.reference(),
                &new.said_at,
                &new.said_at,
            ],
        )?;
        Ok(())
    }

    /// Adds a hint that two items may be the same.
    pub(crate) fn add_hint(&self, hint: &Hint) -> Result<()> {
        let sql = "INSERT INTO knowledge_item_relations (item_a, item_b, relation, score, created_at)
                   VALUES (?, ?, 'likely_duplicate', ?, ?) ON CONFLICT DO NOTHING";
        self.connection
            .execute(sql, &[&hint.item, &hint.other, &hint.score, &hint.said_at])?;
        Ok(())
    }

    /// Adds a contradiction between two items.
    pub(crate) fn add_contradiction(&self, found: &Contradiction, said_at: Timestamp) -> Result<()> {
        let sql =
            "INSERT INTO knowledge_contradictions (id, item_a, item_b, explanation, severity, suggested_resolution,
                                                         status, created_at)
                   VALUES (?, ?, ?, ?, ?, ?, 'open', ?) ON CONFLICT DO NOTHING";
        self.connection.execute(
            sql,
            &[
                &found.id(),
                &found.item,
                &found.other,
                &found.explanation,
                &found.severity.name(),
                &found.resolution_as_json()?,
                &said_at,
            ],
        )?;
        Ok(())
    }

    /// The evidence for these items from other sessions.
    pub(crate) fn evidence_of_others(&self, items: &[String], session_file: &str) -> Result<Vec<(String, Verifier)>> {
        let sql = "SELECT item_id, source_user, detection_type FROM verification_evidence
                   WHERE session_file <> ? AND item_id IN (SELECT unnest(string_split(?, ',')))";
        let records = self.connection.query(sql, &[&session_file, &items.join(",")])?;
        let evidence = records.iter().map(|record| {
            let verifier = Verifier {
                user: record.get("source_user")?,
                detection_type: detection_type(record.get("detection_type")?)?,
            };
            Ok((record.get("item_id")?, verifier))
        });
        evidence.collect()
    }

    /// The data that an earlier service left about these items.
    pub(crate) fn inherited(&self, items: &[String]) -> Result<HashMap<String, Inherited>> {
        let sql = "SELECT item_id, source_user, confidence FROM knowledge_inherited
                   WHERE item_id IN (SELECT unnest(string_split(?, ',')))";
        let records = self.connection.query(sql, &[&items.join(",")])?;
        let inherited = records.iter().map(|record| {
            let inherited = Inherited {
                user: record.get("source_user")?,
                confidence: record.get("confidence")?,
            };
            Ok((record.get("item_id")?, inherited))
        });
        inherited.collect()
    }

    /// Sets an item's confidence and the time of its last verification.
    pub(crate) fn set_confidence(&self, item: &str, confidence: f64, verified_at: Option<Timestamp>) -> Result<()> {
        let sql = "UPDATE knowledge_items SET confidence = ?, updated_at = greatest(updated_at, ?) WHERE id = ?";
        self.connection.execute(sql, &[&confidence, &verified_at, &item])?;
        Ok(())
    }
}

impl Source<'_> {
    /// The source in the form of `source_ref`: `session-<file stem>-<username>`.
    pub(crate) fn reference(&self) -> String {
        let name = self.session_file.rsplit('/').next().unwrap_or_default();
        let stem = name.strip_suffix(".jsonl").unwrap_or(name);
        format!("session-{stem}-{}", self.user)
    }
}

fn detection_type(name: &str) -> Result<DetectionType> {
    let unknown = || {
        Error::new(format!(
            "table verification_evidence has the unknown detection type `{name}`"
        ))
    };
    DetectionType::of(name).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_file_and_user() {
        let reference = |session_file: &str| {
            Source {
                user: "alice",
                session_file,
            }
            .reference()
        };
        assert_eq!(reference("folder/3f2c.jsonl"), "session-3f2c-alice");
        assert_eq!(reference("alice/deep/a.b.jsonl"), "session-a.b-alice");
    }
}
