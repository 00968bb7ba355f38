//! Checks the parts of an ELF library that the system's loader trusts: tables, relocations and symbols.
//!
//! A copy may lack pages, after a crash of the machine or on a bad disk, although it has its full length. The loader
//! would trust what it finds there, and crash the process.

use std::collections::BTreeMap;

use object::{
    Endianness, SymbolIndex, elf,
    read::elf::{Dyn as _, ElfFile64, ProgramHeader as _, Rela as _, SectionHeader as _, Sym as _},
};

use super::image::{Damage, Image};

type Symbol = elf::Sym64<Endianness>;
type Relocation = elf::Rela64<Endianness>;

/// The sections, besides code, that have content in every page.
const FULL_SECTIONS: [&[u8]; 3] = [b".eh_frame", b".eh_frame_hdr", b".gcc_except_table"];

/// Checks that the parts which the loader reads exist and lie within the library.
pub(super) fn check(file: &ElfFile64<'_>, bytes: &[u8]) -> Result<(), Damage> {
    let image = Image::of(file, bytes)?;
    let dynamic = Dynamic::of(file, &image)?;
    let strings = dynamic.strings(&image)?;
    let symbols = dynamic.symbols(file, &image)?;
    check_symbols(symbols, strings, &image)?;
    check_versions(file, bytes, symbols)?;
    dynamic.check_hash(symbols.len(), &image)?;
    dynamic.check_relocations(symbols.len(), &image)?;
    dynamic.check_constructors(&image)?;
    check_sections(file, &image)
}

/// The entries of the dynamic section, by their tags.
struct Dynamic {
    entries: BTreeMap<i64, u64>,
    needed: Vec<u64>,
}

impl Dynamic {
    fn of(file: &ElfFile64<'_>, image: &Image<'_>) -> Result<Self, Damage> {
        const WHAT: &str = "dynamic section";
        let endian = image.endian();
        let headers = file.elf_program_headers().iter();
        let mut dynamic = headers.filter(|header| header.p_type(endian) == elf::PT_DYNAMIC);
        let header = dynamic.next().ok_or(Damage::Missing(WHAT))?;
        let count = header.p_filesz(endian) / size_of::<elf::Dyn64<Endianness>>() as u64;
        let table: &[elf::Dyn64<Endianness>] = image.table(header.p_vaddr(endian), count, WHAT)?;
        let end = table.iter().position(|entry| entry.d_tag(endian) == elf::DT_NULL);
        let end = end.ok_or(Damage::Missing("end of the dynamic section"))?;
        let mut found = Self {
            entries: BTreeMap::new(),
            needed: Vec::new(),
        };
        for entry in &table[..end] {
            match entry.d_tag(endian) {
                elf::DT_NEEDED => found.needed.push(entry.d_val(endian)),
                tag => drop(found.entries.insert(tag.0, entry.d_val(endian))),
            }
        }
        Ok(found)
    }

    fn get(&self, tag: elf::DynamicTag) -> Option<u64> {
        self.entries.get(&tag.0).copied()
    }

