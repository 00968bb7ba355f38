//! The first thing that the host reads from a plugin: plain C data, whose layout never changes.
//!
//! It contains no addresses. The host can therefore read it from the library's file, before any code of the library runs.

/// The major version of the interface. Host and plugin must have the same one.
pub const API_MAJOR: u32 = 1;

/// The minor version of the interface. It grows with each addition; all minor versions of one major version are compatible.
pub const API_MINOR: u32 = 4;

/// The name of the exported static that holds the [`Handshake`].
pub const HANDSHAKE_SYMBOL: &str = "SESSION_PLUGIN_HANDSHAKE";

/// The first bytes of every [`Handshake`].
pub const MAGIC: [u8; 16] = *b"session-plugin\0\x01";

/// What the host learns about a plugin before any of its code runs. The host reads it from the library's file.
///
/// [`export_processor!`](crate::export_processor) exports it as the static [`HANDSHAKE_SYMBOL`].
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Handshake {
    /// [`MAGIC`].
    pub magic: [u8; 16],
    /// [`API_MAJOR`] of the `session-plugin-api` that the plugin was built with.
    pub api_major: u32,
    /// [`API_MINOR`] of the `session-plugin-api` that the plugin was built with.
    pub api_minor: u32,
    /// A [`PanicStrategy`], as its number.
    pub panic_strategy: u32,
    /// Always zero. It keeps the layout free of padding.
    pub reserved: u32,
    /// The compiler's `--version` line, UTF-8, cut to fit and padded with zeros.
    pub compiler: [u8; 96],
}

/// What happens when a plugin's code panics.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicStrategy {
    /// The stack unwinds, so the plugin's side can catch the panic.
    Unwind = 1,
    /// The process aborts, the host included.
    Abort = 2,
}

impl PanicStrategy {
    /// The strategy with which this crate is compiled.
    pub const CURRENT: Self = if cfg!(panic = "unwind") {
        Self::Unwind
    } else {
        Self::Abort
    };
}

impl Handshake {
    /// Creates the handshake of a plugin that is compiled together with this crate.
    #[must_use]
    pub const fn new(panic_strategy: PanicStrategy, compiler: &str) -> Self {
        Self {
            magic: MAGIC,
            api_major: API_MAJOR,
            api_minor: API_MINOR,
            panic_strategy: panic_strategy as u32,
            reserved: 0,
            compiler: padded(compiler.as_bytes()),
        }
    }

    /// Reads the handshake from the bytes of a library's file. The library must be for this machine. `None` if there are
    /// too few bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (numbers, rest) = rest.split_first_chunk::<16>()?;
        let (compiler, _) = rest.split_first_chunk()?;
        let (numbers, _) = numbers.as_chunks();
        let [api_major, api_minor, panic_strategy, reserved] = *numbers else {
            return None;
        };
        Some(Self {
            magic: *magic,
            api_major: u32::from_ne_bytes(api_major),
            api_minor: u32::from_ne_bytes(api_minor),
            panic_strategy: u32::from_ne_bytes(panic_strategy),
            reserved: u32::from_ne_bytes(reserved),
            compiler: *compiler,
        })
    }

    /// The compiler's `--version` line. A byte that is not text becomes U+FFFD.
    #[must_use]
    pub fn compiler(&self) -> String {
        let end = self.compiler.iter().position(|byte| *byte == 0);
        let text = &self.compiler[..end.unwrap_or(self.compiler.len())];
        String::from_utf8_lossy(text).into_owned()
    }

    /// Whether the plugin's panics can be caught.
    #[must_use]
    pub fn unwinds(&self) -> bool {
        self.panic_strategy == PanicStrategy::Unwind as u32
    }
}

const fn padded(text: &[u8]) -> [u8; 96] {
    let mut field = [0; 96];
    let mut index = 0;
    while index < text.len() && index < field.len() {
        field[index] = text[index];
        index += 1;
    }
    field
}
