//! One repository of Git, kept as a bare one, or read in place where it is on this machine: which commit a name stands for, that commit
//! without its history. What is in it is read as a `tree`.
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
pub use sluice_core::gitops::url::shown;

use super::fetch::{self, Wanted};
use super::local;
use super::ssh;
use super::tree::Links;

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
    links: Links,
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

impl Store {
    /// A repository that is kept in a folder, which is made when it is needed: one on this machine needs none.
    pub fn new(url: &str, folder: &Path, credentials: Credentials) -> Store {
        Store {
            url: url.to_owned(),
            local: local::path(url),
            folder: folder.to_owned(),
            credentials,
            making: Mutex::default(),
            links: Links::default(),
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

    /// The files of a commit that is here, as one tree.
    pub fn root(&self, commit: ObjectId) -> Result<ObjectId, String> {
        let attempt = || Ok(self.open()?.find_commit(commit)?.tree_id()?.detach());
        attempt().map_err(|error: gix::Error| self.failed(&format!("read {commit}"), &error))
    }

    /// The copy, to read from.
    pub fn reader(&self) -> Result<gix::Repository, String> {
        self.open().map_err(|error| self.failed("open the copy", &error))
    }

    /// What is remembered of the links in its folders.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL as messages have it, without what may be a secret in it.
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
        text = text.replace(&self.url, &self.shown());
        let secrets = self.credentials.login.iter().map(|(_, secret)| secret).chain(&self.credentials.bearer);
        for secret in secrets.filter(|secret| !secret.is_empty()) {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// Opens it; a copy that is not there yet is an empty one.
    pub fn open(&self) -> Result<gix::Repository, gix::Error> {
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

fn named(reference: &Ref) -> Option<Named> {
    let (name, commit, object) = match reference {
        Ref::Peeled { full_ref_name, object, tag } => (full_ref_name, object, tag),
        Ref::Symbolic { full_ref_name, object, tag, .. } => (full_ref_name, object, tag.as_ref().unwrap_or(object)),
        Ref::Direct { full_ref_name, object } => (full_ref_name, object, object),
        Ref::Unborn { .. } => return None,
    };
    Some(Named { name: name.to_str().ok()?.to_owned(), commit: *commit, object: *object })
}
