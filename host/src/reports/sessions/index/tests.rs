//! Which sessions a page has.

use proptest::prelude::*;
use session_plugin_api::ReportColumn;

use super::*;
use crate::week::WeekStart;

/// An index of sessions: the number of each, when it was changed, and what it cost.
fn index(sessions: &[(u32, i64, Option<f64>)]) -> SessionIndex {
    let indexed = sessions.iter().map(|(number, changed, cost)| Indexed {
        session: ListedSession {
            key: format!("User{}/{number}.jsonl", number % 3),
            username: Some(format!("name{}", number % 2).into()),
            size: None,
            changed: (changed % 5 != 0).then(|| Timestamp::from_micros(*changed)),
            processed: None,
            attempted: Timestamp::from_micros(changed / 2),
            processors: None,
            failing: (number % 4 == 0).then(|| "probe".into()),
        },
        values: [
            cost.map_or_else(|| "null".to_owned(), |cost| serde_json::json!(cost).to_string()),
            format!("\"Name{}\"", number % 2),
        ]
        .map(|json| RawValue::from_string(json).unwrap())
        .into(),
    });
    let column = |name: &str, unit| SessionColumn {
        name: format!("usage.{name}"),
        label: name.to_owned(),
        unit,
    };
    SessionIndex {
        sessions: indexed.collect(),
        figures: vec![Figures {
            name: "usage.costs".to_owned(),
            report: Report::new("costs", "Costs", "SELECT 1")
                .column(ReportColumn::new("session_file", "Session", Unit::Text))
                .column(ReportColumn::new("cost", "Cost", Unit::Usd))
                .column(ReportColumn::new("name", "Name", Unit::Text)),
            parameters: ReportParameters {
                since: None,
                until: None,
                username: None,
                project: None,
                zone: Zone::utc(),
                week_start: WeekStart::default(),
                now: Timestamp::from_micros(0),
            },
            columns: vec![column("cost", Unit::Usd), column("name", Unit::Text)],
            begin: 0,
        }],
        zone: Zone::utc(),
        silent: Vec::new(),
    }
}

fn keys(page: &SessionPage) -> Vec<String> {
    page.sessions.iter().map(|session| session.key.clone()).collect()
}

fn sorted_by(sort: &str) -> AskedSessions {
    AskedSessions {
        sort: Some(sort.to_owned()),
        ..AskedSessions::default()
    }
}

proptest! {
    #[test]
    fn pages_of_any_size_have_every_session_once_and_in_order(
        sessions in prop::collection::btree_map(0..200_u32, (-9..9_i64, prop::option::of(-2.0..2.0_f64)), 0..60),
        most in 1..20_usize,
        sort in prop::sample::select(vec!["changed", "attempted", "usage.cost", "usage.name"]),
    ) {
        let sessions: Vec<_> = sessions.into_iter().map(|(number, (changed, cost))| (number, changed, cost)).collect();
        let index = index(&sessions);
        let all = index.page(&sorted_by(sort), usize::MAX).unwrap();
        prop_assert!(all.next.is_none());
        let expected = match sort {
            "usage.cost" => sessions.iter().filter(|(.., cost)| cost.is_some()).count(),
            _ => sessions.len(),
        };
        prop_assert_eq!(all.sessions.len(), expected);
        prop_assert_eq!(all.figures[0].rows.len(), expected);
        let mut asked = sorted_by(sort);
        let mut paged = Vec::new();
        loop {
            let page = index.page(&asked, most).unwrap();
            prop_assert!(page.sessions.len() <= most);
            paged.extend(keys(&page));
            match page.next {
                Some(next) => asked.after = Some(next),
                None => break,
            }
        }
        prop_assert_eq!(paged, keys(&all));
    }

    #[test]
    fn no_text_breaks_a_page(text in "\\PC{0,20}", key in "\\PC{0,20}", sort in "(changed|usage\\.cost|\\PC{0,9})") {
        let index = index(&[(1, 1, Some(1.0)), (2, 2, None)]);
        let asked = AskedSessions {
            user: Some(text.clone()),
            text: Some(text.clone()),
            since: Some(text.clone()),
            figures: vec![("usage.cost".to_owned(), text.clone()), (key.clone(), text.clone())],
            sort: Some(sort),
            after: Some(SessionPlace { value: text, key }),
            ..AskedSessions::default()
        };
        prop_assert!(index.page(&asked, 1).is_err());
    }
}

#[test]
fn the_largest_and_latest_come_first_and_unknown_times_by_the_attempt() {
    let index = index(&[(1, 7, Some(0.5)), (2, 9, Some(2.0)), (3, 10, None), (4, 8, Some(2.0))]);
    // The third one has no time of its change.
    let by_change = keys(&index.page(&AskedSessions::default(), 9).unwrap());
    assert_eq!(
        by_change,
        ["User2/2.jsonl", "User1/4.jsonl", "User1/1.jsonl", "User0/3.jsonl"]
    );
    let by_cost = keys(&index.page(&sorted_by("usage.cost"), 9).unwrap());
    assert_eq!(by_cost, ["User2/2.jsonl", "User1/4.jsonl", "User1/1.jsonl"]);
}

#[test]
fn filters_find_what_they_name() {
    let sessions: Vec<_> = (0..12)
        .map(|number| (number, i64::from(number) * 86_400_000_000 + 1, Some(f64::from(number))))
        .collect();
    let index = index(&sessions);
    let count = |change: &dyn Fn(&mut AskedSessions)| {
        let mut asked = AskedSessions::default();
        change(&mut asked);
        index
            .page(&asked, 99)
            .map(|page| page.sessions.len())
            .map_err(|error| error.to_string())
    };
    let set = |text: &str| Some(text.to_owned());
    assert_eq!(count(&|_| {}), Ok(12));
    assert_eq!(count(&|asked| asked.user = set("User1")), Ok(4));
    assert_eq!(count(&|asked| asked.user = set("name1")), Ok(6));
    assert_eq!(count(&|asked| asked.user = set("user1")), Ok(0));
    assert_eq!(count(&|asked| asked.text = set("USER2/1")), Ok(1));
    assert_eq!(count(&|asked| asked.text = set("%")), Ok(0));
    assert_eq!(count(&|asked| asked.standing = SessionStanding::Failing), Ok(3));
    assert_eq!(count(&|asked| asked.since = set("1970-01-11")), Ok(2));
    assert_eq!(count(&|asked| asked.until = set("1970-01-02")), Ok(2));
    let figure = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(count(&|asked| asked.figures = figure("usage.cost", " 9.5 ")), Ok(2));
    assert_eq!(count(&|asked| asked.figures = figure("usage.name", "NAME0")), Ok(6));
    let told = |name: &str, value: &str| count(&|asked| asked.figures = figure(name, value)).unwrap_err();
    assert!(told("usage.cost", "NaN").contains("`NaN` is no number"));
    assert!(told("a.b", "1").contains("has no column `a.b`: its columns are usage.cost, usage.name"));
}
