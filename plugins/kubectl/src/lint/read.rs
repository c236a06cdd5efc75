//! Finding files and reading them.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Source;

/// No manifest is larger than this, in bytes; a device or a pipe may never end.
const LARGEST: u64 = 64 << 20;

/// No folder of manifests is deeper than this.
const DEEPEST: usize = 32;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {what}: {why}")]
pub struct Unreadable {
    what: String,
    why: String,
}

impl Unreadable {
    fn of(path: &Path, why: &dyn fmt::Display) -> Unreadable {
        Unreadable { what: path.display().to_string(), why: why.to_string() }
    }
}

/// Reads what the command line names: files, folders with all that is in them, and `-` for the standard input.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, Unreadable> {
    let mut sources = Vec::new();
    let mut has_stdin = false;
    for path in paths {
        if path.as_os_str() == "-" {
            // It can be read once.
            if !std::mem::replace(&mut has_stdin, true) {
                let text = text(io::stdin().lock()).map_err(|why| Unreadable::of(Path::new("stdin"), &why))?;
                sources.push(Source { name: "stdin".to_owned(), text, is_named: true });
            }
            continue;
        }
        let metadata = fs::metadata(path).map_err(|why| Unreadable::of(path, &why))?;
        if metadata.is_dir() {
            folder(path, 0, &mut sources)?;
        } else {
            sources.push(file(path, true)?);
        }
    }
    Ok(sources)
}

fn folder(path: &Path, depth: usize, sources: &mut Vec<Source>) -> Result<(), Unreadable> {
    if depth > DEEPEST {
        return Err(Unreadable::of(path, &format!("it is more than {DEEPEST} folders deep")));
    }
    let entries = fs::read_dir(path).map_err(|why| Unreadable::of(path, &why))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|why| Unreadable::of(path, &why))?.path());
    }
    paths.sort();
    for path in paths {
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        // A link to a folder could lead in a circle; a link to a file is a file.
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        if is_hidden {
            continue;
        }
        if is_folder {
            folder(&path, depth + 1, sources)?;
        } else if is_manifest(&path) && fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            sources.push(file(&path, false)?);
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.extension().is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension == *known))
}

fn file(path: &Path, is_named: bool) -> Result<Source, Unreadable> {
    let read = fs::File::open(path).and_then(text).map_err(|why| Unreadable::of(path, &why))?;
    Ok(Source { name: path.display().to_string(), text: read, is_named })
}

fn text(input: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    input.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    // A byte order mark is not part of the text.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    String::from_utf8(bytes.to_vec()).map_err(|_| io::Error::other("it is no UTF-8 text"))
}
