//! What [`export_processor!`](crate::export_processor) puts into a plugin's library.

pub(crate) mod guard;
mod instance;
mod logging;

use abi_stable::{
    library::{__call_root_module_loader, CheckTypeLayout, LibHeader, RootModuleResult},
    prefix_type::PrefixTypeTrait,
};

pub use abi_stable;

use crate::{
    SessionProcessor,
    abi::{Handshake, PanicStrategy, ProcessorModule, ProcessorModule_Ref},
};

/// Makes a [`SessionProcessor`] the processor of this library.
///
/// Used once in a crate of `crate-type = ["cdylib"]`:
///
/// ```no_run
/// use session_plugin_api::prelude::*;
///
/// #[derive(Default)]
/// struct Lines;
///
/// impl SessionProcessor for Lines {
///     fn descriptor(&self) -> Descriptor {
///         Descriptor::new("lines").cadence_minutes(10)
///     }
///
///     fn process_session(&self, session: &Session<'_>, _: &Connection<'_>) -> Result<ProcessorResult> {
///         let lines = session.events().filter(|event| event.is_ok()).count();
///         Ok(ProcessorResult { items_count: lines as u64 })
///     }
/// }
///
/// export_processor!(Lines);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! export_processor {
    ($processor:ty) => {
        #[cfg(panic = "abort")]
        compile_error!(
            "a session processor must be compiled with panic = \"unwind\": with \"abort\" its panics would end the host. \
             Remove `panic = \"abort\"` from the profile."
        );

        /// What the host reads before it runs any code of this library.
        #[unsafe(no_mangle)]
        #[allow(unsafe_code, reason = "the host looks the symbol up by this name")]
        pub static SESSION_PLUGIN_HANDSHAKE: $crate::abi::Handshake = $crate::export::HANDSHAKE;

        /// The root module, under the name at which abi_stable expects it.
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals, reason = "abi_stable gives the name")]
        #[allow(unsafe_code, reason = "the host looks the symbol up by this name")]
        pub static _1as_0lib_1header_0root_bmodule_bloader: $crate::export::abi_stable::library::LibHeader =
            $crate::export::library_header::<$processor>();

        impl $crate::export::Exported for $processor {
            const PACKAGE_VERSION: &'static str = env!("CARGO_PKG_VERSION");
        }
    };
}

/// A processor and what only its own crate can say of it. Implemented by [`export_processor!`](crate::export_processor).
pub trait Exported: SessionProcessor {
    /// The version of the plugin's package.
    const PACKAGE_VERSION: &'static str;
}

/// The handshake of a library that is built with this crate.
pub const HANDSHAKE: Handshake = Handshake::new(PanicStrategy::CURRENT, env!("SESSION_PLUGIN_COMPILER"));

/// The header that abi_stable reads: versions, layouts and the constructor of the root module.
#[must_use]
#[allow(unsafe_code, reason = "abi_stable asks for a constructor of the right type")]
pub const fn library_header<P: Exported>() -> LibHeader {
    // SAFETY: `load` erases a `ProcessorModule_Ref` and nothing else.
    unsafe { LibHeader::from_constructor::<ProcessorModule_Ref>(load::<P>, CheckTypeLayout::Yes) }
}

extern "C" fn load<P: Exported>() -> RootModuleResult {
    __call_root_module_loader(module::<P>)
}

fn module<P: Exported>() -> ProcessorModule_Ref {
    ProcessorModule {
        construct: instance::construct::<P>,
    }
    .leak_into_prefix()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_header_has_the_name_that_abi_stable_looks_up() {
        assert_eq!(
            abi_stable::library::ROOT_MODULE_LOADER_NAME,
            "_1as_0lib_1header_0root_bmodule_bloader"
        );
    }
}
