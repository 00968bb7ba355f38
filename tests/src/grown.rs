//! The same interface, one minor version on: a copy of its sources with more at the end of each part that can grow.

use std::path::{Path, PathBuf};

use crate::{
    artifacts::{build_with, target_folder},
    copied::{files, lock, read, write_where_it_differs},
    documentation::repository,
};

/// What the copy has more: in which file, after which text, and what.
const GROWTH: [(&str, &str, &str); 7] = [
    ("plugin-api/src/abi/handshake.rs", "pub const API_MINOR: u32 = ", "1 + "),
    (
        "plugin-api/src/abi/traits.rs",
        "        let _ = session;\n        RVec::from(encode(&Outcome::Returned(())))\n    }",
        "fn farewell(&self) -> RVec<u8> { RVec::from(b\"\\\"none\\\"\".to_vec()) }",
    ),
    (
        "plugin-api/src/abi/traits.rs",
        "        RawCancellation_TO::from_value(NeverCancelled, TD_Opaque)\n    }",
        "fn bonus(&self) -> u64 { 0 }",
    ),
    (
        "plugin-api/src/abi/module.rs",
        "RResult<RawProcessor_TO<'static, RBox<()>>, RVec<u8>>,",
        "#[sabi(missing_field(option))]
         pub note: extern \"C\" fn() -> abi_stable::std_types::RStr<'static>,",
    ),
    (
        "plugin-api/src/export/mod.rs",
        "        construct: instance::construct::<P>,",
        "note: instance::note,",
    ),
    (
        "plugin-api/src/export/instance.rs",
        "                items_count: result.items_count",
        "+ attempt.bonus()",
    ),
    (
        "plugin-api/src/export/instance.rs",
        "impl<P: Exported> RawProcessor for Instance<P> {",
        "fn farewell(&self) -> RVec<u8> { RVec::from(b\"\\\"goodbye\\\"\".to_vec()) }",
    ),
];

const NOTE: &str = "pub(super) extern \"C\" fn note() -> RStr<'static> { RStr::from_str(\"grown\") }";

/// Builds the host and the plugin of `tests/growth` with the grown interface, and gives their paths.
#[must_use]
pub fn grown() -> (PathBuf, PathBuf) {
    let target_directory = target_folder()
        .parent()
        .expect("a profile's folder lies in the target directory");
    let copy = target_directory.join("grown");
    make_copy(&copy);
    let mut build = build_with(target_directory);
    build
        .current_dir(&copy)
        .args(["--features", "grown", "--bins", "--examples"]);
    build.args(["--package", "session-host-grown"]);
    let status = build.status().expect("cargo can be started");
    assert!(status.success(), "the grown interface must build: {status}");
    let library = format!("libgrown_plugin{}", std::env::consts::DLL_SUFFIX);
    (
        target_folder().join("grown_host"),
        target_folder().join("examples").join(library),
    )
}

fn make_copy(copy: &Path) {
    let workspace = repository();
    for folder in ["plugin-api", "tests/growth"] {
        for path in files(&workspace.join(folder)) {
            let below = path.strip_prefix(&workspace).expect("it lies in the workspace");
            write_where_it_differs(&copy.join(below), &grown_text(below, &read(&path)));
        }
    }
    let manifest = read(&workspace.join("Cargo.toml"));
    let (_, shared) = manifest
        .split_once("[workspace.package]")
        .expect("the packages share what they can");
    let members = "[workspace]\nresolver = \"3\"\nmembers = [\"plugin-api\", \"tests/growth\"]\n\n[workspace.package]";
    write_where_it_differs(&copy.join("Cargo.toml"), &format!("{members}{shared}"));
    lock(copy);
}

fn grown_text(below: &Path, text: &str) -> String {
    if below.ends_with("tests/growth/Cargo.toml") {
        return text
            .replace("growth_", "grown_")
            .replace("session-host-growth", "session-host-grown");
    }
    let mut text = text.to_owned();
    for (_, anchor, more) in GROWTH.iter().filter(|(file, ..)| below.ends_with(file)) {
        assert_eq!(
            text.matches(anchor).count(),
            1,
            "{} has `{anchor}` once",
            below.display()
        );
        text = text.replace(anchor, &format!("{anchor} {more}"));
    }
    if below.ends_with("export/instance.rs") {
        text.push_str(NOTE);
    }
    text
}
