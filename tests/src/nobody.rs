//! Commands by a user whom permissions bind, also where the tests run as root.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use crate::{artifacts::host_binary, world::World};

/// The user whom Debian calls `nobody`.
pub(crate) const NOBODY: u32 = 65534;

impl World {
    /// The same command by a user that is not root, whom the whole world is given to.
    #[must_use]
    pub fn as_nobody(&self, command: Command) -> Command {
        if !is_root() {
            return command;
        }
        let program = self.reachable_host();
        give_away(&self.path(""));
        let mut dropped = Command::new(program);
        dropped.args(command.get_args()).current_dir(self.path(""));
        dropped
            .env_clear()
            .env("LD_LIBRARY_PATH", self.path("bin"))
            .env("HOME", self.path(""));
        dropped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        dropped.uid(NOBODY).gid(NOBODY);
        dropped
    }

    /// The host and DuckDB's library, copied to where every user can reach them.
    fn reachable_host(&self) -> PathBuf {
        let folder = self.path("bin");
        fs::create_dir_all(&folder).expect("a folder can be made");
        let program = folder.join("session-host");
        fs::copy(host_binary(), &program).expect("the host can be copied");
        let file = format!("libduckdb{}", env::consts::DLL_SUFFIX);
        let libraries = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let built_with = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from);
        let found = built_with
            .into_iter()
            .chain(env::split_paths(&libraries))
            .map(|folder| folder.join(&file))
            .find(|path| path.exists());
        // Compiled in, there is no library.
        if let Some(library) = found {
            fs::copy(library, folder.join(file)).expect("DuckDB's library can be copied");
        }
        program
    }
}

/// Whether this process is one of root, whom no permissions bind.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root can give a file away");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("root can list a folder") {
            give_away(&entry.expect("root can list a folder").path());
        }
    }
}
