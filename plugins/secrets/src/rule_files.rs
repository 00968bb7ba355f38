//! Tests rule files: every feature of the format, and every way to break it.

use std::path::PathBuf;

use serde_json::json;
use session_plugin_api::{Session, Timestamp};

use secret_detector::{Allow, Rules, Settings};

use crate::findings::SessionFindings;

fn every_feature() -> Settings {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/fixtures/every_feature.toml");
    Settings {
        rules_file: Some(PathBuf::from(path)),
        ..Settings::default()
    }
}

fn rules(toml: &str) -> Rules {
    Rules::parse("rules.toml", toml).unwrap()
}

/// The findings in a transcript, with their rules.
fn found_in(transcript: &str, rules: &Rules) -> Vec<(String, String)> {
    let session = Session::from_bytes("a/b.jsonl", "a", Timestamp::from_micros(0), transcript.as_bytes());
    let found = SessionFindings::of(&session, rules).findings.into_iter();
    let described = found.map(|finding| {
        let rule = rules.get(finding.rule).id().to_owned();
        (rule, finding.secret.expose().to_owned())
    });
    described.collect()
}

fn found(text: &str, rules: &Rules) -> Vec<(String, String)> {
    found_in(&json!({"message": {"content": text}}).to_string(), rules)
}

/// Like [`found`], in a text that a tool wrote to a file.
fn found_in_file(file: &str, text: &str, rules: &Rules) -> Vec<(String, String)> {
    let input = json!({"file_path": file, "content": text});
    let call = json!({"type": "tool_use", "id": "t1", "name": "Write", "input": input});
    found_in(&json!({"message": {"content": [call]}}).to_string(), rules)
}

fn finds(rule: &str, secret: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), secret.to_owned())]
}

#[test]
fn a_group_an_entropy_and_keywords_in_any_case() {
    let rules = Rules::from_settings(&every_feature()).unwrap();
    assert_eq!(found("Acme_Key=abcd-1234", &rules), finds("acme-key", "abcd-1234"));
    assert_eq!(found("acme_key=abcd-{x} z", &rules), []);
    assert_eq!(found("acme_key=aaaa-1111", &rules), [], "its entropy is below two bits");
    assert_eq!(found("ACME_KEY =abcd-1234", &rules), []);
}

#[test]
fn the_secret_is_the_first_group_that_took_part_else_the_match() {
    let rules = Rules::from_settings(&every_feature()).unwrap();
    assert_eq!(found("pair:<one> pair:[two]", &rules).len(), 2);
    assert_eq!(found("pair:[two]", &rules), finds("acme-pair", "two"));
    assert_eq!(found("\n\nPLAIN-SECRET\n", &rules), finds("acme-plain", "PLAIN-SECRET"));
}

#[test]
fn allow_lists_of_a_rule() {
    let rules = Rules::from_settings(&every_feature()).unwrap();
    for allowed in [
        "acme_key=demo-1234",
        "acme_key=abcd-0000",
        "apex_token=abcd-1234",
        "PLAIN-AAAAAA",
        "acme_key=abcd-1234 // gitleaks:allow",
    ] {
        assert_eq!(found(allowed, &rules), [], "{allowed}");
    }
    let all = "acme_key=oldk-1234 # checked";
    assert_eq!(found_in_file("notes.md", all, &rules), []);
    assert_eq!(found_in_file("notes.txt", all, &rules), finds("acme-key", "oldk-1234"));
    assert_eq!(found(all, &rules), finds("acme-key", "oldk-1234"));
    let elsewhere = "acme_key=oldk-1234\n# checked";
    assert_eq!(
        found_in_file("notes.md", elsewhere, &rules),
        finds("acme-key", "oldk-1234")
    );
}

#[test]
fn allow_lists_for_all_rules_and_for_some() {
    let rules = Rules::from_settings(&every_feature()).unwrap();
    assert_eq!(found("pair:<nobody> PLAIN-NOBODY", &rules), []);
    assert_eq!(found("pair:<known> PLAIN-KNOWNX", &rules), []);
    assert_eq!(found_in_file("src/vendor/a.txt", "pair:<one>", &rules), []);
    assert_eq!(
        found_in_file("src/a.txt", "pair:<one>", &rules),
        finds("acme-pair", "one")
    );
    let shipped = format!("{}{}", "npm_", "nobody0123456789ABCDEFGHIJKLMNOPQRST");
    assert_eq!(found(&shipped, &rules), [], "a shipped rule is subject to them as well");
}

#[test]
fn rules_for_certain_files() {
    let rules = Rules::from_settings(&every_feature()).unwrap();
    let text = "php_secret('s3same')";
    assert_eq!(found_in_file("/srv/a.PHP", text, &rules), finds("acme-php", "s3same"));
    assert_eq!(found_in_file("/srv/a.js", text, &rules), []);
    assert_eq!(found(text, &rules), []);
    assert_eq!(
        found_in_file("/srv/x.acmestore", "", &rules),
        finds("acme-keystore", "/srv/x.acmestore")
    );
    assert_eq!(found_in_file("vendor/x.acmestore", "", &rules), []);
}

