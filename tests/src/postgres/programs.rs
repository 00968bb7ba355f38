//! PostgreSQL's programs, and the user by whom they run.

use std::{
    env, fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::nobody::{NOBODY, is_root};

/// The path of a program of the server's package.
#[track_caller]
pub(super) fn path(program: &str) -> PathBuf {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(folder).as_ref();
    let folder =
        folder.expect("PostgreSQL's server is missing: install PostgreSQL, or run scripts/test as root on Debian");
    folder.join(program)
}

/// The folder with the server of the newest version. Debian's packages put it outside the search path.
fn folder() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = versions
        .filter_map(|version| version.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable_by(|first, second| second.cmp(first));
    let of_debian = numbers
        .iter()
        .map(|number| PathBuf::from(format!("/usr/lib/postgresql/{number}/bin")));
    let searched = env::var_os("PATH").unwrap_or_default();
    of_debian
        .chain(env::split_paths(&searched))
        .find(|folder| folder.join("initdb").exists())
}

/// A program that runs as the server's user: the server refuses to run as root. It finds nothing in its environment.
pub(super) fn as_server(program: &str, folder: &Path) -> Command {
    let of_server = matches!(program, "initdb" | "pg_ctl");
    let program = if of_server {
        path(program)
    } else {
        PathBuf::from(program)
    };
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder);
    command.current_dir(folder);
    if is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Gives a file or folder to the server's user.
#[track_caller]
pub(super) fn give_to_server(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).expect("root can give a file away");
    }
}