    fn strings<'a>(&self, image: &Image<'a>) -> Result<&'a [u8], Damage> {
        const WHAT: &str = "table of strings";
        let place = self.get(elf::DT_STRTAB).zip(self.get(elf::DT_STRSZ));
        let (address, size) = place.ok_or(Damage::Missing(WHAT))?;
        let strings: &[u8] = image.full_table(address, size, WHAT)?;
        match strings.first() == Some(&0) && strings.last() == Some(&0) {
            true => self.check_needed(strings).map(|()| strings),
            false => Err(Damage::Missing(WHAT)),
        }
    }

    fn check_needed(&self, strings: &[u8]) -> Result<(), Damage> {
        let is_named = |place: &u64| has_string(strings, *place);
        match self.needed.iter().position(|place| !is_named(place)) {
            None => Ok(()),
            Some(number) => Err(Damage::Entry {
                table: "list of libraries",
                number,
            }),
        }
    }

    /// The symbols; none if no section says how many there are.
    fn symbols<'a>(&self, file: &ElfFile64<'a>, image: &Image<'a>) -> Result<&'a [Symbol], Damage> {
        const WHAT: &str = "table of symbols";
        let address = self.get(elf::DT_SYMTAB).ok_or(Damage::Missing(WHAT))?;
        let count = file.elf_dynamic_symbol_table().len() as u64;
        image.full_table(address, count, WHAT)
    }

    fn check_hash(&self, symbols: usize, image: &Image<'_>) -> Result<(), Damage> {
        const WHAT: &str = "hash table";
        let Some(address) = self.get(elf::DT_GNU_HASH) else {
            return Ok(());
        };
        let endian = image.endian();
        let word = |word: &object::U32<Endianness>| word.get(endian);
        let header: &[object::U32<Endianness>] = image.table(address, 4, WHAT)?;
        let [buckets, first, words, _shift] = header else {
            return Err(Damage::Missing(WHAT));
        };
        let (buckets, first, words) = (word(buckets), word(first), word(words));
        if !words.is_power_of_two() {
            return Err(Damage::Missing(WHAT));
        }
        let start = address.saturating_add(16 + 8 * u64::from(words));
        let entries: &[object::U32<Endianness>] = image.table(start, u64::from(buckets), WHAT)?;
        let is_within = |bucket: u32| bucket == 0 || (bucket >= first && (bucket as usize) < symbols);
        if let Some(number) = entries.iter().position(|bucket| !is_within(word(bucket))) {
            return Err(Damage::Entry { table: WHAT, number });
        }
        if entries.iter().all(|bucket| word(bucket) == 0) {
            return Ok(());
        }
        // The chains end with the symbols.
        let hashed = (symbols as u64).saturating_sub(u64::from(first));
        let chains = start.saturating_add(4 * u64::from(buckets));
        let chains: &[object::U32<Endianness>] = image.table(chains, hashed, WHAT)?;
        match chains.last().is_none_or(|last| word(last) & 1 == 1) {
            true => Ok(()),
            false => Err(Damage::Missing("end of the hash table")),
        }
    }

    fn check_relocations(&self, symbols: usize, image: &Image<'_>) -> Result<(), Damage> {
        let relative = self.get(elf::DT_RELACOUNT).unwrap_or(0);
        for (address, size, what, relative) in [
            (elf::DT_RELA, elf::DT_RELASZ, "table of relocations", relative),
            (elf::DT_JMPREL, elf::DT_PLTRELSZ, "table of calls", 0),
        ] {
            let Some((address, size)) = self.get(address).zip(self.get(size)) else {
                continue;
            };
            let count = size / size_of::<Relocation>() as u64;
            let table: &[Relocation] = image.full_table(address, count, what)?;
            let relative = usize::try_from(relative).unwrap_or(usize::MAX);
            let first = table.first().map(|first| first.r_type(image.endian(), false));
            // The first entries all have one type: each writes an address of the library itself.
            let is_relative = |entry: &Relocation| {
                let address = u64::try_from(entry.r_addend(image.endian()));
                Some(entry.r_type(image.endian(), false)) == first
                    && address.is_ok_and(|address| image.is_mapped(address))
            };
            let is_right = |(number, entry): (usize, &Relocation)| {
                (number >= relative || is_relative(entry)) && is_relocation(entry, symbols, image)
            };
            if relative > table.len() {
                return Err(Damage::Missing(what));
            }
            if let Some(number) = table.iter().enumerate().position(|entry| !is_right(entry)) {
                return Err(Damage::Entry { table: what, number });
            }
        }
        Ok(())
    }

    fn check_constructors(&self, image: &Image<'_>) -> Result<(), Damage> {
        for (tag, what) in [(elf::DT_INIT, "first constructor"), (elf::DT_FINI, "last destructor")] {
            if self.get(tag).is_some_and(|address| !image.is_code(address)) {
                return Err(Damage::Missing(what));
            }
        }
        for (address, size, what) in [
            (elf::DT_INIT_ARRAY, elf::DT_INIT_ARRAYSZ, "list of constructors"),
            (elf::DT_FINI_ARRAY, elf::DT_FINI_ARRAYSZ, "list of destructors"),
        ] {
            if let Some((address, size)) = self.get(address).zip(self.get(size)) {
                let _: &[u8] = image.table(address, size, what)?;
            }
        }
        Ok(())
    }
}

