//! The binary interface between host and plugin.
//!
//! Plugin authors do not need this module. [`export_processor!`](crate::export_processor) generates the plugin's side, and
//! the host is the only caller.
//!
//! # How it grows
//!
//! Host and plugin may have different minor versions. Everything that crosses the ABI boundary is therefore of a kind that
//! can grow without breaking older builds:
//!
//! - Trait objects ([`RawProcessor`], [`RawAttempt`], [`RawHost`], [`RawBatchSink`], [`RawReferenceSink`],
//!   [`RawCancellation`]). Add a method at the end, after `last_prefix_field`, with a default body. The default applies if the other side does not have the
//!   method.
//! - The root module ([`ProcessorModule`]), a prefix type. Add a field at its end.
//! - JSON bytes for everything that is not performance-critical ([`message`]). Add a key; readers ignore unknown keys.
//!
//! Raise [`API_MINOR`] with each addition: [`root_module_of`] compares it to find the older side. Do not raise the
//! major version of this package for an addition, nor the minor version while the major one is 0: abi_stable treats
//! either as a breaking change.
//!
//! [`RawColumn`], the only structure on the hot path, never changes. Another layout would need another method.
//!
//! # What the host checks, and when
//!
//! The host first reads the [`Handshake`] from the library's file, because opening a library runs its constructors. It
//! explains a mismatch in one line. Then the host opens the library, and abi_stable compares the layouts. Only then
//! does the host call the processor.

// The macros of abi_stable write vtables. Their `unsafe` code is sound because they check the layouts.
#[allow(
    missing_docs,
    non_camel_case_types,
    non_local_definitions,
    unsafe_code,
    reason = "written by abi_stable's macros"
)]
mod batch;
mod capped_text;
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
pub use capped_text::capped;
pub use handshake::{API_MAJOR, API_MINOR, HANDSHAKE_SYMBOL, Handshake, PanicStrategy};
pub use module::{ProcessorModule, ProcessorModule_Ref, root_module_of};
pub use traits::{
    RawAttempt, RawAttempt_TO, RawCancellation, RawCancellation_TO, RawHost, RawHost_TO, RawProcessor, RawProcessor_TO,
    RawReferenceSink, RawReferenceSink_TO,
};

/// The result of a call into the other side: a count of rows, or a [`message::Fault`] as JSON bytes.
pub type RawReply = abi_stable::std_types::RResult<u64, abi_stable::std_types::RVec<u8>>;
