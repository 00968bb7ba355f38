//! Certificates that the tests sign themselves, by the command `openssl`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// Signs certificates. Two authorities do not trust each other.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    /// Makes one, with a key of its own.
    #[must_use]
    #[track_caller]
    #[expect(clippy::new_without_default, reason = "it is made for its effects on the disk")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        // Nothing of the system's own configuration.
        fs::write(
            folder.path().join("openssl.cnf"),
            "[req]\ndistinguished_name = name\n[name]\n",
        )
        .expect("a file can be written");
        let authority = Self { folder };
        authority.request(
            "authority",
            "authority of the tests",
            &["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign"],
            &[],
        );
        authority
    }

    /// Its own certificate, by which a client checks those that it has signed.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path("authority.crt")
    }

    /// Signs a certificate for a server of this name, and gives the files of the certificate and of its key.
    #[must_use]
    #[track_caller]
    pub fn issue(&self, host: &str) -> (PathBuf, PathBuf) {
        let name = format!("subjectAltName=DNS:{host}");
        let signer = [self.path("authority.crt"), self.path("authority.key")];
        self.request("server", host, &[&name, "basicConstraints=CA:FALSE"], &signer);
        (self.path("server.crt"), self.path("server.key"))
    }

    /// Makes `FILE.key` and `FILE.crt`, signed by `signer` or else by itself.
    #[track_caller]
    fn request(&self, file: &str, name: &str, extensions: &[&str], signer: &[PathBuf]) {
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ]);
        command.arg("-config").arg(self.path("openssl.cnf"));
        command.args(["-subj", &format!("/CN={name}")]);
        command.arg("-out").arg(self.path(format!("{file}.crt")));
        command.arg("-keyout").arg(self.path(format!("{file}.key")));
        for extension in extensions {
            command.args(["-addext", extension]);
        }
        if let [certificate, key] = signer {
            command.arg("-CA").arg(certificate).arg("-CAkey").arg(key);
        }
        let output = command.output().expect("the command openssl can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
    }

    fn path(&self, file: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(file)
    }
}
