//! A plugin and a host of interface 1.0: `tests/compat-1.0`, built in the target directory.

use std::path::PathBuf;

use crate::{
    artifacts::{build_with, target_folder},
    copied::{files, lock, read, write_where_it_differs},
    documentation::repository,
};

/// Builds the host and the plugin of interface 1.0, and gives their paths. Nothing is downloaded.
#[must_use]
pub fn interface_1_0() -> (PathBuf, PathBuf) {
    let target_directory = target_folder()
        .parent()
        .expect("a profile's folder lies in the target directory");
    let source = repository().join("tests/compat-1.0");
    let copy = target_directory.join("compat-1.0");
    for path in files(&source) {
        let below = path.strip_prefix(&source).expect("it lies in the folder");
        write_where_it_differs(&copy.join(below), &read(&path));
    }
    lock(&copy);
    let mut build = build_with(target_directory);
    build
        .current_dir(&copy)
        .args(["--offline", "--package", "compat-host", "--package", "compat-plugin"]);
    let status = build.status().expect("cargo can be started");
    assert!(status.success(), "interface 1.0 must build: {status}");
    let library = format!("libcompat_1_0{}", std::env::consts::DLL_SUFFIX);
    (target_folder().join("compat_host_1_0"), target_folder().join(library))
}
