//! A library of full length with holes in it, as a crash of the machine or a bad disk leaves one: what the host can tell
//! before it is loaded, it tells.

use std::fs;

use object::{Object, ObjectSection};
use session_host_tests::{LibraryFile, World, library, library_name};

const PAGE: usize = 4096;

/// Where a section lies in the file.
fn place_of(bytes: &[u8], section: &str) -> (usize, usize) {
    let file = object::File::parse(bytes).unwrap();
    let section = file.section_by_name(section).unwrap_or_else(|| panic!("no {section}"));
    let (start, length) = section.file_range().unwrap();
    (usize::try_from(start).unwrap(), usize::try_from(length).unwrap())
}

/// The library with zeros in place of a page of this section; of all of it where it is smaller.
fn with_hole(bytes: &[u8], section: &str) -> Vec<u8> {
    let (start, length) = place_of(bytes, section);
    let hole = match length >= 2 * PAGE {
        true => {
            let page = start.next_multiple_of(PAGE);
            page..page + PAGE
        }
        false => start..start + length,
    };
    let mut damaged = bytes.to_vec();
    damaged[hole].fill(0);
    damaged
}

#[test]
#[cfg(target_os = "linux")]
fn a_hole_in_what_is_loaded_is_told_before_it_is() {
    let whole = fs::read(library("usage")).unwrap();
    let world = World::with(&["probe"]);
    let sections = [
        ".dynsym",
        ".dynstr",
        ".gnu.hash",
        ".gnu.version_r",
        ".rela.dyn",
        ".dynamic",
        ".text",
        ".eh_frame",
        ".eh_frame_hdr",
        ".gcc_except_table",
    ];
    let name = |section: &str| library_name(&section[1..].replace('.', "-"));
    for section in sections {
        world.install_file(LibraryFile::Bytes(&with_hole(&whole, section)), &name(section));
    }
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    for section in sections {
        let reason = listing.rejection_of(&name(section));
        let is_told = reason.starts_with("it is damaged: ") && reason.ends_with("; copy it again");
        // Without any symbol or dynamic section it is no library at all.
        let is_none = reason.contains("not a shared library") || reason.contains("no processor module");
        assert!(is_told || is_none, "{section}: {reason}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_description_of_types_that_is_nonsense_is_refused_and_no_fault_of_the_host() {
    let whole = fs::read(library("usage")).unwrap();
    let (start, length) = place_of(&whole, ".data.rel.ro");
    let mut reasons = Vec::new();
    for page in (start.next_multiple_of(PAGE)..start + length - PAGE).step_by(PAGE) {
        let mut damaged = whole.clone();
        damaged[page..page + PAGE].fill(0);
        let world = World::new();
        world.install_file(LibraryFile::Bytes(&damaged), &library_name("usage"));
        let ran = world.host(&["processors", "--json"]);
        assert!(
            ran.status != 101 && !ran.stderr.contains("bug in session-host"),
            "{}",
            ran.stderr
        );
        reasons.push(ran.stdout);
    }
    let expected = "it is damaged: its description of its types cannot be read; copy it again";
    assert!(reasons.iter().any(|reason| reason.contains(expected)), "{reasons:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn tables_that_point_out_of_the_library_are_told() {
    let whole = fs::read(library("usage")).unwrap();
    let world = World::with(&["probe"]);
    let (relocations, _) = place_of(&whole, ".rela.dyn");
    let (symbols, _) = place_of(&whole, ".dynsym");
    let outside = u64::MAX >> 8;
    for (file, place) in [
        ("target-of-a-relocation", relocations + 24),
        ("address-of-a-relocation", relocations + 2 * 24 + 16),
        ("name-of-a-symbol", symbols + 24),
    ] {
        let mut damaged = whole.clone();
        damaged[place..place + 8].copy_from_slice(&outside.to_le_bytes());
        world.install_file(LibraryFile::Bytes(&damaged), &library_name(file));
    }
    let listing = world.processors();
    assert_eq!(listing.loaded(), ["probe"]);
    for (file, expected) in [
        (
            "target-of-a-relocation",
            "entry 1 of its table of relocations is invalid",
        ),
        (
            "address-of-a-relocation",
            "entry 2 of its table of relocations is invalid",
        ),
        ("name-of-a-symbol", "entry 1 of its table of symbols is invalid"),
    ] {
        let reason = listing.rejection_of(&library_name(file));
        assert_eq!(reason, format!("it is damaged: {expected}; copy it again"));
    }
}
