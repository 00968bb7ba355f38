//! What cargo builds for the tests: the host and the plugins, in the folder and the profile of the tests themselves.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The `session-host` binary.
#[must_use]
pub fn host_binary() -> PathBuf {
    built().join("session-host")
}

/// The `session-host` binary that can do without its safeguards: `scripts/unguarded` builds it.
///
/// # Panics
/// If it was not built.
#[must_use]
#[track_caller]
pub fn unguarded_host_binary() -> PathBuf {
    let target_directory = target_folder().parent().expect("a profile's folder has a parent");
    let path = target_directory.join("unguarded/session-host");
    assert!(path.exists(), "there is no {}: run scripts/unguarded", path.display());
    path
}

/// The library of a plugin: an example such as `probe` and `lines`, or a package such as `usage`.
#[must_use]
pub fn library(name: &str) -> PathBuf {
    let file = format!("lib{name}{}", env::consts::DLL_SUFFIX);
    let folder = built();
    let places = [folder.join("examples").join(&file), folder.join(&file)];
    places
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no plugin {name}: cargo built no {file}"))
}

/// Where cargo puts what it builds, below the target directory: `release` or `debug`.
#[must_use]
pub fn target_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let test = env::current_exe().expect("the test program has a path");
        let folder = test
            .ancestors()
            .nth(2)
            .expect("cargo puts tests into target/PROFILE/deps");
        folder.to_owned()
    })
}

/// The cargo that runs the tests, set to build with the same profile into a target directory.
#[must_use]
pub fn build_with(target_directory: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells the tests about their package would make some build scripts run again, and all that follows.
    let told = env::vars_os().map(|(name, _)| name);
    for name in told.filter(|name| is_of_the_package(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo.args(["build", "--quiet", "--target-dir"]).arg(target_directory);
    if target_folder().ends_with("release") {
        cargo.arg("--release");
    }
    cargo
}

fn is_of_the_package(variable: &str) -> bool {
    ["CARGO_MANIFEST", "CARGO_PKG", "CARGO_CRATE", "CARGO_BIN", "OUT_DIR"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
}

/// Builds once what the tests use. With the whole workspace, since a part of it would be built with other features.
fn built() -> &'static Path {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target_directory = target_folder()
            .parent()
            .expect("a profile's folder lies in the target directory");
        let mut build = build_with(target_directory);
        build.args(["--locked", "--workspace", "--lib", "--bins", "--examples"]);
        let status = build.status().expect("cargo can be started");
        assert!(status.success(), "host and plugins must build: {status}");
    });
    target_folder()
}
