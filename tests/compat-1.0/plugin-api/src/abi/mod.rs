//! The binary interface between host and plugin.
//!
//! Plugin authors do not need this module: [`export_processor!`](crate::export_processor) writes what is
//! here for them, and the host is the only caller.
//!
//! # How it grows
//!
//! Everything that crosses is one of three kinds, each of which can grow without breaking what was built before:
//!
//! - a trait object ([`RawProcessor`], [`RawAttempt`], [`RawHost`], [`RawBatchSink`]): methods are added at the end, after
//!   `last_prefix_field`, with a default body that stands in when the other side does not have them yet;
//! - the root module ([`ProcessorModule`]), a prefix type: fields are added at its end;
//! - JSON bytes for what is cold ([`message`]): keys are added, unknown ones ignored.
//!
//! Each growth raises [`API_MINOR`], by which [`root_module_of`] knows which side is the older one. Never raise for it what
//! abi_stable takes for a break: the major version of this package, or the minor one while the major one is 0.
//!
//! The one hot structure, [`RawColumn`], is fixed; another shape would be another method.
//!
//! # What is checked before a plugin's code runs
//!
//! The [`Handshake`] first, since it explains itself in one line; then abi_stable's comparison of the layouts.

// The macros of abi_stable write vtables: their `unsafe` is sound by the layouts that they check.
#[allow(
    missing_docs,
    non_camel_case_types,
    non_local_definitions,
    unsafe_code,
    reason = "written by abi_stable's macros"
)]
mod batch;
pub mod handshake;
pub mod message;
#[allow(
    missing_docs,
    non_camel_case_types,
    non_local_definitions,
    unsafe_code,
    reason = "written by abi_stable's macros"
)]
mod module;
#[allow(
    missing_docs,
    non_camel_case_types,
    non_local_definitions,
    unsafe_code,
    unused_braces,
    reason = "written by abi_stable's macros"
)]
mod traits;

pub use batch::{RawBatchSink, RawBatchSink_TO, RawColumn, ValueKind};
pub use handshake::{API_MAJOR, API_MINOR, HANDSHAKE_SYMBOL, Handshake, PanicStrategy};
pub use module::{ProcessorModule, ProcessorModule_Ref, root_module_of};
pub use traits::{RawAttempt, RawAttempt_TO, RawHost, RawHost_TO, RawProcessor, RawProcessor_TO};

/// What a call into the other side gives back: a count of rows, or a [`message::Fault`] as JSON bytes.
pub type RawReply = abi_stable::std_types::RResult<u64, abi_stable::std_types::RVec<u8>>;
