//! Small programs and libraries, compiled by `rustc` alone: what no package of the workspace could be.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Rust code on its way to a file.
#[derive(Debug)]
pub struct Code {
    folder: TempDir,
    arguments: Vec<String>,
}

impl Code {
    /// This code, as the root of a crate.
    #[must_use]
    pub fn new(code: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(folder.path().join("code.rs"), code).expect("code can be written");
        Self {
            folder,
            arguments: Vec::new(),
        }
    }

    /// This code, with the handshake of the interface as its module `handshake`.
    #[must_use]
    pub fn with_handshake(code: &str) -> Self {
        let handshake = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-api/src/abi/handshake.rs");
        Self::new(&format!("#[path = {handshake:?}] pub mod handshake;\n{code}"))
    }

    /// Adds arguments for `rustc`.
    #[must_use]
    pub fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments
            .extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self
    }

    /// The bytes of what the code is compiled to, such as a `cdylib`.
    #[must_use]
    #[track_caller]
    pub fn compile(&self, crate_type: &str) -> Vec<u8> {
        let (output, complaints) = self.rustc(crate_type);
        fs::read(output).unwrap_or_else(|_| panic!("rustc does not take the code:\n{complaints}"))
    }

    /// What the compiler says to the code.
    #[must_use]
    pub fn complaints(&self, crate_type: &str) -> String {
        self.rustc(crate_type).1
    }

    fn rustc(&self, crate_type: &str) -> (PathBuf, String) {
        let output = self.folder.path().join("compiled");
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.current_dir(self.folder.path());
        rustc.args([
            "--edition=2024",
            "--crate-name=code",
            "-Awarnings",
            "code.rs",
            "-o",
            "compiled",
        ]);
        rustc.args(["--crate-type", crate_type]).args(&self.arguments);
        let ran = rustc.output().expect("rustc can be started");
        (output, String::from_utf8_lossy(&ran.stderr).into_owned())
    }
}
