//! The root module: what a plugin's library exports.

use std::{cmp::Ordering, fmt};

use abi_stable::{
    StableAbi,
    abi_stability::abi_checking::check_layout_compatibility,
    library::{LibHeader, LibraryError, RootModule},
    sabi_types::VersionStrings,
    std_types::{RBox, RBoxError, RResult, RVec},
};

use super::{API_MINOR, RawHost_TO, RawProcessor_TO};

/// The functions that a plugin's library exports.
///
/// A field that is added says `#[sabi(missing_field(option))]`: it is `None` where the plugin is older.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ProcessorModule_Ref)))]
#[sabi(missing_field(panic))]
pub struct ProcessorModule {
    /// Constructs the processor; called once at load and once more after each panic.
    ///
    /// An error is a [`message::Fault`](super::message::Fault) as JSON bytes.
    #[sabi(last_prefix_field)]
    pub construct:
        extern "C" fn(RawHost_TO<'static, RBox<()>>) -> RResult<RawProcessor_TO<'static, RBox<()>>, RVec<u8>>,
}

impl RootModule for ProcessorModule_Ref {
    abi_stable::declare_root_module_statics! {ProcessorModule_Ref}
    const BASE_NAME: &'static str = "session_processor";
    const NAME: &'static str = "session_processor";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

/// The root module of a library whose handshake tells this minor version, if its layout fits this side's.
///
/// abi_stable's own check wants the library to have all that the host has, so it refuses every plugin that is older
/// than the host. Here either may be the older one, and the newer one must have all that the older one has. What is
/// missing is not called: each accessor looks at what the other side says it has, and takes the default instead.
///
/// # Errors
/// When something else than the end differs; the explanation is abi_stable's.
pub fn root_module_of(header: &'static LibHeader, api_minor: u32) -> Result<ProcessorModule_Ref, LibraryError> {
    let here = <ProcessorModule_Ref as StableAbi>::LAYOUT;
    let there = header
        .layout()
        .ok_or_else(|| unfit("the library does not tell its layout"))?;
    let (older, newer) = match api_minor.cmp(&API_MINOR) {
        Ordering::Less => (there, here),
        Ordering::Equal | Ordering::Greater => (here, there),
    };
    check_layout_compatibility(older, newer).map_err(unfit)?;
    // SAFETY: the layouts were compared above.
    unsafe { header.init_root_module_with_unchecked_layout() }
}

fn unfit(explanation: impl fmt::Display + fmt::Debug) -> LibraryError {
    LibraryError::AbiInstability(RBoxError::from_fmt(&explanation))
}
