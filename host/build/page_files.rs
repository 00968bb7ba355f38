//! Puts the scripts and styles of the page into the binary: compressed, under names that hold their digest.
//!
//! The project's own files lie in `src/web/assets`. `scripts/setup` fetches the others, checks their digests, and names
//! their folder in the variable `SESSION_HOST_PAGE_SCRIPTS`.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};

const VARIABLE: &str = "SESSION_HOST_PAGE_SCRIPTS";

/// The files of the project.
const OWN: &[&str] = &["page.css", "page.js", "charts.js", "icon.svg"];

/// The files that `scripts/setup` fetches.
const FETCHED: &[&str] = &["htmx.min.js", "hx-sse.min.js", "echarts.min.js"];

/// Compresses the files into `out`, and writes `page_files.rs` there: a constant for each file.
pub(crate) fn embed(out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=src/web/assets");
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    let fetched = env::var_os(VARIABLE).map(PathBuf::from).ok_or_else(|| {
        format!("the variable {VARIABLE} names no folder: run scripts/setup, which fetches the scripts of the page")
    })?;
    let own = OWN.iter().map(|name| Path::new("src/web/assets").join(name));
    let paths = own.chain(FETCHED.iter().map(|name| fetched.join(name)));
    let mut source = String::new();
    let mut constants = Vec::new();
    for path in paths {
        let file = EmbeddedFile::read(&path, out)?;
        file.declare(&mut source)?;
        constants.push(file.constant);
    }
    writeln!(
        source,
        "/// Every file.\npub(super) const FILES: &[PageFile] = &[{}];",
        constants.join(", ")
    )?;
    fs::write(out.join("page_files.rs"), source)?;
    Ok(())
}

struct EmbeddedFile {
    name: String,
    constant: String,
    served_as: String,
    content_type: &'static str,
}

impl EmbeddedFile {
    /// Reads a file, and writes it into `out`, compressed.
    fn read(path: &Path, out: &Path) -> Result<Self, Box<dyn Error>> {
        let bytes = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("a file has no name")?;
        let (stem, extension) = name.rsplit_once('.').ok_or("a file has no extension")?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&bytes)?;
        fs::write(out.join(format!("{name}.gz")), encoder.finish()?)?;
        let mut digest = String::new();
        for byte in &Sha256::digest(&bytes)[..8] {
            write!(digest, "{byte:02x}")?;
        }
        Ok(Self {
            constant: stem.replace(['.', '-'], "_").to_uppercase() + "_" + &extension.to_uppercase(),
            served_as: format!("{stem}-{digest}.{extension}"),
            content_type: content_type(extension)?,
            name: name.to_owned(),
        })
    }

    fn declare(&self, source: &mut String) -> Result<(), Box<dyn Error>> {
        let Self {
            name,
            constant,
            served_as,
            content_type,
        } = self;
        writeln!(
            source,
            "/// `{name}`.\npub(super) const {constant}: PageFile = PageFile {{"
        )?;
        writeln!(
            source,
            "    name: \"{served_as}\",\n    content_type: \"{content_type}\","
        )?;
        writeln!(
            source,
            "    gzip: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}.gz\")),\n}};"
        )?;
        Ok(())
    }
}

fn content_type(extension: &str) -> Result<&'static str, String> {
    match extension {
        "css" => Ok("text/css; charset=utf-8"),
        "js" => Ok("text/javascript; charset=utf-8"),
        "svg" => Ok("image/svg+xml"),
        other => Err(format!("a file of the page has the unknown extension {other}")),
    }
}
