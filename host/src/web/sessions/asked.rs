//! Which sessions an address of the list asks for.

use axum::http::Uri;

use crate::{
    http::answer::Refusal,
    reports::{AskedSessions, SessionPlace, SessionStanding},
    web::asked::filled,
};

/// The fields with the place after which a page begins: the value by which the list is sorted, and the key.
const AFTER: &str = "after";
const AFTER_KEY: &str = "after_key";

/// Which sessions. A field whose name has a dot is a column of a report.
///
/// # Errors
/// When the address has another field, or a column twice.
pub(super) fn asked_sessions(uri: &Uri) -> Result<AskedSessions, Refusal> {
    let mut asked = AskedSessions::default();
    let (mut after, mut after_key) = (None, None);
    let query = filled(uri);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let value = value.into_owned();
        match &*name {
            "user" => asked.user = Some(value),
            "text" => asked.text = Some(value),
            "since" => asked.since = Some(value),
            "until" => asked.until = Some(value),
            "failing" if value == "yes" => asked.standing = SessionStanding::Failing,
            "sort" => asked.sort = Some(value),
            AFTER => after = Some(value),
            AFTER_KEY => after_key = Some(value),
            name if asked.figures.iter().any(|(figure, _)| figure == name) => {
                return Err(Refusal::bad_request(format!("the filter `{name}` is named twice")));
            }
            name if name.contains('.') => asked.figures.push((name.to_owned(), value)),
            "failing" => {
                return Err(Refusal::bad_request("the filter `failing` must be `yes` or left out"));
            }
            name => {
                return Err(Refusal::bad_request(format!(
                    "the list of sessions has no filter `{name}`"
                )));
            }
        }
    }
    asked.after = after.zip(after_key).map(|(value, key)| SessionPlace { value, key });
    Ok(asked)
}

/// The address of the page that begins after a session.
pub(super) fn page_after(uri: &Uri, place: &SessionPlace) -> String {
    let query = filled(uri);
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != AFTER && name != AFTER_KEY);
    let mut address = form_urlencoded::Serializer::new(String::new());
    address
        .extend_pairs(pairs)
        .append_pair(AFTER, &place.value)
        .append_pair(AFTER_KEY, &place.key);
    format!("{}?{}", uri.path(), address.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(address: &str) -> Result<AskedSessions, Refusal> {
        asked_sessions(&address.parse().unwrap())
    }

    #[test]
    fn an_address_tells_which_sessions() {
        let all = asked("/sessions?user=ann&text=&failing=yes&usage.cost_usd=1.5&after=7&after_key=a%26b").unwrap();
        assert_eq!(all.user.as_deref(), Some("ann"));
        assert_eq!(all.text, None);
        assert_eq!(all.standing, SessionStanding::Failing);
        assert_eq!(all.figures, [("usage.cost_usd".to_owned(), "1.5".to_owned())]);
        assert_eq!(all.after.unwrap().key, "a&b");
        assert_eq!(asked("/sessions").unwrap(), AskedSessions::default());
        assert!(asked("/sessions?after=7").unwrap().after.is_none());
        for refused in ["limit=7", "failing=no", "a.b=1&a.b=1"] {
            assert!(asked(&format!("/sessions?{refused}")).is_err(), "{refused}");
        }
        assert!(asked("/sessions?a.b=1&a.c=1").is_ok());
    }

    #[test]
    fn the_next_page_keeps_the_filters() {
        let place = SessionPlace {
            value: "2026-01-01 00:00:00".to_owned(),
            key: "ann/é&#.jsonl".to_owned(),
        };
        let uri: Uri = "/sessions?user=a%20b&after=1&after_key=2".parse().unwrap();
        let next: Uri = page_after(&uri, &place).parse().unwrap();
        let asked = asked_sessions(&next).unwrap();
        assert_eq!((asked.user.as_deref(), asked.after), (Some("a b"), Some(place)));
    }
}
