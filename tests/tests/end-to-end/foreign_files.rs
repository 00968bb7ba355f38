//! Files that are no plugins, or none for this host: each is refused in one line, beside a good one that loads.

use std::{env, fs, os::unix::fs::symlink, process::Command};

use session_host_tests::{Code, LibraryFile, World, host_binary, library, library_name};

/// What a plugin exports, as far as it can be seen from outside.
const EXPORTS: &str = r#"
    use handshake::{Handshake, PanicStrategy};
    #[unsafe(no_mangle)]
    pub static SESSION_PLUGIN_HANDSHAKE: Handshake = HANDSHAKE;
    #[unsafe(no_mangle)]
    pub static _1as_0lib_1header_0root_bmodule_bloader: [u64; 64] = [0; 64];
"#;

const USUAL: &str = r#"const HANDSHAKE: Handshake = Handshake::new(PanicStrategy::CURRENT, "rustc 0");"#;

/// A constructor, which writes the file that the environment names: opening the library runs it.
const CONSTRUCTOR: &str = r#"
    #[used]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
    static CONSTRUCTOR: extern "C" fn() = constructed;
    extern "C" fn constructed() {
        std::fs::write(std::env::var_os("CONSTRUCTED").unwrap(), "").unwrap();
    }
"#;

/// Puts a library with a constructor beside a good plugin. Gives the reason for which it is refused, and whether the
/// constructor ran.
#[track_caller]
fn refusal_of_constructed(code: &str) -> (String, bool) {
    let mut world = World::new();
    let constructed = world.path("constructed");
    world.set_variable("CONSTRUCTED", constructed.to_str().unwrap());
    world.install("probe");
    let library = Code::with_handshake(&format!("{code}{CONSTRUCTOR}")).compile("cdylib");
    world.install_file(LibraryFile::Bytes(&library), &library_name("foreign"));
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    let reason = listing.rejection_of(&library_name("foreign")).to_owned();
    (reason, constructed.exists())
}

/// Puts the file beside a good plugin, and gives the reason for which it is refused.
#[track_caller]
fn refusal_of(bytes: &[u8]) -> String {
    let world = World::with(&["probe"]);
    world.install_file(LibraryFile::Bytes(bytes), &library_name("foreign"));
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    let reason = listing.rejection_of(&library_name("foreign"));
    let logged = listing.ran.stderr.lines().filter(|line| line.contains(reason));
    assert_eq!(
        logged.count(),
        1,
        "one line of the log tells the reason:\n{}",
        listing.ran.stderr
    );
    reason.to_owned()
}

#[track_caller]
fn refusal_of_library(handshake: &str, arguments: &[&str]) -> String {
    let code = Code::with_handshake(&format!("{EXPORTS}{handshake}"));
    refusal_of(&code.arguments(arguments).compile("cdylib"))
}

#[test]
fn a_text_and_an_empty_file() {
    for content in [&b"#!/bin/sh\necho no library\n"[..], b""] {
        let reason = refusal_of(content);
        let expected = "it is not a shared library, or is cut short (";
        assert!(reason.starts_with(expected), "{reason}");
    }
}

#[test]
fn a_library_without_a_processor() {
    let code = Code::new("#[unsafe(no_mangle)] pub extern \"C\" fn answer() -> u64 { 42 }");
    assert_eq!(
        refusal_of(&code.compile("cdylib")),
        "it holds no processor module: call session_plugin_api::export_processor! in it"
    );
}

