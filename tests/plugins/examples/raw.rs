//! A plugin that speaks the binary interface by hand, and wrongly: each line of a session tells how.

#![allow(
    missing_docs,
    non_upper_case_globals,
    unsafe_code,
    reason = "abi_stable gives the names, and what is wrong cannot be made otherwise"
)]

use std::{env, ptr};

use abi_stable::{
    erased_types::TD_Opaque,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    std_types::{RBox, RResult, RSlice, RStr, RVec},
};
use serde::Deserialize;
use session_host_test_plugins::session_plugin_api::{
    Descriptor, Migration,
    abi::{
        Handshake, ProcessorModule, ProcessorModule_Ref, RawAttempt_TO, RawBatchSink, RawBatchSink_TO, RawColumn,
        RawHost_TO, RawProcessor, RawProcessor_TO, RawReferenceSink_TO, RawReply, ValueKind,
        message::{Description, Fault, FaultKind, Hooks, Outcome, Processed, encode},
    },
    export,
};

/// Longer than any message should be.
const LONG: usize = 200_000_000;

const NO_TEXT: &[u8] = b"gr\xfc\xdf";

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wrong {
    Nothing,
    RowsOfNothing,
    RowsWithoutValues,
    RowsBeyondTheFirst,
    MarksTooFew,
    OffsetsNegative,
    OffsetsDescending,
    OffsetsBeyond,
    OffsetsTooFew,
    NoPointer,
    UnknownKind,
    ColumnNoText,
    ColumnLong,
    ValueNoText,
    TableNoText,
    TableLong,
    ExecuteNoText,
    QueryNoText,
    ParameterNoText,
    ParameterWithoutValue,
    ErrorLong,
    PanicLong,
    NotNowLong,
    AnswerLong,
    AnswerNoText,
    ItemsMany,
    LogNoText,
    LogLong,
}

#[derive(Deserialize)]
struct Line {
    raw: Wrong,
}

struct Raw {
    host: RawHost_TO<'static, RBox<()>>,
}

type Attempt<'a> = RawAttempt_TO<'a, RBox<()>>;

impl RawProcessor for Raw {
    fn describe(&self) -> RVec<u8> {
        let told = env::var("RAW").unwrap_or_default();
        let (longer, by) = told.split_once(':').unwrap_or_default();
        let by = by.parse().unwrap_or(0);
        let x = |part: &str| if part == longer { "x".repeat(by) } else { String::new() };
        let description = Description {
            descriptor: Descriptor::new(format!("raw{}", x("name")))
                .session_table(format!("raw_rows{}", x("table")))
                .reference_table(format!("raw_names{}", x("reference"))),
            migrations: vec![Migration::new(
                1,
                format!("make the table{}", x("title")),
                "CREATE TABLE raw_rows (session_file VARCHAR, n BIGINT, text VARCHAR); CREATE TABLE raw_names (n BIGINT)",
            )],
            package_version: format!("1{}", x("version")),
            hooks: Hooks::default(),
        };
        RVec::from(encode(&Outcome::Returned(description)))
    }

    fn configure(&mut self, _: RStr<'_>) -> RVec<u8> {
        match env::var("RAW").as_deref() {
            Ok("configuration") => failed(FaultKind::Error),
            _ => RVec::from(encode(&Outcome::Returned(()))),
        }
    }

    fn reference_rows(&self, mut sink: RawReferenceSink_TO<'_, RBox<()>>) -> RVec<u8> {
        let n = RStr::from_str("n");
        let reply = match env::var("RAW").as_deref() {
            Ok("reference:no_text") => sink.replace(no_text(), RSlice::EMPTY),
            Ok("reference:values") => {
                let column = misfit(Wrong::RowsWithoutValues);
                sink.replace(RStr::from_str("raw_names"), RSlice::from_ref(&column))
            }
            Ok("reference:twice") => {
                let columns = [integers(n, &[1]), integers(n, &[2])];
                sink.replace(RStr::from_str("raw_names"), RSlice::from_slice(&columns))
            }
            _ => RResult::ROk(0),
        };
        // It says that all is well, whatever the host answered.
        drop(reply);
        RVec::from(encode(&Outcome::Returned(())))
    }

