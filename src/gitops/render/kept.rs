//! Renders that are kept on disk, each under a mark of everything that it was made of.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sluice_core::gitops::manifest::Document;
use tempfile::{Builder, TempDir};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::super::digest::hex;
use super::closure::Closure;
use super::keys::Keys;
use crate::clock::Clock;

/// Programs that run at the same time; and plugins, which may wait for others and must not keep the rest from their places.
const PLACES: usize = 2;
/// How long a render is kept that nobody asks for.
const KEPT: Duration = Duration::from_hours(24 * 7);

/// Renders that programs have made.
pub struct Renders {
    folder: PathBuf,
    /// Renders that are not to be on disk, as there may be secrets in them, the latest at the end.
    opened: Mutex<VecDeque<Opened>>,
    /// Where programs work.
    work: PathBuf,
    places: Semaphore,
    plugins: Semaphore,
    clock: Clock,
}

/// A render that is kept in memory.
struct Opened {
    key: String,
    documents: Vec<Document>,
    bytes: usize,
    /// The Application that it is of alone, and until when it is good, where it depends on more than its mark says.
    fleeting: Option<(String, Instant)>,
}

/// How long a render is good that depends on more than its mark says.
const GOOD: Duration = Duration::from_hours(1);
/// Bytes of renders of that kind that are kept at most.
const OPENED: usize = 32 << 20;
/// How the folders begin in which programs work.
const WORK: &str = "render-";

/// A mark of a render that was made with keys.
pub fn opened(key: &str, keys: &Keys) -> String {
    format!("{key} {}", keys.recipients().join(" "))
}

/// A mark of what a render is made of: what it is told, and the files that it has, by the names of their folders.
pub fn key(inputs: &Value, files: &[(String, Closure<'_>)]) -> String {
    let files: Vec<_> = files.iter().map(|(name, closure)| (name, closure.mark())).collect();
    hex(&Sha256::digest(json!([inputs, files]).to_string()))
}

impl Renders {
    /// Keeps them in a folder; those that nobody has asked for in a week go.
    pub fn new(folder: &Path, clock: Clock) -> Renders {
        let (work, folder) = (folder.join("work"), folder.join("renders"));
        // What a process has left behind that did not end by itself.
        let _ = std::fs::remove_dir_all(&work);
        let now = SystemTime::from(clock.now());
        let old = |entry: &std::fs::DirEntry| {
            let changed = entry.metadata().and_then(|it| it.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            now.duration_since(changed).is_ok_and(|age| age > KEPT)
        };
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten().filter(old) {
            // It is as good there as gone.
            let _ = std::fs::remove_file(entry.path());
        }
        Renders {
            folder,
            opened: Mutex::default(),
            work,
            places: Semaphore::new(PLACES),
            plugins: Semaphore::new(PLACES),
            clock,
        }
    }

    /// A place for a program to run, or for a plugin.
    pub async fn place(&self, is_plugin: bool) -> Option<SemaphorePermit<'_>> {
        let places = if is_plugin { &self.plugins } else { &self.places };
        places.acquire().await.ok()
    }

    /// What was kept.
    pub async fn get(&self, key: &str) -> Option<Vec<Document>> {
        let (path, now) = (self.folder.join(key), SystemTime::from(self.clock.now()));
        tokio::task::spawn_blocking(move || read(&path, now)).await.ok()?
    }

    /// A folder for a program to work in, which nobody else reads. What it holds may have been encrypted.
    pub fn workplace(&self) -> Result<TempDir, String> {
        let made =
            std::fs::create_dir_all(&self.work).and_then(|()| Builder::new().prefix(WORK).tempdir_in(&self.work));
        made.map_err(|error| format!("cannot make a folder for a render in {}: {error}", self.work.display()))
    }

    /// What was kept in memory.
    pub fn get_opened(&self, key: &str) -> Option<Vec<Document>> {
        let now = Instant::now();
        let is_good = |one: &&Opened| one.key == key && one.fleeting.as_ref().is_none_or(|(_, end)| now < *end);
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.iter().find(is_good).map(|one| one.documents.clone())
    }

    /// Keeps a render in memory alone, for as long as there is room; for an hour, where it depends on more than its mark says: then it
    /// is of one Application alone.
    pub fn put_opened(&self, key: String, documents: &[Document], application: Option<String>) {
        let bytes = documents.iter().map(|one| one.value.to_string().len()).sum();
        let now = Instant::now();
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|one| one.key != key && one.fleeting.as_ref().is_none_or(|(_, end)| now < *end));
        let fleeting = application.map(|application| (application, now + GOOD));
        opened.push_back(Opened { key, documents: documents.to_vec(), bytes, fleeting });
        while opened.iter().map(|one| one.bytes).sum::<usize>() > OPENED {
            opened.pop_front();
        }
    }

    /// Forgets the renders of an Application that depend on more than their marks say.
    pub fn forget(&self, application: &str) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|one| one.fleeting.as_ref().is_none_or(|(known, _)| known != application));
    }

    /// Keeps a render, for its owner's eyes alone. One that cannot be kept is made again.
    pub async fn put(&self, key: &str, documents: &[Document]) {
        let all: Vec<(&str, &Value)> = documents.iter().map(|one| (one.file.as_str(), &one.value)).collect();
        let (content, folder, key) = (json!(all).to_string(), self.folder.clone(), key.to_owned());
        let keep = move || -> std::io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            let mut file = tempfile::NamedTempFile::new_in(&folder)?;
            file.write_all(content.as_bytes())?;
            file.persist(folder.join(key))?;
            Ok(())
        };
        if let Ok(Err(error)) = tokio::task::spawn_blocking(keep).await {
            tracing::warn!(%error, folder = %self.folder.display(), "cannot keep a render");
        }
    }
}

fn read(path: &Path, now: SystemTime) -> Option<Vec<Document>> {
    let read: Vec<(String, Value)> = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    if let Ok(file) = std::fs::File::open(path) {
        // That it was of use is only for the next week.
        let _ = file.set_modified(now);
    }
    Some(read.into_iter().map(|(file, value)| Document { file, value }).collect())
}
