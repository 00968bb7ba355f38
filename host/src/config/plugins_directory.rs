//! Where the plugins are: in the directory that is set, or in the first usual place that exists.

use std::{
    env,
    path::{Path, PathBuf},
};

/// The plugins directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PluginsDirectory {
    /// The one that is set.
    Configured(PathBuf),
    /// One that the host found, because none is set.
    Found(UsualPlace),
    /// None is set, and none of these exists.
    Nowhere(Vec<UsualPlace>),
}

/// A directory in which the host looks for plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsualPlace {
    /// The directory.
    pub folder: PathBuf,
    /// Where it is, in words.
    pub r#where: &'static str,
}

impl PluginsDirectory {
    /// The directory that is set, or the one that the host finds.
    pub(super) fn choose(named: Option<PathBuf>, configuration: &Path, data: &Path) -> Self {
        match named {
            Some(named) => Self::Configured(std::path::absolute(&named).unwrap_or(named)),
            None => match find(configuration, data) {
                Ok(place) => Self::Found(place),
                Err(places) => Self::Nowhere(places),
            },
        }
    }

    /// The directory; the first usual place if there is none yet.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Configured(folder) => folder,
            Self::Found(place) => &place.folder,
            Self::Nowhere(places) => places.first().map_or(Path::new("plugins"), |place| &place.folder),
        }
    }
}

/// The first usual place that exists, or all of them if none does.
pub(super) fn find(configuration: &Path, data: &Path) -> Result<UsualPlace, Vec<UsualPlace>> {
    let binary = env::current_exe().and_then(|binary| binary.canonicalize()).ok();
    first_of(usual_places(configuration, binary.as_deref(), data))
}

fn first_of(places: Vec<UsualPlace>) -> Result<UsualPlace, Vec<UsualPlace>> {
    let first = places.iter().find(|place| place.folder.is_dir()).cloned();
    first.ok_or(places)
}

/// These places as a list for people.
pub(super) fn listed(places: &[UsualPlace]) -> String {
    let folders: Vec<String> = places.iter().map(|place| place.folder.display().to_string()).collect();
    folders.join(", ")
}

/// The usual places, in the order in which they count.
fn usual_places(configuration: &Path, binary: Option<&Path>, data: &Path) -> Vec<UsualPlace> {
    const PLUGINS: &str = "plugins";
    let place = |folder: PathBuf, r#where| UsualPlace {
        folder: std::path::absolute(&folder).unwrap_or(folder),
        r#where,
    };
    let beside = |path: &Path| path.parent().unwrap_or(Path::new("")).join(PLUGINS);
    let mut places = vec![place(beside(configuration), "beside the configuration file")];
    if let Some(binary) = binary {
        let installed = binary.parent().and_then(Path::parent);
        let installed = installed.map(|prefix| prefix.join("lib/session-host").join(PLUGINS));
        places.extend(installed.map(|folder| place(folder, "installed with the program")));
        places.push(place(beside(binary), "beside the program"));
    }
    places.push(place(data.join(PLUGINS), "in the data directory"));
    places
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_first_usual_place_that_exists_counts() {
        let folder = tempfile::tempdir().unwrap();
        let below = |path: &str| folder.path().join(path);
        let places = || {
            let binary = below("usr/bin/session-host");
            usual_places(&below("etc/config.toml"), Some(&binary), &below("data"))
        };
        assert_eq!(first_of(places()).unwrap_err().len(), 4);
        // From the last place to the first.
        for place in [
            "data/plugins",
            "usr/bin/plugins",
            "usr/lib/session-host/plugins",
            "etc/plugins",
        ] {
            fs::create_dir_all(below(place)).unwrap();
            assert_eq!(first_of(places()).unwrap().folder, below(place));
        }
    }
}