    fn process_session(&self, attempt: &RawAttempt_TO<'_, RBox<()>>) -> RVec<u8> {
        let lines = attempt.bytes().as_slice().split(|byte| *byte == b'\n');
        for line in lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()) {
            match self.take(attempt, line.raw) {
                Ok(RResult::ROk(_)) => {}
                Ok(RResult::RErr(fault)) => {
                    let fault: Result<Fault, _> = serde_json::from_slice(&fault);
                    let fault = fault.unwrap_or_else(|error| Fault::error(error.to_string()));
                    return RVec::from(encode(&Outcome::<Processed>::Failed(fault)));
                }
                Err(answer) => return answer,
            }
        }
        RVec::from(encode(&Outcome::Returned(Processed {
            items_count: 1,
            ..Processed::default()
        })))
    }
}

impl Raw {
    /// Makes the call that is told; gives its reply, or the answer that is told.
    fn take(&self, attempt: &Attempt<'_>, wrong: Wrong) -> Result<RawReply, RVec<u8>> {
        let long = || "x".repeat(LONG);
        Ok(match wrong {
            Wrong::TableNoText => attempt.replace(no_text(), RSlice::EMPTY),
            Wrong::TableLong => attempt.replace(RStr::from_str(&long()), RSlice::EMPTY),
            Wrong::ColumnLong => replace(attempt, integers(RStr::from_str(&long()), &[1])),
            Wrong::ExecuteNoText => attempt.execute(no_text(), RSlice::EMPTY),
            Wrong::QueryNoText => attempt.query(
                no_text(),
                RSlice::EMPTY,
                RawBatchSink_TO::from_value(Nowhere, TD_Opaque),
            ),
            Wrong::ParameterNoText => insert(attempt, texts(RStr::from_str(""), NO_TEXT, &[0, 4])),
            Wrong::ParameterWithoutValue => insert(attempt, integers(RStr::from_str(""), &[])),
            Wrong::ErrorLong => return Err(failed(FaultKind::Error)),
            Wrong::PanicLong => return Err(failed(FaultKind::Panic)),
            Wrong::NotNowLong => return Err(failed(FaultKind::NotNow)),
            Wrong::AnswerLong => return Err(RVec::from(vec![b'x'; LONG])),
            Wrong::ItemsMany => {
                let processed = Processed {
                    items_count: u64::MAX,
                    ..Processed::default()
                };
                return Err(RVec::from(encode(&Outcome::Returned(processed))));
            }
            Wrong::AnswerNoText => return Err(RVec::from(NO_TEXT)),
            Wrong::LogNoText => {
                self.host.log(2, no_text(), no_text(), no_text());
                RResult::ROk(0)
            }
            Wrong::LogLong => {
                self.host
                    .log(2, RStr::from_str("raw"), RStr::from_str(""), RStr::from_str(&long()));
                RResult::ROk(0)
            }
            wrong => replace(attempt, misfit(wrong)),
        })
    }
}