#[test]
fn a_program() {
    let reason = refusal_of(&fs::read(host_binary()).unwrap());
    assert!(reason.starts_with("it holds no processor module"), "{reason}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_cannot_be_loaded_anywhere() {
    let code = Code::new("fn main() {}").arguments(&["-Crelocation-model=static"]);
    assert_eq!(
        refusal_of(&code.compile("bin")),
        "it is not a shared library but Executable: build it with crate-type = [\"cdylib\"]"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_plugin_for_another_machine() {
    const MACHINE: usize = 18;
    const S390: u8 = 22;
    let mut bytes = fs::read(library("probe")).unwrap();
    bytes[MACHINE] = S390;
    let reason = refusal_of(&bytes);
    assert!(
        reason.starts_with("it is built for S390x, but this host runs on "),
        "{reason}"
    );
    assert!(reason.contains(env::consts::ARCH), "{reason}");
}

/// The reason for which a library is refused whose handshake has these values, and otherwise those of this host.
#[track_caller]
fn refusal_of_handshake(values: &str) -> String {
    let usual = r#"Handshake::new(PanicStrategy::CURRENT, "rustc 9.9.9")"#;
    let handshake = format!("const HANDSHAKE: Handshake = Handshake {{ {values}, ..{usual} }};");
    refusal_of_library(&handshake, &[])
}

#[test]
fn a_plugin_of_another_major_version() {
    assert_eq!(
        refusal_of_handshake("api_major: 7, api_minor: 3"),
        "it was built with plugin interface 7.3 by rustc 9.9.9, but this host has 1.4: build it with session-plugin-api 1"
    );
}

#[test]
fn a_handshake_of_something_else() {
    assert_eq!(
        refusal_of_handshake("magic: [0; 16]"),
        "its handshake does not come from session-plugin-api: build it with session-plugin-api 1"
    );
}

#[test]
fn no_constructor_runs_of_a_library_whose_handshake_does_not_fit() {
    let handshakes = [
        (
            r#"const HANDSHAKE: Handshake = Handshake { magic: [7; 16], ..Handshake::new(PanicStrategy::CURRENT, "rustc 0") };"#,
            "its handshake does not come from session-plugin-api",
        ),
        (
            r#"const HANDSHAKE: Handshake = Handshake { api_major: 7, ..Handshake::new(PanicStrategy::CURRENT, "rustc 0") };"#,
            "it was built with plugin interface 7.",
        ),
        (
            r#"const HANDSHAKE: Handshake = Handshake::new(PanicStrategy::Abort, "rustc 0");"#,
            "it was built with panic = \"abort\"",
        ),
    ];
    let handshakes = handshakes.map(|(handshake, reason)| (format!("{EXPORTS}{handshake}"), reason));
    let others = [
        // The symbol is not there.
        (
            "#[unsafe(no_mangle)] pub static _1as_0lib_1header_0root_bmodule_bloader: u64 = 0;",
            "it holds no processor module",
        ),
        // It is the magic alone.
        (
            "#[unsafe(no_mangle)] pub static SESSION_PLUGIN_HANDSHAKE: [u8; 16] = handshake::MAGIC;
            #[unsafe(no_mangle)] pub static _1as_0lib_1header_0root_bmodule_bloader: u64 = 0;",
            "its handshake is cut short",
        ),
        // It has no content in the file.
        (
            "#[unsafe(no_mangle)] pub static mut SESSION_PLUGIN_HANDSHAKE: [u8; 128] = [0; 128];
            #[unsafe(no_mangle)] pub static _1as_0lib_1header_0root_bmodule_bloader: u64 = 0;",
            "its handshake does not come from session-plugin-api",
        ),
    ];
    let others = others.map(|(code, reason)| (code.to_owned(), reason));
    for (code, expected) in handshakes.into_iter().chain(others) {
        let (reason, is_constructed) = refusal_of_constructed(&code);
        assert!(reason.starts_with(expected), "{reason}");
        assert!(!is_constructed, "the constructor ran of what is refused: {reason}");
    }
}

#[test]
fn a_constructor_runs_of_a_library_whose_handshake_fits() {
    let (reason, is_constructed) = refusal_of_constructed(&format!("{EXPORTS}{USUAL}"));
    assert!(is_constructed, "{reason}");
}

#[test]
fn a_plugin_that_aborts_made_around_the_macro() {
    assert_eq!(
        refusal_of_library(USUAL, &["-Cpanic=abort"]),
        "it was built with panic = \"abort\" by rustc 0, so its panics cannot be contained: build it with panic = \"unwind\""
    );
}

#[test]
fn the_macro_does_not_compile_where_panics_abort() {
    // The dependencies are those of the example that was built a moment ago.
    let dependencies = library("lines").parent().unwrap().with_file_name("deps");
    let interface = dependencies.with_file_name("libsession_plugin_api.rlib");
    let code = Code::new(include_str!("../../../plugin-api/examples/lines.rs")).arguments(&[
        "-Cpanic=abort",
        "--extern",
        &format!("session_plugin_api={}", interface.display()),
        &format!("-Ldependency={}", dependencies.display()),
    ]);
    let complaints = code.complaints("cdylib");
    let expected = "error: a session processor must be compiled with panic = \"unwind\"";
    assert!(complaints.contains(expected), "{complaints}");
}

#[test]
fn another_layout_behind_the_right_handshake() {
    let world = World::with(&["probe", "other_layout"]);
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    let file = library_name("other_layout");
    let reason = listing.rejection_of(&file);
    assert!(
        reason.starts_with(
            "its binary interface differs from this host's, although both have version 1.4 (it was built by rustc "
        ),
        "{reason}"
    );
    let details = listing.of(&file).details.as_deref().unwrap();
    assert!(details.lines().count() > 10, "{details}");
    assert!(
        details.contains("ProcessorModule") && details.contains("OtherModule"),
        "{details}"
    );
    assert!(!listing.ran.stderr.contains("Expected"), "{}", listing.ran.stderr);
}

#[test]
fn a_symbol_that_nobody_defines() {
    let undefined = "
        unsafe extern \"C\" { fn nobody_defines_this(); }
        #[unsafe(no_mangle)]
        pub extern \"C\" fn calls_it() { unsafe { nobody_defines_this() } }
    ";
    let reason = refusal_of_library(&format!("{USUAL}{undefined}"), &[]);
    assert!(reason.starts_with("the system cannot load it: "), "{reason}");
    assert!(reason.contains("undefined symbol: nobody_defines_this"), "{reason}");
}

#[test]
fn what_is_no_file() {
    let world = World::with(&["probe"]);
    fs::create_dir(world.plugins().join(library_name("folder"))).unwrap();
    symlink("nowhere", world.plugins().join(library_name("dangling"))).unwrap();
    symlink(library("lines"), world.plugins().join(library_name("link"))).unwrap();
    let made = Command::new("mkfifo")
        .arg(world.plugins().join(library_name("pipe")))
        .status();
    assert!(made.unwrap().success());
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    for name in ["folder", "pipe"] {
        assert_eq!(listing.rejection_of(&library_name(name)), "it is not a regular file");
    }
    for name in ["dangling", "link"] {
        assert_eq!(
            listing.rejection_of(&library_name(name)),
            "it is a symbolic link: put the file itself into the plugins directory"
        );
    }
}

#[test]
fn files_of_other_names_are_left_alone() {
    let world = World::with(&["probe"]);
    for name in ["README.md", "probe.so.bak", "probe", ".so.swp"] {
        fs::write(world.plugins().join(name), "left alone").unwrap();
    }
    let listing = world.processors();
    assert_eq!(listing.files.len(), 1);
    assert_eq!(listing.ran.stderr, "");
}
