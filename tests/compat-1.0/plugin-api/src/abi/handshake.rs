//! The first thing that a host reads of a plugin: plain C data, whose layout never changes.

/// The major version of the interface: host and plugin must have the same.
pub const API_MAJOR: u32 = 1;

/// The minor version of the interface: grows when something is added; any two of one major version fit together.
pub const API_MINOR: u32 = 0;

/// The name of the exported static that holds the [`Handshake`].
pub const HANDSHAKE_SYMBOL: &str = "SESSION_PLUGIN_HANDSHAKE";

/// The bytes that every [`Handshake`] begins with.
pub const MAGIC: [u8; 16] = *b"session-plugin\0\x01";

/// What a plugin says of itself before any of its code runs.
///
/// Exported by [`export_processor!`](crate::export_processor) as the static [`HANDSHAKE_SYMBOL`].
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
    /// Always zero: keeps the layout free of padding.
    pub reserved: u32,
    /// The compiler's `--version` line, UTF-8, cut to fit and padded with zeros.
    pub compiler: [u8; 96],
}

/// What a plugin's code does when it panics.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PanicStrategy {
    /// The stack is unwound, so that the panic can be contained.
    Unwind = 1,
    /// The process is aborted: nothing can contain that.
    Abort = 2,
}

impl PanicStrategy {
    /// The strategy that the code which names this constant is compiled with.
    pub const CURRENT: Self = if cfg!(panic = "unwind") {
        Self::Unwind
    } else {
        Self::Abort
    };
}

impl Handshake {
    /// The handshake of a plugin that is compiled together with this crate.
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

    /// The compiler's `--version` line, as far as it is text.
    #[must_use]
    pub fn compiler(&self) -> String {
        let end = self.compiler.iter().position(|byte| *byte == 0);
        let text = &self.compiler[..end.unwrap_or(self.compiler.len())];
        String::from_utf8_lossy(text).into_owned()
    }

    /// Whether the plugin's panics can be contained.
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
