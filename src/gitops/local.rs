//! Repositories on this machine, read in place: no program is run, and nothing is copied or written.
//!
//! Whoever owns one, it is opened as somebody else's: what its configuration says beyond its format counts for nothing.

use std::io;
use std::path::{Path, PathBuf};

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::sec::Trust;
use percent_encoding::percent_decode_str;

use super::git::Named;

/// How often its names are read until two readings say the same.
const LOOKS: usize = 5;
/// Objects as they are, whatever is said to replace them, and up to the size that all files of a render may have.
const SETTINGS: [&str; 2] = ["core.useReplaceRefs=false", "gitoxide.objects.allocLimitIfReducedTrust=104857600"];

/// Where a URL leads on this machine, if it is one of a file or no URL at all.
pub fn path(url: &str) -> Option<PathBuf> {
    let parsed = gix::url::parse(url).ok()?;
    let decoded = url.strip_prefix("file://").map(|rest| percent_decode_str(rest).decode_utf8_lossy());
    (parsed.scheme == gix::url::Scheme::File).then(|| PathBuf::from(decoded.as_deref().unwrap_or(url)))
}

/// Opens the repository at a path, or the one of this name with `.git` at its end. Folders above it are not asked.
pub fn open(path: &Path) -> Result<gix::Repository, gix::Error> {
    if !path.is_absolute() {
        return Err(other("the path has to begin with a slash, as in file:///srv/colors.git".to_owned()));
    }
    let options = || gix::open::Options::isolated().with(Trust::Reduced).config_overrides(SETTINGS);
    let repository = gix::open_opts(path, options()).or_else(|error| {
        let mut whole = path.as_os_str().to_owned();
        whole.push(".git");
        gix::open_opts(PathBuf::from(whole), options()).map_err(|_| error)
    })?;
    match repository.config_snapshot().string("extensions.refStorage") {
        Some(format) if format != "files" => {
            Err(other(format!("its names are kept as {format}, and only files are read")))
        }
        _ => Ok(repository),
    }
}

/// All names of the repository at a path. A reading in the middle of `git pack-refs` finds old ones; so two have to agree.
pub fn names(path: &Path) -> Result<Vec<Named>, gix::Error> {
    let mut last = look(path);
    for _ in 0..LOOKS {
        let next = look(path);
        match (&last, &next) {
            (Ok(one), Ok(other)) if one == other => return next,
            _ => last = next,
        }
    }
    last.and_then(|_| Err(other("they change faster than they are read".to_owned())))
}

fn other(why: String) -> gix::Error {
    gix::Error::from_error(io::Error::other(why))
}

fn named(name: &str, commit: ObjectId) -> Named {
    Named { name: name.to_owned(), commit, object: commit }
}

fn look(path: &Path) -> Result<Vec<Named>, gix::Error> {
    let repository = open(path)?;
    // One that leads nowhere is no name, as for those who fetch.
    let head = repository.head()?.try_into_peeled_id().ok().flatten();
    let mut names: Vec<Named> = head.map(|commit| named("HEAD", commit.detach())).into_iter().collect();
    for reference in repository.references()?.all()? {
        let mut reference = reference?;
        let Ok(commit) = reference.peel_to_id().map(gix::Id::detach) else { continue };
        if let Ok(name) = reference.name().as_bstr().to_str() {
            names.push(named(name, commit));
        }
    }
    Ok(names)
}
