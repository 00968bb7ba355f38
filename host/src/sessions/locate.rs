//! Finds the transcript of one session, without a scan of all.
//!
//! A key comes from outside. So it must be the key that a scan gives to the file that is found: `..`, a link out of the
//! sessions directory and a second spelling of a path find nothing.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Component, Path, PathBuf},
};

use super::{
    scan::{Depth, File, Scanner, key_of, leads_below, project_of},
    transcript::Transcript,
};
use crate::names::SessionKey;

impl Scanner {
    /// The transcript of a session, if there is one.
    #[must_use]
    pub fn locate(&self, session: &SessionKey) -> Option<Transcript> {
        let roots = self.folders.iter().filter_map(|folder| folder.canonicalize().ok());
        let mut located = roots.filter_map(|root| match has_direct_transcripts(&root) {
            true => self.locate_by_walk(&root, session),
            false => self.locate_below(&root, session),
        });
        located.next()
    }

    /// Walks through the directory, because all its files together tell whether it is the folder of one project.
    fn locate_by_walk(&self, root: &Path, session: &SessionKey) -> Option<Transcript> {
        let files = self.walk(root).files;
        let project = project_of(root, &files);
        let mut files = files
            .into_iter()
            .filter(|file| project.is_some() || self.lies_in_a_folder(file));
        files.find_map(|file| {
            let transcript = self.describe(file, project);
            (transcript.session == *session).then_some(transcript)
        })
    }

    fn locate_below(&self, root: &Path, session: &SessionKey) -> Option<Transcript> {
        // A second spelling of the path has another key.
        let below: PathBuf = path_of(session)?.components().collect();
        let depth = below.components().count();
        let is_scanned = match self.depth {
            Depth::Flat => depth == 2,
            Depth::Recursive => depth >= 2,
        };
        if !is_scanned || key_of(&below) != *session || below.extension().is_none_or(|extension| extension != "jsonl") {
            return None;
        }
        let mut path = root.to_owned();
        for component in below.components() {
            let Component::Normal(name) = component else {
                return None;
            };
            path.push(name);
            let is_link = path.symlink_metadata().ok()?.is_symlink();
            if is_link && (!leads_below(root, &path) || leads_up(root, &path)) {
                return None;
            }
        }
        let metadata = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        Some(self.describe(File { path, below, metadata }, None))
    }
}

/// Whether a link leads to a folder that holds it, which a scan does not enter again.
fn leads_up(root: &Path, link: &Path) -> bool {
    let holders = link.ancestors().skip(1).take_while(|holder| holder.starts_with(root));
    let mut holders = holders.filter_map(|holder| holder.canonicalize().ok());
    link.canonicalize()
        .is_ok_and(|target| holders.any(|holder| holder == target))
}

/// Whether a transcript lies directly in the directory.
fn has_direct_transcripts(root: &Path) -> bool {
    let entries = root.read_dir().into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.any(|path| path.extension().is_some_and(|extension| extension == "jsonl") && path.is_file())
}

/// The path that has this key; `None` if no path has it.
fn path_of(session: &SessionKey) -> Option<PathBuf> {
    let mut parts = session.as_str().split('\\');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let code = part.strip_prefix('x')?.get(..2)?;
        bytes.push(u8::from_str_radix(code, 16).ok()?);
        bytes.extend_from_slice(part.get(3..)?.as_bytes());
    }
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, ffi::OsStr, os::unix::fs::symlink};

    use super::*;
    use crate::sessions::Users;

    fn scanner(folder: &Path, depth: Depth) -> Scanner {
        Scanner::new(vec![folder.to_owned()], depth, Users::Folders(BTreeMap::new()))
    }

    fn write(folder: &Path, file: impl AsRef<Path>) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{}\n").unwrap();
    }

    #[test]
    fn whatever_a_scan_finds_is_located() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        for file in ["alice/a.jsonl", "alice/a/subagents/agent-1.jsonl", "bruno/é \\x.jsonl"] {
            write(folder.path(), file);
        }
        write(folder.path(), OsStr::from_bytes(b"bruno/caf\xe9.jsonl"));
        for depth in [Depth::Flat, Depth::Recursive] {
            let scanner = scanner(folder.path(), depth);
            let scan = scanner.scan().unwrap();
            assert!(scan.transcripts.len() >= 3);
            for transcript in scan.transcripts {
                assert_eq!(scanner.locate(&transcript.session), Some(transcript));
            }
        }
    }

    #[test]
    fn the_folder_of_a_project_is_located_as_it_is_scanned() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("tea");
        write(&project, "a.jsonl");
        write(&project, "a/subagents/agent-1.jsonl");
        let scanner = scanner(&project, Depth::Recursive);
        for key in ["tea/a.jsonl", "tea/a/subagents/agent-1.jsonl"] {
            assert!(scanner.locate(&SessionKey::new(key)).is_some(), "{key}");
        }
        assert_eq!(scanner.locate(&SessionKey::new("a/subagents/agent-1.jsonl")), None);
    }

    #[test]
    fn what_no_scan_finds_is_not_located() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("sessions");
        write(&root, "alice/a.jsonl");
        write(&root, "alice/a.txt");
        write(&root, "alice/deep/er/b.jsonl");
        write(folder.path(), "secret/s.jsonl");
        symlink(folder.path().join("secret"), root.join("link")).unwrap();
        symlink(folder.path().join("secret/s.jsonl"), root.join("alice/s.jsonl")).unwrap();
        symlink(root.join("alice"), root.join("alice/loop")).unwrap();
        symlink(&root, root.join("alice/deep/top")).unwrap();
        fs::create_dir(root.join("alice/folder.jsonl")).unwrap();
        let looped = ["alice/loop/a.jsonl", "alice/deep/top/alice/a.jsonl"];
        let recursive = scanner(&root, Depth::Recursive);
        for transcript in recursive.scan().unwrap().transcripts {
            assert!(!looped.contains(&transcript.session.as_str()));
        }
        for key in looped {
            assert_eq!(recursive.locate(&SessionKey::new(key)), None, "{key}");
        }
        let scanner = scanner(&root, Depth::Flat);
        assert!(scanner.locate(&SessionKey::new("alice/a.jsonl")).is_some());
        for key in [
            "",
            "a.jsonl",
            "alice/a.txt",
            "alice/deep/er/b.jsonl",
            "alice//a.jsonl",
            "alice/./a.jsonl",
            "./alice/a.jsonl",
            "/alice/a.jsonl",
            "alice/../alice/a.jsonl",
            "../secret/s.jsonl",
            "alice/..\\x2Fa.jsonl",
            "\\x2E\\x2E/secret/s.jsonl",
            "\\x61lice/a.jsonl",
            "link/s.jsonl",
            "alice/s.jsonl",
            "alice/folder.jsonl",
            "alice/a.jsonl\0",
            "alice/\\xZZ.jsonl",
            "/etc/passwd",
        ] {
            assert_eq!(scanner.locate(&SessionKey::new(key)), None, "{key}");
        }
    }
}
