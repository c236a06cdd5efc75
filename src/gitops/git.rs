//! One repository of Git, kept as a bare one, or read in place where it is on this machine: which commit a name stands for, that commit
//! without its history, and what is in it.
//!
//! All of it blocks; `repository.rs` calls it where that is allowed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use gix::protocol::handshake::Ref;
use gix::protocol::transport::client::blocking_io::{Transport, http};
use gix::refs::transaction::PreviousValue;
use gix::remote::AuthenticateFn;
use gix::remote::Direction;
use gix::sec::identity::Account;
use sluice_core::gitops::path::within;

use super::fetch::{self, LARGEST, Wanted};
use super::local;
use super::ssh;

/// How long a connection may take to come up.
pub const CONNECT: Duration = Duration::from_secs(10);
/// How long one answer of a server may take, from its first to its last byte.
pub const ANSWER: Duration = Duration::from_mins(5);

/// What a repository asks of whoever reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// A user, and a password or token.
    pub login: Option<(String, String)>,
    /// A token that is sent as it is.
    pub bearer: Option<String>,
    /// A private key for SSH.
    pub ssh_key: Option<String>,
    /// Whether any certificate, or any host's key, is good.
    pub insecure: bool,
    /// Certificates of those who vouch for the server, as PEM.
    pub authorities: Option<String>,
    /// The keys by which SSH knows hosts.
    pub known_hosts: Option<String>,
}

/// A repository.
pub struct Store {
    url: String,
    /// Where it is on this machine: then it is read there.
    local: Option<PathBuf>,
    folder: PathBuf,
    credentials: Credentials,
    /// Held while the folder is made: one that is half made is taken away.
    making: Mutex<()>,
}

/// A name of a repository, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// As in `refs/heads/main`, or `HEAD`.
    pub name: String,
    /// The commit.
    pub commit: ObjectId,
    /// What the server has under the name: the commit, or a tag with a text of its own. Not every server gives out a commit that it does
    /// not name.
    pub object: ObjectId,
}

/// What is at a path of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its content: the same content has the same.
    pub id: ObjectId,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where, from the folder that was asked for.
    pub path: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// Which files of a folder are read, and how much of them.
pub struct Reading<'a> {
    /// Whether folders in it are read, too.
    pub recurse: bool,
    /// Whether a file is read.
    pub wanted: &'a dyn Fn(&str) -> bool,
    /// Bytes that all files may have together.
    pub limit: u64,
}

/// How deep folders may lie in each other.
const DEEPEST: usize = 64;
/// Files that a folder may have.
const MOST_FILES: usize = 20_000;

impl Store {
    /// A repository that is kept in a folder, which is made when it is needed: one on this machine needs none.
    pub fn new(url: &str, folder: &Path, credentials: Credentials) -> Store {
        Store {
            url: url.to_owned(),
            local: local::path(url),
            folder: folder.to_owned(),
            credentials,
            making: Mutex::default(),
        }
    }

    /// Takes away what a process that died in the middle of a fetch has left behind: nobody else writes here.
    pub fn unlock(&self) {
        let folders = [self.folder.clone(), self.folder.join("refs/sluice"), self.folder.join("refs/sluice/heads")];
        let files = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
        for file in files.filter(|file| file.path().extension().is_some_and(|end| end == "lock")) {
            // What cannot be removed is named by the fetch that it stops.
            let _ = std::fs::remove_file(file.path());
        }
        let packs = std::fs::read_dir(self.folder.join("objects/pack")).into_iter().flatten().flatten();
        for half in packs.filter(|file| file.file_name().to_string_lossy().starts_with(".tmp")) {
            let _ = std::fs::remove_file(half.path());
        }
    }

    /// All names, as the server has them now.
    pub fn names(&self) -> Result<Vec<Named>, String> {
        let mut session = None;
        let attempt = |session: &mut _| -> Result<Vec<Named>, gix::Error> {
            if let Some(path) = &self.local {
                return local::names(path);
            }
            let repository = self.open()?;
            let remote = repository.remote_at(self.url.as_str())?.with_fetch_tags(gix::remote::fetch::Tags::None);
            let remote = remote.with_refspecs(["+refs/heads/*:refs/remotes/all/*"], Direction::Fetch)?;
            let connection = self.connect(&remote, session)?;
            let options = gix::remote::ref_map::Options {
                prefix_from_spec_as_filter_on_remote: false,
                ..gix::remote::ref_map::Options::default()
            };
            let (map, _) = connection.ref_map(gix::progress::Discard, options)?;
            Ok(map.remote_refs.iter().filter_map(named).collect())
        };
        attempt(&mut session).map_err(|error| self.refused("list the branches and tags", &error, session))
    }

