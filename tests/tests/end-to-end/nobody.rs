//! Runs of the host by a user whom permissions bind, also where the tests run as root.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use session_host_tests::{Ran, World, host_binary};

const NOBODY: u32 = 65534;

/// Runs `session-host run --json` with these arguments by a user that is not root.
#[track_caller]
pub(crate) fn run(world: &World, arguments: &[&str]) -> Ran {
    if fs::metadata(world.sessions()).unwrap().uid() != 0 {
        return world.run(arguments);
    }
    give_away(&world.path(""));
    let program = reachable_host(world);
    let own = world.command(&[&["run", "--json"], arguments].concat());
    let mut command = Command::new(&program);
    command.args(own.get_args()).current_dir(world.path(""));
    command
        .env_clear()
        .env("LD_LIBRARY_PATH", world.path("bin"))
        .env("HOME", world.path(""));
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.uid(NOBODY).gid(NOBODY);
    command.stdin(Stdio::null());
    Ran::of(command.output().unwrap())
}

/// The host and DuckDB's library, copied to where every user can reach them.
fn reachable_host(world: &World) -> PathBuf {
    let folder = world.path("bin");
    fs::create_dir(&folder).unwrap();
    let program = folder.join("session-host");
    fs::copy(host_binary(), &program).unwrap();
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
        fs::copy(library, folder.join(file)).unwrap();
    }
    program
}

fn give_away(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}