#[test]
fn a_file_that_extends_the_shipped_rules() {
    let rules = Rules::from_settings(&every_feature()).unwrap();
    let ids: Vec<_> = rules.iter().map(|rule| rule.id()).collect();
    let shipped = Rules::from_settings(&Settings::default()).unwrap();
    assert_eq!(ids.len(), shipped.iter().count() - 1 + 5);
    assert!(!ids.contains(&"jwt") && ids.contains(&"npm-access-token"));
    assert_eq!(found("our_12345abc", &rules), finds("github-pat", "our_12345abc"));
    let changed = rules.iter().find(|rule| rule.id() == "github-pat").unwrap();
    assert_eq!(changed.description(), "Token of our GitHub");
    assert_eq!(changed.keywords(), ["ghp_", "our_"]);
}

#[test]
fn a_file_by_itself_replaces_the_shipped_rules() {
    let rules = rules("[allowlist]\nstopwords = ['x']\n[[rules]]\nid = 'only'\nregex = 'sesame-\\w+'\n");
    assert_eq!(rules.iter().count(), 1);
    assert_eq!(found("sesame-open sesame-x", &rules), finds("only", "sesame-open"));
}

#[test]
fn settings_disable_and_allow() {
    let settings = Settings {
        disabled_rules: vec!["acme-plain".to_owned()],
        allow: Allow {
            regexes: vec!["^two$".to_owned()],
            stopwords: vec!["three".to_owned()],
            paths: vec!["^/tmp/".to_owned()],
        },
        ..every_feature()
    };
    let rules = Rules::from_settings(&settings).unwrap();
    assert_eq!(found("PLAIN-SECRET pair:[two] pair:<thirty_three>", &rules), []);
    assert_eq!(found_in_file("/tmp/a", "pair:<one>", &rules), []);
    assert_eq!(found("pair:<one>", &rules), finds("acme-pair", "one"));
}

fn refused(toml: &str) -> String {
    Rules::parse("my.toml", toml).err().unwrap().to_string()
}

fn refused_rule(fields: &str) -> String {
    refused(&format!("[[rules]]\nid = 'mine'\n{fields}"))
}

#[test]
fn a_broken_rule_is_named_with_the_remedy() {
    let cases = [
        (
            "regex = 'a('",
            "my.toml, rule `mine`: `regex` is not a valid regular expression",
        ),
        (
            "regex = 'a'\npath = 'a['",
            "my.toml, rule `mine`: `path` is not a valid regular expression",
        ),
        (
            "regex = '(a)'\nsecretGroup = 2",
            "`secretGroup` is 2, but `regex` has 1 group(s)",
        ),
        (
            "regex = 'a'\n[[rules.required]]\nid = 'part'",
            "a composite rule, which is not supported; remove the rule",
        ),
        ("description = 'x'", "it has neither `regex` nor `path`"),
        ("regex = 'a'\nkeywords = ['b', '']", "a keyword is empty"),
        (
            "regex = 'a'\n[[rules]]\nid = 'mine'\nregex = 'b'",
            "the id is used twice",
        ),
        ("regex = 'a'\n[[rules]]\nregex = 'b'", "the id is empty"),
        (
            "regex = 'a'\n[[rules.allowlists]]\ndescription = 'x'",
            "it allows nothing",
        ),
        (
            "regex = 'a'\n[[rules.allowlists]]\nregexes = ['(']",
            "`regexes` is not a valid regular expression",
        ),
        (
            "regex = 'a'\n[[rules.allowlists]]\npaths = ['(']",
            "`paths` is not a valid regular expression",
        ),
        (
            "regex = 'a'\n[[rules.allowlists]]\nregexes = ['b']\ntargetRules = ['c']",
            "outside of rules",
        ),
        (
            "regex = 'a'\n[rules.allowlist]\nregexes = ['b']\n[[rules.allowlists]]\nregexes = ['b']",
            "`allowlist` and `allowlists` are both set",
        ),
    ];
    for (fields, expected) in cases {
        let message = refused_rule(fields);
        assert!(message.contains(expected), "{fields}: {message}");
        assert!(message.starts_with("my.toml, rule `"), "{message}");
    }
}

#[test]
fn a_broken_allowlist_is_named_by_its_number() {
    let message = refused("[[allowlists]]\nstopwords = ['a']\n[[allowlists]]\ntargetRules = ['b']\nregexes = ['c']");
    assert!(
        message.starts_with("my.toml, allowlist 2: `targetRules` names `b`"),
        "{message}"
    );
    let message = refused("[allowlist]\nstopwords = ['a']\n[[allowlists]]\nregexes = ['c']");
    assert!(message.contains("both set"), "{message}");
}

