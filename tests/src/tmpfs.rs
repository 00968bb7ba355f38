//! Small disks of a test's own.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::world::World;

/// A disk of its own in a world; gone when it is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl World {
    /// Mounts a disk of so many mebibytes at a folder of the world, which is made.
    #[must_use]
    #[track_caller]
    pub fn mount(&self, below: impl AsRef<Path>, mebibytes: u32) -> Disk {
        let folder = self.path(below);
        fs::create_dir_all(&folder).expect("a folder can be made");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m,mode=0755"), "tmpfs"])
            .arg(&folder)
            .output()
            .expect("mount can be started");
        assert!(
            mount.status.success(),
            "this test mounts a small disk, for which it must run as root: {}",
            String::from_utf8_lossy(&mount.stderr)
        );
        Disk { folder }
    }
}

impl Disk {
    /// Fills the disk but for so many bytes, as other programs would.
    pub fn fill_but(&self, bytes: u64) {
        const BLOCK: usize = 4096;
        let filler = self.filler();
        // Writing stops where there is no more room.
        let mut zeros = fs::File::open("/dev/zero").expect("the system gives zeros");
        let mut file = fs::File::create(&filler).expect("a file can be made");
        let _ = io::copy(&mut zeros, &mut file);
        let filled = fs::metadata(&filler).expect("the disk can be filled").len();
        let kept = filled.saturating_sub(bytes) / BLOCK as u64 * BLOCK as u64;
        let file = fs::File::options().write(true).open(&filler);
        file.and_then(|file| file.set_len(kept))
            .expect("a file can be cut short");
    }

    /// Makes room again.
    pub fn is_cleared(&self) {
        fs::remove_file(self.filler()).expect("a file can be removed");
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("of-another-program")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What still has a file of it open keeps it until it ends.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}
