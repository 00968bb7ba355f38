//! Reads the handshake of a library from its file.
//!
//! Opening a library runs its constructors. So the host never opens a library whose handshake is missing, damaged or of
//! another version. The handshake is plain data without addresses, so the file has the same bytes that the loader maps.

use object::{ExportTarget, File, Object, ObjectSegment, ObjectSymbol};
use session_plugin_api::abi::{API_MAJOR, API_MINOR, HANDSHAKE_SYMBOL, Handshake, handshake::MAGIC};

use super::without_underscore;

/// Why a library's handshake is rejected.
#[derive(Debug, thiserror::Error)]
pub(in crate::plugins) enum HandshakeRefused {
    /// It does not begin like a handshake.
    #[error("its handshake does not come from session-plugin-api: build it with session-plugin-api {API_MAJOR}")]
    Foreign,
    /// It begins like a handshake, but ends too early.
    #[error("its handshake is cut short: copy it again, or build it with session-plugin-api {API_MAJOR}")]
    CutShort,
    /// The library was built with another major version of the interface.
    #[error(
        "it was built with plugin interface {major}.{minor} by {compiler}, but this host has {API_MAJOR}.{API_MINOR}: build it with session-plugin-api {API_MAJOR}"
    )]
    Version {
        /// The plugin's major version.
        major: u32,
        /// The plugin's minor version.
        minor: u32,
        /// The plugin's compiler.
        compiler: String,
    },
    /// Its panics would end the host.
    #[error(
        "it was built with panic = \"abort\" by {compiler}, so its panics cannot be contained: build it with panic = \"unwind\""
    )]
    Aborts {
        /// The plugin's compiler.
        compiler: String,
    },
}

/// Reads and checks the handshake that the library exports. Reads on only if the magic bytes are right.
pub(super) fn read(file: &File<'_>, target: &ExportTarget<'_>) -> Result<Handshake, HandshakeRefused> {
    let ExportTarget::Address { address } = *target else {
        return Err(HandshakeRefused::Foreign);
    };
    let bytes = bytes_at(file, address);
    let bytes = match size_in_table(file) {
        Some(size) => &bytes[..bytes.len().min(size)],
        None => bytes,
    };
    if !bytes.starts_with(&MAGIC) {
        return Err(HandshakeRefused::Foreign);
    }
    check(Handshake::from_bytes(bytes).ok_or(HandshakeRefused::CutShort)?)
}

fn check(handshake: Handshake) -> Result<Handshake, HandshakeRefused> {
    let compiler = handshake.compiler();
    if handshake.api_major != API_MAJOR {
        return Err(HandshakeRefused::Version {
            major: handshake.api_major,
            minor: handshake.api_minor,
            compiler,
        });
    }
    match handshake.unwinds() {
        true => Ok(handshake),
        false => Err(HandshakeRefused::Aborts { compiler }),
    }
}

/// The bytes of the file from this address to the end of its segment; none if no segment contains the address.
fn bytes_at<'data>(file: &File<'data>, address: u64) -> &'data [u8] {
    let from_address = |segment: object::Segment<'data, '_>| {
        let offset = usize::try_from(address.checked_sub(segment.address())?).ok()?;
        segment.data().ok()?.get(offset..)
    };
    file.segments().find_map(from_address).unwrap_or_default()
}

/// The size of the handshake according to the table of symbols. ELF has sizes there, Mach-O has none.
fn size_in_table(file: &File<'_>) -> Option<usize> {
    let is_handshake = |name: &[u8]| without_underscore(name) == HANDSHAKE_SYMBOL.as_bytes();
    let mut symbols = file.dynamic_symbols();
    let symbol = symbols.find(|symbol| symbol.is_definition() && symbol.name_bytes().is_ok_and(is_handshake))?;
    usize::try_from(symbol.size()).ok().filter(|size| *size > 0)
}