#[test]
fn an_unknown_field_or_value_is_named_with_its_line() {
    let cases = [
        ("title = 'x'\ncolour = 'red'", "my.toml, line 2: unknown field `colour`"),
        (
            "[[rules]]\nid = 'mine'\nregexp = 'a'",
            "my.toml, line 3: unknown field `regexp`",
        ),
        ("[extend]\npath = 'other.toml'", "my.toml, line 2: unknown field `path`"),
        (
            "[[allowlists]]\ncondition = 'XOR'",
            "my.toml, line 2: unknown variant `XOR`",
        ),
        (
            "[[allowlists]]\nregexTarget = 'file'",
            "my.toml, line 2: unknown variant `file`",
        ),
        ("[[rules]]\nid = 3", "my.toml, line 2: invalid type"),
        ("[[rules]\n", "my.toml, line 1: "),
    ];
    for (toml, expected) in cases {
        let message = refused(toml);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn invalid_settings_are_refused() {
    let refused = |settings: &Settings| Rules::from_settings(settings).err().unwrap().to_string();
    let missing = Settings {
        rules_file: Some(PathBuf::from("/nowhere/rules.toml")),
        ..Settings::default()
    };
    assert!(refused(&missing).starts_with("cannot read the rule file /nowhere/rules.toml: "));
    let relative = Settings {
        rules_file: Some(PathBuf::from("rules.toml")),
        ..Settings::default()
    };
    assert_eq!(
        refused(&relative),
        "`rules_file` is the relative path rules.toml; set it to an absolute path"
    );
    let unknown = Settings {
        disabled_rules: vec!["no-such-rule".to_owned()],
        ..Settings::default()
    };
    assert_eq!(
        refused(&unknown),
        "`disabled_rules` names `no-such-rule`, but there is no such rule; correct the name or remove it"
    );
    let pattern = Settings {
        allow: Allow {
            regexes: vec!["(".to_owned()],
            ..Allow::default()
        },
        ..Settings::default()
    };
    assert!(refused(&pattern).starts_with("the settings, allowlist 1: `regexes` is not a valid regular expression"));
}

#[test]
fn a_secret_that_several_rules_find_in_several_places_is_one_finding() {
    let rules = rules(
        "[[rules]]\nid = 'generic-key'\nregex = 'key=(\\w+)'\nkeywords = ['key']\n\
         [[rules]]\nid = 'by-surroundings'\nregex = 'acme:(\\w+)'\nkeywords = ['acme']\n",
    );
    for text in ["key=12345678 and acme:12345678", "acme:12345678 and key=12345678"] {
        assert_eq!(found(text, &rules), finds("by-surroundings", "12345678"), "{text}");
    }
}

#[test]
fn a_rule_that_is_not_to_report_finds_nothing() {
    let rules = rules(
        "[[rules]]\nid = 'part'\nregex = 'part-\\w+'\nskipReport = true\n[[rules]]\nid = 'whole'\nregex = 'whole-\\w+'\nskipReport = false\n",
    );
    assert_eq!(found("part-one whole-two", &rules), finds("whole", "whole-two"));
}

#[test]
fn a_changed_shipped_rule_reports_no_more_or_is_refused() {
    let file = std::env::temp_dir().join(format!("changed-rules-{}.toml", std::process::id()));
    let extending = |fields: &str| {
        let toml = format!("[extend]\nuseDefault = true\n[[rules]]\nid = 'github-pat'\n{fields}\n");
        std::fs::write(&file, toml).unwrap();
        Rules::from_settings(&Settings {
            rules_file: Some(file.clone()),
            ..Settings::default()
        })
    };
    let ids = |rules: Rules| rules.iter().any(|rule| rule.id() == "github-pat");
    let outcomes = [
        "skipReport = false",
        "skipReport = true",
        "[[rules.required]]\nid = 'jwt'",
    ]
    .map(|fields| extending(fields).map(ids).map_err(|error| error.to_string()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(outcomes[..2], [Ok(true), Ok(false)]);
    assert!(
        outcomes[2]
            .as_ref()
            .unwrap_err()
            .contains("rule `github-pat`: `required`")
    );
}

#[test]
fn where_several_rules_find_the_same_the_most_specific_counts() {
    let rules = rules(
        "[[rules]]\nid = 'generic-key'\nregex = 'key=(\\w+)'\nkeywords = ['key']\n\
         [[rules]]\nid = 'by-surroundings'\nregex = 'acme key=(\\w+)'\nkeywords = ['acme']\n\
         [[rules]]\nid = 'by-form'\nregex = 'AC-?\\w{8}'\nkeywords = ['ac']\n",
    );
    assert_eq!(found("key=12345678", &rules), finds("generic-key", "12345678"));
    assert_eq!(found("acme key=12345678", &rules), finds("by-surroundings", "12345678"));
    assert_eq!(found("acme key=AC12345678", &rules), finds("by-form", "AC12345678"));
}
