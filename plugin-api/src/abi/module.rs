//! The root module: the functions that a plugin's library exports, and how the host finds them.

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
/// Mark a field that you add with `#[sabi(missing_field(option))]`: it is `None` if the plugin is older.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = ProcessorModule_Ref)))]
#[sabi(missing_field(panic))]
pub struct ProcessorModule {
    /// Constructs the processor. The host calls it when it loads the plugin, and whenever it replaces a discarded instance.
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

/// The root module of a library, if its layout is compatible with this side's. `api_minor` comes from its handshake.
///
/// abi_stable's own check demands that the library has everything that the host has, so it rejects every plugin that is
/// older than the host. Here either side may be older, and the newer side must have everything that the older side has.
/// Nothing calls a missing function: each accessor checks what the other side has, and falls back to the default.
///
/// # Errors
/// Fails if the layouts differ in anything but additions at the end. The explanation is abi_stable's.
pub fn root_module_of(header: &'static LibHeader, api_minor: u32) -> Result<ProcessorModule_Ref, LibraryError> {
    let here = <ProcessorModule_Ref as StableAbi>::LAYOUT;
    let there = header
        .layout()
        .ok_or_else(|| unfit("the library does not export its layout"))?;
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
