//! The least host that there can be: loads plugins, hands each one session, and prints what comes of it as JSON.

#![allow(unsafe_code, reason = "opens a library as the host does")]

use std::{
    env,
    error::Error,
    io::{self, Write},
};

use abi_stable::{
    erased_types::TD_Opaque,
    library::{AbiHeaderRef, ROOT_MODULE_LOADER_NAME_WITH_NUL},
    std_types::{RBox, RResult, RSlice, RStr},
};
use libloading::Library;
use serde_json::{Map, Value, json};
use session_plugin_api::abi::{
    HANDSHAKE_SYMBOL, Handshake, ProcessorModule_Ref, RawAttempt, RawAttempt_TO, RawBatchSink_TO, RawColumn, RawHost,
    RawHost_TO, RawProcessor_TO, RawReply, root_module_of,
};

fn main() -> Result<(), Box<dyn Error>> {
    let answers: Result<Vec<Value>, Box<dyn Error>> = env::args().skip(1).map(|path| answer_of(&path)).collect();
    Ok(writeln!(io::stdout(), "{}", Value::Array(answers?))?)
}

fn answer_of(path: &str) -> Result<Value, Box<dyn Error>> {
    // SAFETY: the tests' own plugin, which is never closed.
    let library: &'static Library = Box::leak(Box::new(unsafe { Library::new(path)? }));
    // SAFETY: the type of this symbol never changes.
    let handshake = unsafe { **library.get::<*const Handshake>(HANDSHAKE_SYMBOL)? };
    // SAFETY: as above.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL)? };
    let module = root_module_of(header.upgrade()?, handshake.api_minor)?;
    let RResult::ROk(processor) = module.construct()(RawHost_TO::from_value(Silence, TD_Opaque)) else {
        return Err("the plugin is not constructed".into());
    };
    let attempt = RawAttempt_TO::from_value(ThreeLines, TD_Opaque);
    let mut answer = Map::new();
    answer.insert("minor".to_owned(), json!(handshake.api_minor));
    answer.insert(
        "processed".to_owned(),
        serde_json::from_slice(&processor.process_session(&attempt))?,
    );
    ask_for_more(&module, &processor, &mut answer)?;
    Ok(Value::Object(answer))
}

/// Calls what the grown interface has more.
#[cfg(feature = "grown")]
fn ask_for_more(
    module: &ProcessorModule_Ref,
    processor: &RawProcessor_TO<'static, RBox<()>>,
    answer: &mut Map<String, Value>,
) -> Result<(), Box<dyn Error>> {
    answer.insert("farewell".to_owned(), serde_json::from_slice(&processor.farewell())?);
    answer.insert("note".to_owned(), json!(module.note().map(|note| note().as_str())));
    Ok(())
}

#[cfg(not(feature = "grown"))]
fn ask_for_more(
    _: &ProcessorModule_Ref,
    _: &RawProcessor_TO<'static, RBox<()>>,
    _: &mut Map<String, Value>,
) -> Result<(), Box<dyn Error>> {
    Ok(())
}

struct Silence;

impl RawHost for Silence {
    fn log_level(&self) -> u8 {
        0
    }

    fn log(&self, _: u8, _: RStr<'_>, _: RStr<'_>, _: RStr<'_>) {}
}

struct ThreeLines;

impl RawAttempt for ThreeLines {
    fn path(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(b"/alice/a.jsonl")
    }

    fn username(&self) -> RStr<'_> {
        RStr::from_str("alice")
    }

    fn session_key(&self) -> RStr<'_> {
        RStr::from_str("alice/a.jsonl")
    }

    fn modified(&self) -> i64 {
        0
    }

    fn file_hash(&self) -> RStr<'_> {
        RStr::from_str("00000000000000000000000000000000")
    }

    fn bytes(&self) -> RSlice<'_, u8> {
        RSlice::from_slice(b"{}\n{}\n{}\n")
    }

    fn run(&self) -> u64 {
        1
    }

    fn replace(&self, _: RStr<'_>, _: RSlice<'_, RawColumn<'_>>) -> RawReply {
        RResult::ROk(0)
    }

    fn execute(&self, _: RStr<'_>, _: RSlice<'_, RawColumn<'_>>) -> RawReply {
        RResult::ROk(0)
    }

    fn query(&self, _: RStr<'_>, _: RSlice<'_, RawColumn<'_>>, _: RawBatchSink_TO<'_, RBox<()>>) -> RawReply {
        RResult::ROk(0)
    }

    #[cfg(feature = "grown")]
    fn bonus(&self) -> u64 {
        1000
    }
}