/// A column whose parts do not fit each other.
fn misfit(wrong: Wrong) -> RawColumn<'static> {
    let n = RStr::from_str("n");
    let text = RStr::from_str("text");
    match wrong {
        Wrong::RowsOfNothing => RawColumn {
            kind: ValueKind::Null as u8,
            rows: usize::MAX,
            ..integers(n, &[])
        },
        Wrong::RowsWithoutValues => RawColumn {
            rows: usize::MAX,
            ..integers(n, &[])
        },
        Wrong::RowsBeyondTheFirst => RawColumn {
            rows: 2,
            ..integers(n, &[1])
        },
        Wrong::MarksTooFew => RawColumn {
            validity: RSlice::from_slice(&[1]),
            ..integers(n, &[1, 2])
        },
        Wrong::OffsetsNegative => texts(text, b"four", &[0, -1]),
        Wrong::OffsetsDescending => texts(text, b"four", &[0, 4, 2]),
        Wrong::OffsetsBeyond => texts(text, b"four", &[0, 99]),
        Wrong::OffsetsTooFew => RawColumn {
            rows: 3,
            ..texts(text, b"four", &[0, 4])
        },
        Wrong::NoPointer => RawColumn {
            // SAFETY: none: that is what the host has to find out.
            integers: unsafe { RSlice::from_raw_parts(ptr::null(), 1) },
            ..integers(n, &[1])
        },
        Wrong::UnknownKind => RawColumn {
            kind: 77,
            ..integers(n, &[1])
        },
        Wrong::ColumnNoText => integers(no_text(), &[1]),
        Wrong::ValueNoText => texts(text, NO_TEXT, &[0, 4]),
        _ => integers(n, &[1]),
    }
}

fn replace(attempt: &Attempt<'_>, column: RawColumn<'_>) -> RawReply {
    attempt.replace(RStr::from_str("raw_rows"), RSlice::from_ref(&column))
}

fn insert(attempt: &Attempt<'_>, parameter: RawColumn<'_>) -> RawReply {
    let sql = "INSERT INTO raw_rows (n, text) VALUES (1, ?)";
    attempt.execute(RStr::from_str(sql), RSlice::from_ref(&parameter))
}

struct Nowhere;

impl RawBatchSink for Nowhere {
    fn take(&mut self, _: RSlice<'_, RawColumn<'_>>) -> RawReply {
        RResult::ROk(0)
    }
}

fn no_text() -> RStr<'static> {
    // SAFETY: none: that is what the host has to find out.
    unsafe { RStr::from_raw_parts(NO_TEXT.as_ptr(), NO_TEXT.len()) }
}

fn integers<'a>(name: RStr<'a>, integers: &'a [i64]) -> RawColumn<'a> {
    RawColumn {
        name,
        kind: ValueKind::Integer as u8,
        rows: integers.len(),
        validity: RSlice::EMPTY,
        integers: RSlice::from_slice(integers),
        floats: RSlice::EMPTY,
        bytes: RSlice::EMPTY,
        offsets: RSlice::EMPTY,
    }
}

fn texts<'a>(name: RStr<'a>, bytes: &'a [u8], offsets: &'a [i32]) -> RawColumn<'a> {
    RawColumn {
        kind: ValueKind::Text as u8,
        rows: offsets.len() - 1,
        bytes: RSlice::from_slice(bytes),
        offsets: RSlice::from_slice(offsets),
        ..integers(name, &[])
    }
}

/// The answer of a call that failed with a long message.
fn failed(kind: FaultKind) -> RVec<u8> {
    let fault = Fault {
        kind,
        message: "x".repeat(LONG),
        place: Some("y".repeat(LONG)),
        backtrace: Some("z".repeat(LONG)),
    };
    RVec::from(encode(&Outcome::<Processed>::Failed(fault)))
}

extern "C" fn construct(host: RawHost_TO<'static, RBox<()>>) -> RResult<RawProcessor_TO<'static, RBox<()>>, RVec<u8>> {
    RResult::ROk(RawProcessor_TO::from_value(Raw { host }, TD_Opaque))
}

extern "C" fn load() -> RootModuleResult {
    __call_root_module_loader(|| ProcessorModule { construct }.leak_into_prefix())
}

#[unsafe(no_mangle)]
pub static SESSION_PLUGIN_HANDSHAKE: Handshake = export::HANDSHAKE;

// SAFETY: `load` erases a `ProcessorModule_Ref` and nothing else.
#[unsafe(no_mangle)]
pub static _1as_0lib_1header_0root_bmodule_bloader: LibHeader =
    unsafe { LibHeader::from_constructor::<ProcessorModule_Ref>(load, CheckTypeLayout::Yes) };
