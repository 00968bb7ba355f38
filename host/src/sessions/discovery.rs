//! Finds the transcripts of this user's coding agents, for a host without the setting `sessions`.
//!
//! To add an agent, add a function to [`AGENTS`] that names the folders of its transcripts.

use std::{
    collections::HashSet,
    env,
    ffi::OsString,
    fmt,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{self, PathBuf},
};

/// Which directories a host scans.
#[derive(Clone, Debug)]
pub enum SessionsDirectory {
    /// The one that is set.
    Configured(PathBuf),
    /// Those that the host found, because none is set.
    Discovered(Discovery),
}

/// The folders in which this user's agents may keep transcripts, and those of them that exist.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    looked_at: Vec<Place>,
    found: Vec<Place>,
}

/// A folder in which an agent may keep transcripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder.
    pub folder: PathBuf,
    /// What names it.
    pub named_by: NamedBy,
}

/// What names a folder of transcripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// This variable.
    Variable(&'static str),
    /// The home directory, where the agent keeps its transcripts by default.
    Home,
}

/// Returns the value of a variable.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Each agent's folders, in the order in which they count.
const AGENTS: &[fn(Lookup<'_>) -> Vec<Place>] = &[claude_code];

impl SessionsDirectory {
    /// The directories.
    pub fn folders(&self) -> Vec<PathBuf> {
        match self {
            Self::Configured(folder) => vec![folder.clone()],
            Self::Discovered(discovery) => discovery.found.iter().map(|place| place.folder.clone()).collect(),
        }
    }
}

impl Discovery {
    /// Looks for the transcripts of this user's agents.
    #[must_use]
    pub fn of_this_user() -> Self {
        Self::by(&|variable| env::var_os(variable))
    }

    fn by(lookup: Lookup<'_>) -> Self {
        let looked_at: Vec<Place> = AGENTS.iter().flat_map(|places| places(lookup)).collect();
        let mut known = HashSet::new();
        let is_new = |place: &&Place| {
            let real = place.folder.canonicalize().ok().filter(|real| real.is_dir());
            real.is_some_and(|real| known.insert(real))
        };
        let found = looked_at.iter().filter(is_new).cloned().collect();
        Self { looked_at, found }
    }

    /// The folders that exist, each once.
    #[must_use]
    pub fn found(&self) -> &[Place] {
        &self.found
    }

    /// Every folder that was looked for, as a list for people.
    #[must_use]
    pub fn looked_at(&self) -> String {
        let folders = self.looked_at.iter().map(|place| place.folder.display().to_string());
        match folders.collect::<Vec<_>>().as_slice() {
            [] => "no folder, because HOME is not set".to_owned(),
            folders => folders.join(" and "),
        }
    }
}

impl fmt::Display for NamedBy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(variable) => formatter.write_str(variable),
            Self::Home => formatter.write_str("the home directory"),
        }
    }
}

/// The folders of Claude Code. Its variable may name several configuration directories, between commas.
fn claude_code(lookup: Lookup<'_>) -> Vec<Place> {
    const VARIABLE: &str = "CLAUDE_CONFIG_DIR";
    const PROJECTS: &str = "projects";
    let set = |variable: &str| lookup(variable).filter(|value| !value.is_empty());
    if let Some(directories) = set(VARIABLE) {
        return list_of(&directories)
            .map(|directory| Place {
                folder: path::absolute(&directory).unwrap_or(directory).join(PROJECTS),
                named_by: NamedBy::Variable(VARIABLE),
            })
            .collect();
    }
    let Some(home) = set("HOME").map(PathBuf::from) else {
        return Vec::new();
    };
    [".config/claude", ".claude"]
        .map(|directory| Place {
            folder: home.join(directory).join(PROJECTS),
            named_by: NamedBy::Home,
        })
        .into()
}

/// The paths between commas.
fn list_of(paths: &OsString) -> impl Iterator<Item = PathBuf> {
    let parts = paths.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let parts = parts.filter(|part| !part.is_empty());
    parts.map(|part| PathBuf::from(OsString::from_vec(part.to_vec())))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::*;

    /// What is found in a home with these folders, relative to it.
    fn found(home: &Path, variables: &[(&str, &str)]) -> Vec<PathBuf> {
        let lookup = |variable: &str| {
            let mut set = variables.iter().filter(|(name, _)| *name == variable);
            match variable {
                "HOME" => Some(home.into()),
                _ => set.next().map(|(_, value)| OsString::from(value)),
            }
        };
        let discovery = Discovery::by(&lookup);
        let folders = discovery.found().iter().map(|place| place.folder.clone());
        folders
            .map(|folder| folder.strip_prefix(home).map(Path::to_owned).unwrap_or(folder))
            .collect()
    }

    fn home_with(folders: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        home
    }

    #[test]
    fn both_folders_of_the_home_directory_are_found() {
        let home = home_with(&[".claude/projects", ".config/claude/projects"]);
        let expected = [".config/claude/projects", ".claude/projects"].map(PathBuf::from);
        assert_eq!(found(home.path(), &[]), expected);
        assert_eq!(found(home.path(), &[("CLAUDE_CONFIG_DIR", "")]), expected);
    }

    #[test]
    fn a_link_from_one_to_the_other_is_one() {
        let home = home_with(&[".claude/projects", ".config"]);
        symlink(home.path().join(".claude"), home.path().join(".config/claude")).unwrap();
        assert_eq!(found(home.path(), &[]), [PathBuf::from(".config/claude/projects")]);
    }

    #[test]
    fn the_variable_takes_the_place_of_the_home_directory() {
        let home = home_with(&[".claude/projects", "a/projects", "b/projects"]);
        let [a, b, gone] = ["a", "b", "gone"].map(|name| home.path().join(name).display().to_string());
        let variables = [("CLAUDE_CONFIG_DIR", &*format!("{a}, {b},{gone},{a}"))];
        let expected = ["a/projects", "b/projects"].map(PathBuf::from);
        assert_eq!(found(home.path(), &variables), expected);
    }

    #[test]
    fn what_was_looked_at_is_told() {
        let discovery = Discovery::by(&|variable| (variable == "HOME").then(|| "/nowhere".into()));
        assert_eq!(
            discovery.looked_at(),
            "/nowhere/.config/claude/projects and /nowhere/.claude/projects"
        );
        assert!(discovery.found().is_empty());
        assert!(Discovery::by(&|_| None).looked_at().contains("HOME"));
    }
}
