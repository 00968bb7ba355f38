//! The root module: what a plugin's library exports.

use abi_stable::{
    StableAbi,
    library::RootModule,
    sabi_types::VersionStrings,
    std_types::{RBox, RResult, RVec},
};

use super::{RawHost_TO, RawProcessor_TO};

/// The functions that a plugin's library exports.
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
