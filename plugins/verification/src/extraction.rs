//! The first question to the model: the facts that a user corrected, confirmed or volunteered in a conversation.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    knowledge::{DetectionType, Domain, Verification},
    model::{Question, at_most, list, object, one_of, text},
};

const INSTRUCTION: &str = include_str!("prompts/extraction.txt");

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
        instruction: INSTRUCTION.into(),
        data: turns,
        schema: schema(),
    }
}

fn schema() -> Value {
    let verification = object(&[
        ("detection_type", one_of(DetectionType::ALL.map(DetectionType::name))),
        ("title", text(LONGEST_TITLE)),
        ("content", text(LONGEST_CONTENT)),
        ("user_quote", at_most(LONGEST_QUOTE)),
        ("domain", one_of(Domain::ALL.map(Domain::name))),
        ("entities", list(text(LONGEST_ENTITY), MOST_ENTITIES)),
    ]);
    object(&[("verifications", list(verification, MOST_VERIFICATIONS))])
}

/// The answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Form {
    pub(crate) verifications: Vec<Verification>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Breach;

    fn read(json: &str) -> Result<Vec<Verification>, Breach> {
        question(String::new()).read(json).map(|form: Form| form.verifications)
    }

    fn verification() -> Value {
        json!({
            "detection_type": "correction", "title": "Net revenue", "content": "Revenue is net of VAT.",
            "user_quote": "no, net of VAT", "domain": "finance", "entities": ["VAT"],
        })
    }

    fn read_one(change: impl FnOnce(&mut Value)) -> Result<Vec<Verification>, Breach> {
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
            r#"{"verifications":[],"verifications":[]}"#,
            r#"```json {"verifications":[]} ```"#,
        ] {
            assert!(read(json).is_err(), "{json}");
        }
        for field in ["detection_type", "title", "content", "user_quote", "domain", "entities"] {
            for value in [json!(null), json!(7), json!({}), json!("gossip".repeat(1_000))] {
                assert!(read_one(|verification| verification[field] = value).is_err(), "{field}");
            }
            let without = read_one(|verification| drop(verification.as_object_mut().unwrap().remove(field)));
            assert_eq!(
                without.unwrap_err().to_string(),
                format!("verifications[0].{field} is missing")
            );
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
