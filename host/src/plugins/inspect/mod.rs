//! Reads a library as an object file before it is opened, because opening already runs its code.

mod elf;
mod handshake;
mod image;

use abi_stable::library::ROOT_MODULE_LOADER_NAME;
use object::{Architecture, ExportTarget, Object, ObjectKind, ObjectSegment};
use session_plugin_api::abi::{HANDSHAKE_SYMBOL, Handshake};

use handshake::HandshakeRefused;

/// Why a file is not a library that could hold a processor.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotAPlugin {
    /// It is not an object file, or is cut short.
    #[error("it is not a shared library, or is cut short ({0}): if it is being copied, try again when it is complete")]
    Unreadable(object::Error),
    /// It is another kind of object file.
    #[error("it is not a shared library but {0:?}: build it with crate-type = [\"cdylib\"]")]
    Kind(ObjectKind),
    /// It was built for another machine.
    #[error("it is built for {found:?}, but this host runs on {expected}: build it for this machine")]
    Machine {
        /// The architecture that it was built for.
        found: Architecture,
        /// The architecture of this machine.
        expected: &'static str,
    },
    /// Its segments end after the end of the file.
    #[error("it is cut short: it has {there} bytes, but its segments end at byte {named}; copy it again")]
    CutShort {
        /// Where its segments end.
        named: u64,
        /// The length of the file.
        there: u64,
    },
    /// It has its full length, but holes or invalid data in it.
    #[error("it is damaged: {0}; copy it again")]
    Damaged(image::Damage),
    /// It does not export what a processor exports.
    #[error("it holds no processor module: call session_plugin_api::export_processor! in it")]
    NoModule,
    /// Its handshake does not fit this host.
    #[error(transparent)]
    Handshake(#[from] HandshakeRefused),
}

impl From<image::Damage> for NotAPlugin {
    fn from(error: image::Damage) -> Self {
        Self::Damaged(error)
    }
}

/// Checks that these bytes are a complete shared library for this machine that exports a processor module; returns its
/// handshake.
pub(super) fn inspect(bytes: &[u8]) -> Result<Handshake, NotAPlugin> {
    let file = object::File::parse(bytes).map_err(NotAPlugin::Unreadable)?;
    if file.kind() != ObjectKind::Dynamic {
        return Err(NotAPlugin::Kind(file.kind()));
    }
    if Some(file.architecture()) != this_machine() {
        return Err(NotAPlugin::Machine {
            found: file.architecture(),
            expected: std::env::consts::ARCH,
        });
    }
    let named = file.segments().map(|segment| segment.file_range());
    let named = named
        .map(|(start, length)| start.saturating_add(length))
        .max()
        .unwrap_or(0);
    let there = bytes.len() as u64;
    if named > there {
        return Err(NotAPlugin::CutShort { named, there });
    }
    if let object::File::Elf64(library) = &file {
        elf::check(library, bytes)?;
    }
    let handshake = export(&file, HANDSHAKE_SYMBOL, |target| handshake::read(&file, target))?;
    export(&file, ROOT_MODULE_LOADER_NAME, |_| ())?;
    Ok(handshake?)
}

/// Mach-O puts an underscore before every name.
fn without_underscore(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"_").unwrap_or(name)
}

/// What `read` returns for the symbol that the library exports by this name.
fn export<T>(
    file: &object::File<'_>,
    symbol: &str,
    read: impl FnOnce(&ExportTarget<'_>) -> T,
) -> Result<T, NotAPlugin> {
    for export in file.exports().map_err(NotAPlugin::Unreadable)? {
        let export = export.map_err(NotAPlugin::Unreadable)?;
        if export.name().into_name().map(without_underscore) == Some(without_underscore(symbol.as_bytes())) {
            return Ok(read(&export.target()));
        }
    }
    Err(NotAPlugin::NoModule)
}

fn this_machine() -> Option<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Some(Architecture::X86_64),
        "aarch64" => Some(Architecture::Aarch64),
        "riscv64" => Some(Architecture::Riscv64),
        "powerpc64" => Some(Architecture::PowerPc64),
        "s390x" => Some(Architecture::S390x),
        _ => None,
    }
}
