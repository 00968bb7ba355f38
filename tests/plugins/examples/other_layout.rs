//! A plugin whose handshake is right, and whose module is laid out differently.

#![allow(
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unsafe_code,
    reason = "abi_stable gives the names, and looks them up"
)]

use abi_stable::{
    StableAbi, declare_root_module_statics,
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModule, RootModuleResult},
    prefix_type::PrefixTypeTrait,
    sabi_types::VersionStrings,
};
use session_host_test_plugins::session_plugin_api::{abi::Handshake, export};

#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = OtherModule_Ref)))]
pub struct OtherModule {
    #[sabi(last_prefix_field)]
    pub answer: extern "C" fn() -> u64,
}

impl RootModule for OtherModule_Ref {
    declare_root_module_statics! {OtherModule_Ref}
    const BASE_NAME: &'static str = "session_processor";
    const NAME: &'static str = "session_processor";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new("1.0.0");
}

extern "C" fn answer() -> u64 {
    42
}

extern "C" fn load() -> RootModuleResult {
    __call_root_module_loader(|| OtherModule { answer }.leak_into_prefix())
}

#[unsafe(no_mangle)]
pub static SESSION_PLUGIN_HANDSHAKE: Handshake = export::HANDSHAKE;

// SAFETY: `load` erases an `OtherModule_Ref` and nothing else.
#[unsafe(no_mangle)]
pub static _1as_0lib_1header_0root_bmodule_bloader: LibHeader =
    unsafe { LibHeader::from_constructor::<OtherModule_Ref>(load, CheckTypeLayout::Yes) };
