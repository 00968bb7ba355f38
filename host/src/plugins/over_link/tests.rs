//! A worker against a host that notes what it is told.

use std::{os::unix::net::UnixStream, thread};

use session_plugin_api::abi::ValueKind;

use super::*;
use crate::workers::{Link, RowsBuffer};

/// What the host was told, and the messages in which it was told so.
#[derive(Default)]
struct Noted {
    told: Vec<String>,
    messages: usize,
}

/// The host's side, until the worker hangs up: agrees to everything.
fn host(mut link: Link, rows: &RowsBuffer) -> Noted {
    let mut noted = Noted::default();
    while let Ok(frame) = link.incoming.receive() {
        noted.messages += 1;
        match frame.message().unwrap() {
            Report::Replaced(length) => {
                noted.note_rows(rows, length);
                continue;
            }
            Report::Replace(length) => {
                noted.note_rows(rows, length);
                noted.told.push("asks".to_owned());
            }
            Report::Execute { sql, .. } | Report::Query { sql, .. } => noted.told.push(sql.to_owned()),
            Report::Malformed(text) => noted.told.push(text.to_owned()),
            report => panic!("{report:?}"),
        }
        link.outgoing.send(&Request::Answer(Ok(7))).unwrap();
    }
    noted
}

impl Noted {
    fn note_rows(&mut self, rows: &RowsBuffer, length: u64) {
        let mut memory = Vec::new();
        let mut rest = rows.read(length, &mut memory).unwrap();
        while !rest.is_empty() {
            let (rows, others) = postcard::take_from_bytes::<WireRows<'_>>(rest).unwrap();
            self.told.push(rows.table.to_owned());
            rest = others;
        }
    }
}

/// Lets a worker make requests.
fn noted(work: impl FnOnce(&mut RequestsOverLink<'_>)) -> Noted {
    let (here, there) = UnixStream::pair().unwrap();
    let buffer = RowsBuffer::new().unwrap();
    let shared = buffer.file().try_clone_to_owned().unwrap();
    let host = thread::spawn(move || host(Link::new(there).unwrap(), &buffer));
    let Link { incoming, outgoing } = Link::new(here).unwrap();
    let (incoming, outgoing) = (Mutex::new(incoming), Mutex::new(outgoing));
    let columns = r#"[{"name": "n", "data_type": "BIGINT"}]"#;
    let table = |name: &str| format!(r#"{{"name": "{name}", "columns": {columns}}}"#);
    let tables: Vec<FilledTable> = decode(format!("[{}, {}]", table("one"), table("two")).as_bytes()).unwrap();
    let tables: Vec<Arc<FilledTable>> = tables.into_iter().map(Arc::new).collect();
    work(&mut RequestsOverLink {
        conversation: Conversation {
            incoming: &incoming,
            outgoing: &outgoing,
        },
        rows: &mut WaitingRows::new(RowsBuffer::of_host(shared)),
        destination: Some(RowsDestination {
            tables: &tables,
            session: &SessionKey::new("alice/a.jsonl"),
        }),
    });
    drop((incoming, outgoing));
    host.join().unwrap()
}

fn column(values: &[i64]) -> [Column<'_>; 1] {
    [Column {
        name: "n",
        kind: ValueKind::Integer,
        rows: values.len(),
        validity: &[],
        integers: values,
        floats: &[],
        bytes: &[],
        offsets: &[],
    }]
}

#[test]
fn the_host_is_told_in_the_order_of_the_requests() {
    let noted = noted(|requests| {
        assert_eq!(requests.replace("one", &column(&[1, 2])).unwrap(), 2);
        assert_eq!(requests.replace("two", &column(&[])).unwrap(), 0);
        assert_eq!(requests.execute("first", &[]).unwrap(), 7);
        assert_eq!(requests.query("second", &[], &mut |_| Ok(())).unwrap(), 7);
        assert_eq!(requests.replace("one", &column(&[3])).unwrap(), 1);
        drop(requests.refuse(Refusal::MalformedInWorker("third".to_owned())));
    });
    assert_eq!(noted.told, ["one", "two", "first", "second", "one", "third"]);
    assert_eq!(noted.messages, 5);
}

#[test]
fn the_host_answers_for_rows_that_do_not_fit() {
    let noted = noted(|requests| {
        assert_eq!(requests.replace("one", &column(&[1])).unwrap(), 1);
        assert_eq!(requests.replace("nowhere", &column(&[1])).unwrap(), 7);
    });
    assert_eq!(noted.told, ["one", "nowhere", "asks"]);
    assert_eq!(noted.messages, 1);
}

#[test]
fn many_rows_do_not_wait() {
    let values = vec![i64::MAX; 1 << 14];
    let noted = noted(|requests| {
        for _ in 0..20 {
            requests.replace("one", &column(&values)).unwrap();
        }
    });
    let passed = noted.told.iter().filter(|told| *told == "one").count();
    assert!((1..20).contains(&passed), "{passed}");
    assert_eq!(noted.messages, noted.told.iter().filter(|told| *told == "asks").count());
}
