//! Opens a library. No other module of the host loads foreign code.
//!
//! Opening runs the library's constructors. `inspect` therefore checks beforehand everything that can be checked
//! without running them.
//!
//! # Threads
//! The system's loader holds a lock while constructors run. A thread that first uses a thread-local value at that time
//! waits for this lock: see [`threads`](crate::threads).

use std::{
    error::Error as _,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

use abi_stable::library::{AbiHeaderRef, LibraryError, ROOT_MODULE_LOADER_NAME_WITH_NUL};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use session_plugin_api::abi::{API_MAJOR, API_MINOR, Handshake, ProcessorModule_Ref, capped, root_module_of};

use super::copies::Copy;
use crate::threads::catch_panic;

/// Why a library is rejected.
#[derive(Debug, thiserror::Error)]
pub(super) enum LibraryRefused {
    /// The system's loader rejects it.
    #[error("the system cannot load it: {}", cause(.0))]
    Open(libloading::Error),
    /// Its description of its types cannot be read.
    #[error("it is damaged: its description of its types cannot be read; copy it again")]
    Description {
        /// abi_stable's own explanation.
        explanation: String,
    },
    /// Its types are laid out differently.
    #[error(
        "its binary interface differs from this host's, although both have version {API_MAJOR}.{API_MINOR} (it was built by {compiler}): build it with the session-plugin-api of this host"
    )]
    Layout {
        /// The plugin's compiler.
        compiler: String,
        /// abi_stable's own explanation.
        explanation: String,
    },
}

/// How a library was built, by its handshake.
#[derive(Clone, Debug)]
pub(super) struct Built {
    /// The minor version of the interface.
    pub(super) api_minor: u32,
    /// The compiler's version.
    pub(super) compiler: String,
}

impl From<&Handshake> for Built {
    fn from(handshake: &Handshake) -> Self {
        Self {
            api_minor: handshake.api_minor,
            compiler: handshake.compiler(),
        }
    }
}

impl LibraryRefused {
    /// What it takes more than a line to explain.
    pub(super) fn explanation(&self) -> Option<String> {
        match self {
            Self::Layout { explanation, .. } | Self::Description { explanation } => Some(capped(explanation)),
            Self::Open(_) => None,
        }
    }
}

/// Opens the library of a private copy that was built like this, and gives its checked root module.
///
/// The library stays open for ever: there is no sound way to close one that may have thread-local values.
pub(super) fn open(copy: Copy, built: &Built) -> Result<ProcessorModule_Ref, LibraryRefused> {
    root_module(open_forever(copy)?, built)
}

/// The message of the system's loader, which libloading reports as the source of its own error.
fn cause(error: &libloading::Error) -> String {
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    // The message may begin with the path of the descriptor, which means nothing to people.
    match text.strip_prefix(DESCRIPTORS).and_then(|rest| rest.split_once(": ")) {
        Some((_, cause)) => cause.to_owned(),
        None => text,
    }
}

/// Where the system lists the open files of this process.
const DESCRIPTORS: &str = "/proc/self/fd/";

#[allow(unsafe_code, reason = "opening a library runs its constructors")]
fn open_forever(copy: Copy) -> Result<&'static Library, LibraryRefused> {
    // SAFETY: running a plugin's code is what the host is for; the file was inspected, and nobody writes it any more.
    let library = unsafe { Library::open(Some(path_of(&copy)), RTLD_NOW | RTLD_LOCAL | libc::RTLD_NODELETE) };
    let library = library.map_err(LibraryRefused::Open)?;
    // Debuggers and backtraces follow the library's path, which leads through the descriptor. So the file stays open.
    std::mem::forget(copy.file);
    Ok(Box::leak(Box::new(library)))
}

/// The path by which the system opens the already open file, even if its name leads elsewhere by now.
fn path_of(copy: &Copy) -> PathBuf {
    let descriptor = Path::new(DESCRIPTORS).join(copy.file.as_raw_fd().to_string());
    match descriptor.exists() {
        true => descriptor,
        // Without /proc, the copy is opened by its name, in a folder that nobody else may write.
        false => copy.path.clone(),
    }
}

#[allow(unsafe_code, reason = "reads a static of the library")]
fn root_module(library: &'static Library, built: &Built) -> Result<ProcessorModule_Ref, LibraryRefused> {
    // SAFETY: abi_stable gives this name to its header alone, which begins with the versions that `upgrade` checks.
    let header = unsafe { library.get::<AbiHeaderRef>(ROOT_MODULE_LOADER_NAME_WITH_NUL) };
    let header = header.map_err(LibraryRefused::Open)?;
    let header: AbiHeaderRef = *header;
    let api_minor = built.api_minor;
    // Where the library's description of itself is nonsense, abi_stable panics.
    let module = catch_panic(move || header.upgrade().and_then(|header| root_module_of(header, api_minor)));
    match module {
        Ok(Ok(module)) => Ok(module),
        Ok(Err(error)) => Err(LibraryRefused::Layout {
            compiler: built.compiler.clone(),
            explanation: LibraryError::to_string(&error),
        }),
        Err(explanation) => Err(LibraryRefused::Description { explanation }),
    }
}
