//! The least host of interface 1.0: loads plugins, configures each, hands each one session, and prints as JSON what comes of
//! it.

use std::{cell::RefCell, env, error::Error};

use abi_stable::{
    erased_types::TD_Opaque,
    library::{AbiHeaderRef, ROOT_MODULE_LOADER_NAME_WITH_NUL},
    std_types::{RBox, RResult, RSlice, RStr},
};
use libloading::Library;
use serde_json::{Value, json};
use session_plugin_api::abi::{
    HANDSHAKE_SYMBOL, Handshake, RawAttempt, RawAttempt_TO, RawBatchSink_TO, RawColumn, RawHost, RawHost_TO, RawReply,
    message::{Fault, encode},
    root_module_of,
};

fn main() -> Result<(), Box<dyn Error>> {
    let answers: Result<Vec<Value>, Box<dyn Error>> = env::args().skip(1).map(|path| answer_of(&path)).collect();
    println!("{}", Value::Array(answers?));
    Ok(())
}

fn answer_of(path: &str) -> Result<Value, Box<dyn Error>> {
    // SAFETY: the tests' own plugin, which is never closed.
    let library: &'static Library = Box::leak(Box::new(unsafe { Library::new(path)? }));
    // SAFETY: the type of this symbol never changes.
    let handshake = unsafe { **library.get::<*const Handshake>(HANDSHAKE_SYMBOL)? };
    // SAFETY: as above.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL)? };
    let module = root_module_of(header.upgrade()?, handshake.api_minor)?;
    let RResult::ROk(mut processor) = module.construct()(RawHost_TO::from_value(Silence, TD_Opaque)) else {
        return Err("the plugin is not constructed".into());
    };
    let description: Value = serde_json::from_slice(&processor.describe())?;
    let configured: Value = serde_json::from_slice(&processor.configure(RStr::from_str("{}")))?;
    let calls = RefCell::new(Vec::new());
    let attempt = RawAttempt_TO::from_value(ThreeLines { calls: &calls }, TD_Opaque);
    let processed: Value = serde_json::from_slice(&processor.process_session(&attempt))?;
    drop(attempt);
    Ok(json!({
        "interface": [handshake.api_major, handshake.api_minor],
        "name": description["returned"]["descriptor"]["name"],
        "configured": configured,
        "processed": processed,
        "calls": calls.into_inner(),
    }))
}

struct Silence;

impl RawHost for Silence {
    fn log_level(&self) -> u8 {
        0
    }

    fn log(&self, _: u8, _: RStr<'_>, _: RStr<'_>, _: RStr<'_>) {}
}

struct ThreeLines<'a> {
    calls: &'a RefCell<Vec<String>>,
}

impl ThreeLines<'_> {
    fn called(&self, call: &str, what: RStr<'_>) -> RawReply {
        self.calls.borrow_mut().push(format!("{call} {what}"));
        RResult::ROk(1)
    }
}

impl RawAttempt for ThreeLines<'_> {
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
        RSlice::from_slice(b"{\"do\":\"tell_deadline\"}\n{}\n{}\n")
    }

    fn run(&self) -> u64 {
        1
    }

    fn replace(&self, table: RStr<'_>, _: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.called("replace", table)
    }

    fn execute(&self, sql: RStr<'_>, _: RSlice<'_, RawColumn<'_>>) -> RawReply {
        self.called("execute", sql)
    }

    fn query(&self, _: RStr<'_>, _: RSlice<'_, RawColumn<'_>>, _: RawBatchSink_TO<'_, RBox<()>>) -> RawReply {
        RResult::RErr(encode(&Fault::error("this host has no database")).into())
    }
}
