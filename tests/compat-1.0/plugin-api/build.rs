//! Records the compiler that built this crate, so that a host can name it when it refuses a plugin.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC");
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler)
        .arg("--version")
        .output()
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    println!(
        "cargo:rustc-env=SESSION_PLUGIN_COMPILER={}",
        version.as_deref().map_or("unknown compiler", str::trim)
    );
}
