//! Finds DuckDB's extension for PostgreSQL.
//!
//! DuckDB would download the extension when it first needs it. Many machines that run the host reach no server of
//! DuckDB's, and none should load code that nobody chose. So the extension comes with DuckDB's library and lies beside it:
//! in an installed release, and in the cache of `scripts/setup`. DuckDB checks its signature, version and platform.

use std::{
    env,
    ffi::{CStr, OsStr, c_void},
    fs,
    mem::MaybeUninit,
    os::unix::ffi::OsStrExt,
    path::PathBuf,
};

use duckdb::ffi;

use crate::state::error::ExtensionMissing;

/// The name of the extension's file. DuckDB derives the name of the extension's entry point from it.
const FILE: &str = "postgres_scanner.duckdb_extension";

/// The path of the extension: beside the library or program that contains DuckDB, else beside the program.
pub(crate) fn find() -> Result<PathBuf, ExtensionMissing> {
    let program = env::current_exe().ok();
    let files = [file_with_duckdb(), program].into_iter().flatten();
    let folders = files.filter_map(|file| Some(fs::canonicalize(file).ok()?.parent()?.to_owned()));
    find_in(folders)
}

/// The first of these folders that holds the extension.
fn find_in(folders: impl IntoIterator<Item = PathBuf>) -> Result<PathBuf, ExtensionMissing> {
    let mut looked_for: Vec<PathBuf> = folders.into_iter().map(|folder| folder.join(FILE)).collect();
    looked_for.dedup();
    let found = looked_for.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| ExtensionMissing {
        looked_for,
        version: version(),
    })
}

/// The file whose code DuckDB is: its library, or the program if DuckDB is compiled in.
#[allow(unsafe_code, reason = "the system call has no safe wrapper in std")]
fn file_with_duckdb() -> Option<PathBuf> {
    let in_duckdb = ffi::duckdb_library_version as *const c_void;
    let mut told = MaybeUninit::<libc::Dl_info>::uninit();
    // SAFETY: dladdr looks the address up, reads nothing there, and writes only to `told`.
    if unsafe { libc::dladdr(in_duckdb, told.as_mut_ptr()) } == 0 {
        return None;
    }
    // SAFETY: dladdr has filled the structure. The name is a C string that lives as long as the library is loaded.
    let name = unsafe { CStr::from_ptr(told.assume_init().dli_fname) };
    Some(PathBuf::from(OsStr::from_bytes(name.to_bytes())))
}

/// DuckDB's version, such as `1.5.5`.
#[allow(unsafe_code, reason = "DuckDB's C interface has no safe wrapper for this call")]
fn version() -> String {
    // SAFETY: the version is a C string in DuckDB's constants.
    let version = unsafe { CStr::from_ptr(ffi::duckdb_library_version()) };
    version.to_string_lossy().trim_start_matches('v').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::engine::open::open_in_memory;

    #[test]
    fn the_one_beside_duckdb_is_found_and_duckdb_loads_it() {
        let found = find().unwrap();
        assert_eq!(found.file_name(), Some(OsStr::new(FILE)));
        let engine = open_in_memory().unwrap();
        let duckdb = engine.connection().unwrap();
        duckdb.execute_batch(&format!("LOAD '{}'", found.display())).unwrap();
        let loaded = "SELECT loaded FROM duckdb_extensions() WHERE extension_name = 'postgres_scanner'";
        assert!(duckdb.query_row(loaded, [], |row| row.get::<_, bool>(0)).unwrap());
    }

    #[test]
    fn duckdb_refuses_one_that_somebody_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let changed = folder.path().join(FILE);
        let mut bytes = fs::read(find().unwrap()).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&changed, bytes).unwrap();
        let engine = open_in_memory().unwrap();
        let load = format!("LOAD '{}'", changed.display());
        let refused = engine.connection().unwrap().execute_batch(&load).unwrap_err();
        assert!(refused.to_string().contains("signature"), "{refused}");
    }

    #[test]
    fn the_first_folder_that_has_it_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let folders = ["without", "first", "second"].map(|name| folder.path().join(name));
        for folder in &folders {
            fs::create_dir(folder).unwrap();
        }
        fs::write(folders[1].join(FILE), "").unwrap();
        fs::write(folders[2].join(FILE), "").unwrap();
        assert_eq!(find_in(folders.clone()).unwrap(), folders[1].join(FILE));
    }

    #[test]
    fn a_folder_of_its_name_is_not_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(FILE)).unwrap();
        assert!(find_in([folder.path().to_owned()]).is_err());
    }

    #[test]
    fn a_missing_one_is_told_with_every_place_once_and_the_remedy() {
        let folders = ["/nowhere/a", "/nowhere/a", "/nowhere/b"].map(PathBuf::from);
        let said = find_in(folders).unwrap_err().to_string();
        assert!(
            said.contains("no /nowhere/a/postgres_scanner.duckdb_extension and no /nowhere/b/"),
            "{said}"
        );
        assert!(
            said.contains("scripts/setup") && said.contains("of DuckDB 1."),
            "{said}"
        );
    }
}