    /// Fetches a commit without its history, as what the server has under a name, and notes it under that. A copy in which it is not
    /// there after that is of no use, and is made anew.
    pub fn fetch(&self, commit: ObjectId, object: ObjectId, name: &str, stop: &AtomicBool) -> Result<(), String> {
        for _ in 0..2 {
            self.fetch_into(commit, object, name, stop)?;
            if self.has(commit) {
                return Ok(());
            }
            let removed = std::fs::remove_dir_all(&self.folder);
            removed.map_err(|error| format!("{}: cannot remove its broken copy: {error}", self.shown()))?;
        }
        Err(format!("{}: its server answers, and does not send {commit}", self.shown()))
    }

    fn fetch_into(&self, commit: ObjectId, object: ObjectId, name: &str, stop: &AtomicBool) -> Result<(), String> {
        let mut session = None;
        let attempt = |session: &mut _| -> Result<(), gix::Error> {
            let repository = self.open()?;
            if self.local.is_some() {
                return Err(gix::Error::from_error(std::io::Error::other("it is not there, or not all of it")));
            }
            let mut wanted = Wanted::new(&repository, commit, object)?;
            let remote = repository.remote_at(self.url.as_str())?;
            let mut ask = |wanted: &mut Wanted| -> Result<(), gix::Error> {
                let mut connection = self.connect(&remote, session)?;
                let transport = connection.transport_mut();
                if let Some(options) = self.http() {
                    transport.configure(&options)?;
                }
                fetch::receive(&repository, transport, self.login(), wanted, stop)
            };
            ask(&mut wanted).or_else(|error| {
                let is_over = stop.load(Ordering::Relaxed);
                // Only what came, and could not be put together, is asked for as a whole.
                if is_over || !wanted.has_come() || !wanted.anew() { Err(error) } else { ask(&mut wanted) }
            })?;
            let name = format!("{}{}", fetch::NAMES, name.trim_start_matches("refs/"));
            // The next fetch may send less then. One whose name is the beginning of another's has no place beside it.
            let _ = repository.reference(name, commit, PreviousValue::Any, "fetch");
            Ok(())
        };
        attempt(&mut session).map_err(|error| self.refused(&format!("fetch {commit}"), &error, session))
    }

    /// Whether a commit is here already.
    pub fn has(&self, commit: ObjectId) -> bool {
        let found = || -> Option<bool> {
            let repository = self.open().ok()?;
            let tree = repository.find_commit(commit).ok()?.tree_id().ok()?;
            Some(repository.has_object(tree.detach()))
        };
        found().unwrap_or(false)
    }

    /// The tree of a folder of a commit: the same tree has the same files.
    pub fn tree(&self, commit: ObjectId, path: &str) -> Result<ObjectId, String> {
        let entry = self.entry(commit, path)?.filter(|entry| entry.is_folder).map(|entry| entry.id);
        entry.ok_or_else(|| format!("{}: there is no folder {path:?} in commit {commit}", self.shown()))
    }

    /// What is at a path of a commit, if that is a file or a folder.
    pub fn entry(&self, commit: ObjectId, path: &str) -> Result<Option<Entry>, String> {
        let attempt = || -> Result<Option<Entry>, gix::Error> {
            let repository = self.open()?;
            let tree = repository.find_commit(commit)?.tree()?;
            let Some(path) = within("", path) else { return Ok(None) };
            if path.is_empty() {
                return Ok(Some(Entry { id: tree.id, is_folder: true }));
            }
            let found = tree.lookup_entry_by_path(&path)?;
            let found = found.filter(|entry| entry.mode().is_tree() || entry.mode().is_blob());
            Ok(found.map(|entry| Entry { id: entry.object_id(), is_folder: entry.mode().is_tree() }))
        };
        attempt().map_err(|error| self.failed(&format!("read {path:?} of {commit}"), &error))
    }

    /// A file.
    pub fn file(&self, id: ObjectId, limit: u64) -> Result<Vec<u8>, String> {
        let attempt = || -> Result<Option<Vec<u8>>, gix::Error> {
            let repository = self.open()?;
            // One that is too large for all was not fetched.
            if repository.try_find_header(id)?.is_none_or(|header| header.size() > limit) {
                return Ok(None);
            }
            Ok(Some(repository.find_blob(id)?.take_data()))
        };
        let content = attempt().map_err(|error| self.failed(&format!("read {id}"), &error))?;
        content.ok_or_else(|| format!("{}: a file has more than {} MiB", self.shown(), limit >> 20))
    }

