//! The segments of an ELF library: which addresses it will have, and which bytes of the file will be there.

use object::{
    Endianness, ReadRef as _, elf,
    pod::Pod,
    read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _},
};

/// The sign that a library is damaged.
#[derive(Debug, thiserror::Error)]
pub(in crate::plugins) enum Damage {
    /// Its segments overlap, or reach beyond the end of the file.
    #[error("its segments overlap or reach beyond the end of the file")]
    Segments,
    /// A part is missing, or does not lie within the library.
    #[error("its {0} is missing or lies outside the file")]
    Missing(&'static str),
    /// An entry of a table is invalid, or points out of the library.
    #[error("entry {number} of its {table} is invalid")]
    Entry {
        /// The table.
        table: &'static str,
        /// The entry's number, from 0.
        number: usize,
    },
    /// A part has zeros instead of content.
    #[error("its {part} has a hole at byte {offset} of the file")]
    Hole {
        /// The part.
        part: String,
        /// The offset of the hole.
        offset: usize,
    },
}

/// The size of the pages that a damaged file lacks.
const PAGE: usize = 4096;

/// In code or a table, so many zeros before the end of a page or of the part mean damage.
const HOLE: usize = 512;

/// The mapped segments, and the file that they are mapped from.
pub(super) struct Image<'a> {
    bytes: &'a [u8],
    endian: Endianness,
    segments: Vec<Segment>,
}

struct Segment {
    start: u64,
    end: u64,
    offset: u64,
    length_in_file: u64,
    flags: elf::ProgramFlags,
}

impl<'a> Image<'a> {
    pub(super) fn of(file: &ElfFile64<'a>, bytes: &'a [u8]) -> Result<Self, Damage> {
        let endian = file.endian();
        let mut segments: Vec<Segment> = Vec::new();
        for header in file.elf_program_headers() {
            if header.p_type(endian) == elf::PT_LOAD {
                let segment = Segment::of(header, endian, bytes.len() as u64).ok_or(Damage::Segments)?;
                if segments.last().is_some_and(|before| segment.start < before.end) {
                    return Err(Damage::Segments);
                }
                segments.push(segment);
            }
        }
        match segments.is_empty() || !file.elf_header().is_class_64() {
            true => Err(Damage::Segments),
            false => Ok(Self {
                bytes,
                endian,
                segments,
            }),
        }
    }

    pub(super) fn endian(&self) -> Endianness {
        self.endian
    }

    /// A table of `count` entries at an address.
    pub(super) fn table<T: Pod>(&self, address: u64, count: u64, what: &'static str) -> Result<&'a [T], Damage> {
        let missing = || Damage::Missing(what);
        let length = count.checked_mul(size_of::<T>() as u64).ok_or_else(missing)?;
        let offset = self.offset_of(address, length).ok_or_else(missing)?;
        let count = usize::try_from(count).map_err(|_| missing())?;
        self.bytes.read_slice_at(offset, count).map_err(|()| missing())
    }

    /// Like [`table`](Self::table), but no page may be empty.
    pub(super) fn full_table<T: Pod>(&self, address: u64, count: u64, what: &'static str) -> Result<&'a [T], Damage> {
        let table = self.table(address, count, what)?;
        if let Some(offset) = self.offset_of(address, size_of_val(table) as u64) {
            self.has_no_hole(offset, size_of_val(table) as u64, what)?;
        }
        Ok(table)
    }

    /// Checks that a part of the file has content in every page.
    pub(super) fn has_no_hole(&self, offset: u64, length: u64, what: &str) -> Result<(), Damage> {
        let missing = || Damage::Hole {
            part: what.to_owned(),
            offset: self.bytes.len(),
        };
        let mut place = usize::try_from(offset).map_err(|_| missing())?;
        let mut rest = self.bytes.read_bytes_at(offset, length).map_err(|()| missing())?;
        while !rest.is_empty() {
            let (page, after) = rest.split_at(rest.len().min(PAGE - place % PAGE));
            if page.len() >= HOLE && page.iter().all(|byte| *byte == 0) {
                return Err(Damage::Hole {
                    part: what.to_owned(),
                    offset: place,
                });
            }
            place += page.len();
            rest = after;
        }
        Ok(())
    }

    pub(super) fn is_mapped(&self, address: u64) -> bool {
        // A symbol may mark the end of the mapped bytes.
        self.segments
            .iter()
            .any(|segment| segment.start <= address && address <= segment.end)
    }

    pub(super) fn is_code(&self, address: u64) -> bool {
        self.holds(address, 1, elf::PF_X)
    }

    pub(super) fn is_writable(&self, address: u64, length: u64) -> bool {
        self.holds(address, length, elf::PF_W)
    }

    fn holds(&self, address: u64, length: u64, flags: elf::ProgramFlags) -> bool {
        let end = address.checked_add(length);
        self.segments.iter().any(|segment| {
            segment.flags.contains(flags) && segment.start <= address && end.is_some_and(|end| end <= segment.end)
        })
    }

    fn offset_of(&self, address: u64, length: u64) -> Option<u64> {
        let end = address.checked_add(length)?;
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.start <= address && end <= segment.start + segment.length_in_file)?;
        Some(segment.offset + (address - segment.start))
    }
}

impl Segment {
    /// The segment, if it lies within a file of this length.
    fn of(header: &elf::ProgramHeader64<Endianness>, endian: Endianness, file: u64) -> Option<Self> {
        let (start, offset) = (header.p_vaddr(endian), header.p_offset(endian));
        let (length_in_file, length) = (header.p_filesz(endian), header.p_memsz(endian));
        let end = start.checked_add(length)?;
        let fits = length_in_file <= length
            && offset.checked_add(length_in_file)? <= file
            && end <= i64::MAX as u64
            && start % PAGE as u64 == offset % PAGE as u64;
        fits.then_some(Self {
            start,
            end,
            offset,
            length_in_file,
            flags: header.p_flags(endian),
        })
    }
}
