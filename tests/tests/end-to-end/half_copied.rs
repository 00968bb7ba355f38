//! A library that is still being copied: whatever of it is there, the host says so and goes on.

use std::{collections::BTreeSet, fs};

use session_host_tests::{LibraryFile, World, library, library_name};

/// Lengths to cut at: around each power of two, and at so many places in between.
fn cuts(length: usize) -> BTreeSet<usize> {
    const PLACES: usize = 61;
    let powers = (0..usize::BITS)
        .map(|power| 1 << power)
        .take_while(|power| *power < length);
    let around = powers.flat_map(|power: usize| [power - 1, power, power + 1]);
    let between = (0..PLACES).map(|place| length / PLACES * place);
    let ends = [length - 1, length - 64, length - 4096];
    around.chain(between).chain(ends).filter(|cut| *cut < length).collect()
}

#[test]
fn every_length_is_refused_and_none_crashes_the_host() {
    let world = World::new();
    let whole = fs::read(library("probe")).unwrap();
    world.install_as("probe", &library_name("whole"));
    let name = |cut: &usize| library_name(&format!("cut-{cut}"));
    let cuts = cuts(whole.len());
    for cut in &cuts {
        world.install_file(LibraryFile::Bytes(&whole[..*cut]), &name(cut));
    }
    let listing = world.processors();
    assert_eq!(listing.files.len(), cuts.len() + 1);
    assert_eq!(listing.loaded(), ["probe"]);
    for cut in &cuts {
        let reason = listing.rejection_of(&name(cut));
        assert!(reason.contains("cut short"), "{cut} of {} bytes: {reason}", whole.len());
    }
}

#[test]
fn a_run_passes_it_over_and_takes_it_when_it_is_complete() {
    let world = World::with(&["probe"]);
    world.write("alice/a.jsonl", r#"{"do":"rows","count":1}"#);
    let whole = fs::read(library("probe_other")).unwrap();
    let file = library_name("probe_other");
    world.install_file(LibraryFile::Bytes(&whole[..whole.len() / 2]), &file);
    let ran = world.run(&[]).exits(1);
    assert_eq!(ran.result().processor, "probe");
    ran.tells("cut short");

    world.install_file(LibraryFile::Bytes(&whole), &file);
    let ran = world.run(&[]).exits(0);
    assert_eq!(ran.result_of("probe_other").processed, 1);
}
