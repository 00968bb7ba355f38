//! The first question: what a user corrected, confirmed or volunteered in a conversation.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    knowledge::{DetectionType, Domain, Verification},
    model::{Question, object},
};

const INSTRUCTION: &str = include_str!("instruction/extraction.txt");

const LONGEST_TITLE: usize = 60;
const LONGEST_CONTENT: usize = 500;
const LONGEST_QUOTE: usize = 4_000;
const LONGEST_ENTITY: usize = 200;
const MOST_ENTITIES: usize = 50;
const MOST_VERIFICATIONS: usize = 100;

/// The question about wrapped turns.
pub(crate) fn question(turns: String) -> Question {
    Question {
        form: "verifications",
        purpose: "Records the facts that the user of a conversation verified.",
        instruction: INSTRUCTION,
        data: turns,
        schema: schema(),
    }
}

fn schema() -> Value {
    // In words as well: one of the formats has no limits on lengths.
    let text = |longest: usize| {
        let description = format!("1 to {longest} characters");
        json!({"type": "string", "minLength": 1, "maxLength": longest, "description": description})
    };
    let verification = object(&[
        (
            "detection_type",
            json!({"type": "string", "enum": DetectionType::ALL.map(DetectionType::name)}),
        ),
        ("title", text(LONGEST_TITLE)),
        ("content", text(LONGEST_CONTENT)),
        ("user_quote", text(LONGEST_QUOTE)),
        (
            "domain",
            json!({"type": "string", "enum": Domain::ALL.map(Domain::name)}),
        ),
        (
            "entities",
            json!({"type": "array", "items": text(LONGEST_ENTITY), "maxItems": MOST_ENTITIES,
                   "description": format!("at most {MOST_ENTITIES}")}),
        ),
    ]);
    object(&[(
        "verifications",
        json!({"type": "array", "items": verification, "maxItems": MOST_VERIFICATIONS}),
    )])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    verifications: Vec<Reported>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    detection_type: DetectionType,
    title: String,
    content: String,
    user_quote: String,
    domain: Domain,
    entities: Vec<String>,
}

/// Reads the answer, which must be of the form to the letter.
///
/// # Errors
/// Says what is wrong.
pub(crate) fn read(json: &str) -> Result<Vec<Verification>, String> {
    let form: Form = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if form.verifications.len() > MOST_VERIFICATIONS {
        return Err(format!("more than {MOST_VERIFICATIONS} verifications"));
    }
    form.verifications.into_iter().map(Reported::checked).collect()
}

impl Reported {
    fn checked(self) -> Result<Verification, String> {
        check("title", &self.title, LONGEST_TITLE)?;
        check("content", &self.content, LONGEST_CONTENT)?;
        if self.user_quote.chars().count() > LONGEST_QUOTE {
            return Err(format!("user_quote has more than {LONGEST_QUOTE} characters"));
        }
        if self.entities.len() > MOST_ENTITIES {
            return Err(format!("more than {MOST_ENTITIES} entities"));
        }
        for entity in &self.entities {
            check("an entity", entity, LONGEST_ENTITY)?;
        }
        Ok(Verification {
            detection_type: self.detection_type,
            title: self.title,
            content: self.content,
            user_quote: self.user_quote,
            domain: self.domain,
            entities: self.entities,
        })
    }
}

fn check(field: &str, text: &str, longest: usize) -> Result<(), String> {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(format!("{field} is empty")),
        length if length > longest => Err(format!("{field} has {length} characters, more than {longest}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verification() -> Value {
        json!({
            "detection_type": "correction", "title": "Net revenue", "content": "Revenue is net of VAT.",
            "user_quote": "no, net of VAT", "domain": "finance", "entities": ["VAT"],
        })
    }

    fn read_one(change: impl FnOnce(&mut Value)) -> Result<Vec<Verification>, String> {
        let mut verification = verification();
        change(&mut verification);
        read(&json!({"verifications": [verification]}).to_string())
    }

    #[test]
    fn an_answer_of_the_form_is_read() {
        assert_eq!(read(r#"{"verifications":[]}"#), Ok(vec![]));
        let read = read_one(|_| ()).unwrap();
        assert_eq!(
            (read[0].domain, &*read[0].entities),
            (Domain::Finance, &["VAT".to_owned()][..])
        );
    }

    #[test]
    fn an_answer_off_the_form_is_an_error() {
        for json in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"verifications":null}"#,
            r#"{"verifications":{}}"#,
            r#"{"verifications":[],"note":""}"#,
            r#"{"verifications":[]} and more"#,
            r#"```json {"verifications":[]} ```"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        for field in ["detection_type", "title", "content", "user_quote", "domain", "entities"] {
            for value in [json!(null), json!(7), json!({}), json!("gossip".repeat(1_000))] {
                assert!(read_one(|verification| verification[field] = value).is_err(), "{field}");
            }
            let without = read_one(|verification| drop(verification.as_object_mut().unwrap().remove(field)));
            assert!(without.unwrap_err().contains(field));
        }
        assert!(read_one(|verification| verification["confidence"] = json!(1.0)).is_err());
        assert!(read_one(|verification| verification["title"] = json!(" \n")).is_err());
        assert!(read_one(|verification| verification["entities"] = json!([""])).is_err());
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(read_one(|verification| verification["title"] = json!("ü".repeat(60))).is_ok());
        assert!(read_one(|verification| verification["title"] = json!("ü".repeat(61))).is_err());
        assert!(read_one(|verification| verification["content"] = json!("日".repeat(500))).is_ok());
        assert!(read_one(|verification| verification["content"] = json!("日".repeat(501))).is_err());
    }

    #[test]
    fn the_schema_names_all_that_is_read() {
        let schema = question(String::new()).schema;
        let fields = &schema["properties"]["verifications"]["items"];
        let required: Vec<&str> = fields["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let verification = verification();
        assert_eq!(required.len(), verification.as_object().unwrap().len());
        assert!(required.iter().all(|field| !verification[field].is_null()));
    }
}