/// Whether an entry writes to a writable part of the library, and names an existing symbol. The linker leaves some
/// entries empty.
fn is_relocation(entry: &Relocation, symbols: usize, image: &Image<'_>) -> bool {
    let endian = image.endian();
    let (offset, symbol) = (entry.r_offset(endian), entry.r_sym(endian, false) as usize);
    let is_empty = offset == 0 && entry.r_info(endian, false) == 0;
    is_empty || (image.is_writable(offset, 8) && (symbol < symbols || symbol == 0))
}

fn check_symbols(symbols: &[Symbol], strings: &[u8], image: &Image<'_>) -> Result<(), Damage> {
    let endian = image.endian();
    let is_right = |symbol: &Symbol| {
        let name = u64::from(symbol.st_name(endian));
        let has_name = has_string(strings, name) || (name == 0 && symbol.st_type() == elf::STT_SECTION);
        let section = symbol.st_shndx(endian);
        let is_elsewhere = section == elf::SHN_UNDEF || section == elf::SHN_ABS || symbol.st_type() == elf::STT_TLS;
        let address = symbol.st_value(endian);
        let is_there = match symbol.st_type() {
            elf::STT_FUNC | elf::STT_GNU_IFUNC => image.is_code(address),
            _ => image.is_mapped(address),
        };
        has_name && (is_elsewhere || is_there)
    };
    match symbols.iter().skip(1).position(|symbol| !is_right(symbol)) {
        None => Ok(()),
        Some(before) => Err(Damage::Entry {
            table: "table of symbols",
            number: before + 1,
        }),
    }
}

/// Whether a non-empty string begins at this place.
fn has_string(strings: &[u8], place: u64) -> bool {
    let first = usize::try_from(place).ok().and_then(|place| strings.get(place));
    place != 0 && first.is_some_and(|first| *first != 0)
}

fn check_versions(file: &ElfFile64<'_>, bytes: &[u8], symbols: &[Symbol]) -> Result<(), Damage> {
    const WHAT: &str = "table of versions";
    let endian = file.endian();
    let versions = file.elf_section_table().versions(endian, bytes);
    let Some(versions) = versions.map_err(|_| Damage::Missing(WHAT))? else {
        return Ok(());
    };
    let is_right = |number: &usize| {
        let index = versions.version_index(endian, SymbolIndex(*number));
        versions.version(index.index()).is_ok()
    };
    match (0..symbols.len()).find(|number| !is_right(number)) {
        None => Ok(()),
        Some(number) => Err(Damage::Entry { table: WHAT, number }),
    }
}

/// Checks that code, and the tables for unwinding it, have content in every page.
fn check_sections(file: &ElfFile64<'_>, image: &Image<'_>) -> Result<(), Damage> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    for section in sections.iter() {
        let name = sections.section_name(endian, section).unwrap_or_default();
        let is_code = section.sh_flags(endian).contains(elf::SHF_EXECINSTR);
        if section.sh_type(endian) != elf::SHT_NOBITS && (is_code || FULL_SECTIONS.contains(&name)) {
            let what = String::from_utf8_lossy(name);
            image.has_no_hole(section.sh_offset(endian), section.sh_size(endian), &what)?;
        }
    }
    Ok(())
}