    /// The names of the files of a folder, without those in folders of it.
    pub fn names_in(&self, tree: ObjectId) -> Result<Vec<String>, String> {
        let attempt = || -> Result<Vec<String>, gix::Error> {
            let mut names = Vec::new();
            for entry in self.open()?.find_tree(tree)?.iter() {
                let entry = entry?;
                names.extend(entry.mode().is_blob().then(|| entry.filename().to_string()));
            }
            Ok(names)
        };
        attempt().map_err(|error| self.failed(&format!("read the folder {tree}"), &error))
    }

    /// The files of a tree, in the order of their names.
    pub fn files(&self, tree: ObjectId, reading: &Reading<'_>) -> Result<Vec<File>, String> {
        let repository = self.open().map_err(|error| self.failed("open the copy", &error))?;
        let mut files = Vec::new();
        let mut left = reading.limit;
        read(&repository, tree, "", reading, &mut left, &mut files)
            .map_err(|why| format!("{}: {why}", self.shown()))?;
        Ok(files)
    }

    /// The URL as messages have it, without the password that people write into it.
    pub fn shown(&self) -> String {
        shown(&self.url)
    }

    /// As `failed`, with what was said beside the connection; that alone, where it says what to do.
    fn refused(&self, what: &str, error: &gix::Error, session: Option<ssh::Session>) -> String {
        let said = session.map(ssh::Session::said).unwrap_or_default();
        match ssh::advice(&said, &self.url, &self.credentials) {
            Some(advice) => format!("{}: cannot {what}: {advice}", self.shown()),
            None if said.is_empty() => self.failed(what, error),
            None => format!("{}; ssh says: {said}", self.failed(what, error)),
        }
    }

    fn failed(&self, what: &str, error: &gix::Error) -> String {
        let mut text = format!("{}: cannot {what}: {error}", self.shown());
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        let secrets = self.credentials.login.iter().map(|(_, secret)| secret).chain(&self.credentials.bearer);
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    fn open(&self) -> Result<gix::Repository, gix::Error> {
        if let Some(path) = &self.local {
            return local::open(path);
        }
        let making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.folder.join("HEAD").exists() {
            // What was broken off before is begun anew.
            let _ = std::fs::remove_dir_all(&self.folder);
            std::fs::create_dir_all(&self.folder).map_err(gix::Error::from_error)?;
            gix::init_bare(&self.folder)?;
        }
        drop(making);
        let overrides = ["protocol.version=2"];
        gix::open_opts(&self.folder, gix::open::Options::isolated().config_overrides(overrides))
    }

    /// A connection to the server, and the session that carries it, if there is one.
    fn connect<'a, 'r>(
        &'a self,
        remote: &'a gix::Remote<'r>,
        carried: &mut Option<ssh::Session>,
    ) -> Result<gix::remote::Connection<'a, 'a, 'r, Box<dyn Transport + Send>>, gix::Error> {
        if !ssh::is_ssh(&self.url) {
            let connection = remote.connect(Direction::Fetch)?.with_credentials(self.login());
            return Ok(match self.http() {
                Some(options) => connection.with_transport_options(Box::new(options)),
                None => connection,
            });
        }
        let begun = ssh::Session::begin(&self.url, &self.credentials, &self.folder);
        let (session, transport) = begun.map_err(|why| gix::Error::from_error(std::io::Error::other(why)))?;
        *carried = Some(session);
        Ok(remote.to_connection_with_transport(Box::new(transport)))
    }

