//! Disks that are small, full, read-only or broken.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{compile::Code, world::World};

/// A disk of its own that is mounted in a world; unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts an empty disk of so many megabytes, and makes the folder for it.
    #[must_use]
    #[track_caller]
    pub fn mount(path: PathBuf, megabytes: u64) -> Self {
        fs::create_dir_all(&path).expect("the place of a disk can be made");
        let size = format!("size={megabytes}m,mode=0755");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&path));
        Self { path }
    }

    /// Fills it until so many bytes are free.
    #[track_caller]
    pub fn fill(&self, leaving: u64) {
        let mut filler = File::options()
            .create(true)
            .append(true)
            .open(self.filler())
            .expect("a file can be made on the disk");
        let taken = self.free().saturating_sub(leaving);
        let zeros = vec![0; usize::try_from(taken).expect("a size fits")];
        filler.write_all(&zeros).expect("the disk has the room that it tells");
    }

    /// Frees what filled it.
    #[track_caller]
    pub fn make_room(&self) {
        fs::remove_file(self.filler()).expect("the filler can be removed");
    }

    /// Takes writes no more. Nothing may have a file on it open for writing.
    #[track_caller]
    pub fn make_read_only(&self) {
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(&self.path));
    }

    #[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
    fn free(&self) -> u64 {
        let path = std::ffi::CString::new(self.path.as_os_str().as_encoded_bytes()).expect("a path without a null");
        // SAFETY: the structure is plain numbers, for which zeros are a value.
        let mut told: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: the path is a C string, and the structure lives as long as the call.
        let answer = unsafe { libc::statvfs(path.as_ptr(), &raw mut told) };
        assert_eq!(answer, 0, "the disk tells its room");
        told.f_bavail * told.f_frsize
    }

    fn filler(&self) -> PathBuf {
        self.path.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has a file on it keeps it until the end; the place is free at once.
        let _ = Command::new("umount").arg("--lazy").arg(&self.path).status();
    }
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().expect("the command can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}, which needs root: {said}");
}

/// A disk that fails at will: a library that stands before the system's own and answers writes to files with an error.
#[derive(Debug)]
pub struct FailingDisk {
    library: PathBuf,
    switch: PathBuf,
}

const LIBRARY: &str = r#"
use std::ffi::{c_char, c_int, c_void};
unsafe extern "C" {
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
    fn __errno_location() -> *mut c_int;
}
const NEXT: *mut c_void = usize::MAX as *mut c_void;

/// The error that the switch names for this file: a line `NUMBER END-OF-THE-NAME`.
fn failure(file: c_int) -> Option<c_int> {
    let said = std::fs::read_to_string(std::env::var_os("FAILING_DISK")?).ok()?;
    let (number, end) = said.trim().split_once(' ')?;
    let path = std::fs::read_link(format!("/proc/self/fd/{file}")).ok()?;
    path.to_str()?.ends_with(end).then(|| number.parse().ok())?
}

macro_rules! failing {
    ($name:ident, $symbol:literal, ($($argument:ident: $type:ty),*) -> $result:ty) => {
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name(file: c_int, $($argument: $type),*) -> $result {
            if let Some(number) = failure(file) {
                unsafe { *__errno_location() = number };
                return -1;
            }
            let next = unsafe { dlsym(NEXT, $symbol.as_ptr()) };
            let next: unsafe extern "C" fn(c_int, $($type),*) -> $result = unsafe { std::mem::transmute(next) };
            unsafe { next(file, $($argument),*) }
        }
    };
}
failing!(write, c"write", (bytes: *const c_void, count: usize) -> isize);
failing!(pwrite, c"pwrite", (bytes: *const c_void, count: usize, at: i64) -> isize);
failing!(pwrite64, c"pwrite64", (bytes: *const c_void, count: usize, at: i64) -> isize);
failing!(fsync, c"fsync", () -> c_int);
failing!(ftruncate, c"ftruncate", (length: i64) -> c_int);
"#;

impl FailingDisk {
    /// A disk that works for now.
    #[must_use]
    #[track_caller]
    pub fn new(world: &World) -> Self {
        let library = world.path("libfailing.so");
        fs::write(&library, Code::new(LIBRARY).compile("cdylib")).expect("a library can be written");
        Self {
            library,
            switch: world.path("failing-disk"),
        }
    }

    /// Lets a command write to this disk.
    pub fn holds(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAILING_DISK", &self.switch);
    }

    /// Answers writes to files whose names end so with this error from now on.
    #[track_caller]
    pub fn fails(&self, error: i32, names: &str) {
        // In one step, since the disk is looked at before every write.
        let new = self.switch.with_extension("new");
        fs::write(&new, format!("{error} {names}")).expect("the switch can be written");
        fs::rename(new, &self.switch).expect("the switch can be moved");
    }

    /// Works again.
    #[track_caller]
    pub fn works(&self) {
        fs::remove_file(&self.switch).expect("the switch can be removed");
    }
}

/// Whether a file holds these bytes; one that does not exist holds none.
#[must_use]
#[track_caller]
pub fn holds_bytes(path: &Path, bytes: &[u8]) -> bool {
    let content = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return false,
        content => content.unwrap_or_else(|error| panic!("read {}: {error}", path.display())),
    };
    memchr::memmem::find(&content, bytes).is_some()
}