    /// What answers when the server asks who is there: once, as another answer would not be better.
    fn login(&self) -> AuthenticateFn<'_> {
        let mut login = self.credentials.login.as_ref();
        let own = gix::url::parse(self.url.as_str()).ok();
        // A server may lead elsewhere, where the login is nobody's business.
        let is_own = move |url: Option<&gix::bstr::BString>| {
            let asked = url.and_then(|url| gix::url::parse(url.as_bstr()).ok());
            let place = |url: &gix::Url| (url.scheme.clone(), url.host().map(str::to_owned), url.port_or_default());
            asked.as_ref().map(place) == own.as_ref().map(place)
        };
        Box::new(move |action| match (action, login.take()) {
            (gix::credentials::helper::Action::Get(context), Some((username, password)))
                if is_own(context.url.as_ref()) =>
            {
                let identity =
                    Account { username: username.clone(), password: password.clone(), oauth_refresh_token: None };
                Ok(Some(gix::credentials::protocol::Outcome { identity, next: context.into() }))
            }
            _ => Ok(None),
        })
    }

    /// How a server is spoken to by HTTP, if it is.
    fn http(&self) -> Option<http::Options> {
        if !self.url.starts_with("http") {
            return None;
        }
        let (insecure, authorities) = (self.credentials.insecure, self.credentials.authorities.clone());
        let configure = move |builder: reqwest::blocking::ClientBuilder| {
            let mut builder = builder.connect_timeout(CONNECT).timeout(ANSWER).danger_accept_invalid_certs(insecure);
            for authority in
                authorities.iter().flat_map(|pem| reqwest::Certificate::from_pem_bundle(pem.as_bytes())).flatten()
            {
                builder = builder.add_root_certificate(authority);
            }
            Ok(builder)
        };
        let backend = http::reqwest::Options { configure_client: Some(Box::new(configure)), configure_request: None };
        let bearer = self.credentials.bearer.iter().map(|token| format!("Authorization: Bearer {token}"));
        Some(http::Options {
            extra_headers: bearer.collect(),
            backend: Some(std::sync::Arc::new(std::sync::Mutex::new(backend))),
            ..http::Options::default()
        })
    }
}

/// A URL without the password that people write into it.
pub fn shown(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (login, rest))) if !login.contains('/') => {
            let user = login.split(':').next().unwrap_or_default();
            let masked = if login.contains(':') { format!("{user}:***@") } else { format!("{login}@") };
            format!("{scheme}://{masked}{rest}")
        }
        _ => url.to_owned(),
    }
}

fn named(reference: &Ref) -> Option<Named> {
    let (name, commit, object) = match reference {
        Ref::Peeled { full_ref_name, object, tag } => (full_ref_name, object, tag),
        Ref::Symbolic { full_ref_name, object, tag, .. } => (full_ref_name, object, tag.as_ref().unwrap_or(object)),
        Ref::Direct { full_ref_name, object } => (full_ref_name, object, object),
        Ref::Unborn { .. } => return None,
    };
    Some(Named { name: name.to_str().ok()?.to_owned(), commit: *commit, object: *object })
}

fn read(
    repository: &gix::Repository,
    tree: ObjectId,
    at: &str,
    reading: &Reading<'_>,
    left: &mut u64,
    files: &mut Vec<File>,
) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("cannot read the folder {at:?}: {error}");
    if at.split('/').count() > DEEPEST {
        return Err(format!("{at}: folders lie in each other more than {DEEPEST} deep"));
    }
    let tree = repository.find_tree(tree).map_err(|error| wrong(&error))?;
    for entry in tree.iter() {
        let entry = entry.map_err(|error| wrong(&error))?;
        let name = entry.filename().to_str().map_err(|_| format!("{at}: a name is not UTF-8"))?;
        // Whoever writes such a tree by hand wants out of the folder.
        if matches!(name, "" | "." | ".." | ".git") || name.contains(['/', '\\', '\0']) {
            return Err(format!("{at}: {name:?} is no name of a file"));
        }
        let path = if at.is_empty() { name.to_owned() } else { format!("{at}/{name}") };
        let mode = entry.mode();
        if mode.is_tree() {
            if reading.recurse {
                read(repository, entry.object_id(), &path, reading, left, files)?;
            }
            continue;
        }
        if mode.is_commit() && reading.recurse {
            return Err(format!("{path} is a submodule, and those are not read yet"));
        }
        // A link without an extension may lead to a folder.
        let may_be_folder = mode.is_link() && reading.recurse && !name.contains('.');
        if !(reading.wanted)(&path) && !may_be_folder {
            continue;
        }
        if mode.is_link() {
            return Err(format!("{path} is a symbolic link, and those are not followed yet"));
        }
        if !mode.is_blob() {
            continue;
        }
        let header = repository.try_find_header(entry.object_id()).map_err(|error| wrong(&error))?;
        let Some(size) = header.map(|header| header.size()) else {
            return Err(format!("{path} has {} MiB or more, and is not fetched", LARGEST >> 20));
        };
        *left = left.checked_sub(size).ok_or_else(|| {
            format!("the manifests have more than {} MiB with {path} ({size} bytes)", reading.limit >> 20)
        })?;
        if files.len() == MOST_FILES {
            return Err(format!("there are more than {MOST_FILES} files"));
        }
        let content = repository.find_blob(entry.object_id()).map_err(|error| wrong(&error))?.take_data();
        files.push(File { path, content });
    }
    Ok(())
}
