//! A commit, fetched without its history, and without files that are too large for anybody here where the server can leave them out.
//!
//! The library's own fetch has no such choice, and it unpacks each object in memory, however large.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gix::ObjectId;
use gix::odb::pack::{Bundle, bundle};
use gix::progress::Discard;
use gix::protocol::fetch::{Arguments, Context, Negotiate, Options, Response, Shallow, Tags, negotiate};
use gix::protocol::transport::Service;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::remote::AuthenticateFn;

/// Bytes from which on a file is not fetched: more than the files of an Application may have together.
pub const LARGEST: u64 = 100 << 20;
/// Bytes of memory for one object, for servers that cannot leave any out.
const MEMORY: usize = 512 << 20;
/// Bytes that may come at once: all of it may have to be in memory.
const PACK: u64 = 512 << 20;
/// Commits that the server is told of: it sends what is new since.
const KNOWN: usize = 100;
/// Where the names of commits are that are here.
pub const NAMES: &str = "refs/sluice/";

/// Asks a server for a commit, and unpacks what comes.
pub fn receive(
    repository: &gix::Repository,
    transport: &mut impl Transport,
    login: AuthenticateFn<'_>,
    wanted: &mut Wanted,
    stop: &AtomicBool,
) -> Result<(), gix::Error> {
    let mut handshake =
        gix::protocol::handshake(&mut *transport, Service::UploadPack, login, Vec::new(), &mut Discard)?;
    let context = Context {
        handshake: &mut handshake,
        transport: &mut *transport,
        user_agent: ("agent", Some(gix::protocol::agent("sluice"))),
        trace_packetlines: false,
    };
    let options = Options {
        shallow_file: repository.shallow_file()?,
        shallow: &Shallow::DepthAtRemote(std::num::NonZeroU32::MIN),
        tags: Tags::None,
        reject_shallow_remote: false,
    };
    let folder = repository.objects.store_ref().path().join("pack");
    let unpacking = bundle::write::Options {
        thread_limit: Some(1),
        alloc_limit_bytes: Some(MEMORY),
        ..bundle::write::Options::default()
    };
    let came = Arc::clone(&wanted.came);
    gix::protocol::fetch(
        wanted,
        |pack, progress, stop| {
            came.store(true, Ordering::Relaxed);
            let pack = &mut std::io::BufReader::new(Limited { from: pack, left: PACK });
            let known = Some(repository.objects.clone());
            let hash = repository.object_hash();
            let written = Bundle::write_to_directory(pack, Some(&folder), progress, stop, known, hash, unpacking);
            let written = written.map_err(too_large)?;
            // Nobody collects garbage here, from which it would have to be kept.
            written.keep_path.map_or(Ok(()), std::fs::remove_file).map_err(gix::Error::from_error)?;
            Ok(true)
        },
        Discard,
        stop,
        context,
        options,
    )?;
    // Over HTTP there is nobody to tell, and otherwise it is told to go a moment later.
    let _ = gix::protocol::indicate_end_of_interaction(transport, false);
    Ok(())
}

/// Says what to do about a file that would need too much memory.
fn too_large(error: gix::Error) -> gix::Error {
    if !error.to_string().contains("too large to fit in memory") {
        return error;
    }
    gix::Error::from_error(std::io::Error::other(format!(
        "the repository has a file of more than {} MiB, and its server cannot leave out such files; with Git's own server \
         `git config uploadpack.allowFilter true` lets it",
        MEMORY >> 20
    )))
}

/// A stream that fails where it gets too long: what comes is in memory before anybody can look at it.
struct Limited<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.from.read(into)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            std::io::Error::other(format!(
                "the repository sends more than {} MiB at once; with Git's own server `git config uploadpack.allowFilter true` \
                 lets it leave large files out",
                PACK >> 20
            ))
        })?;
        Ok(read)
    }
}

/// What the server is asked for, by one who has other commits.
pub struct Wanted {
    object: ObjectId,
    known: Vec<ObjectId>,
    /// Whether anything has come.
    came: Arc<AtomicBool>,
}

impl Wanted {
    /// A commit for a repository that has fetched others.
    pub fn new(repository: &gix::Repository, commit: ObjectId, object: ObjectId) -> Result<Wanted, gix::Error> {
        let names = repository.references()?;
        let found = names.prefixed(NAMES)?.filter_map(Result::ok).filter_map(|name| name.try_id().map(gix::Id::detach));
        // What is asked for is not here, whatever the names say.
        let known = found.filter(|id| *id != commit && repository.has_object(*id)).take(KNOWN).collect();
        Ok(Wanted { object, known, came: Arc::default() })
    }

    /// Whether anything has come.
    pub fn has_come(&self) -> bool {
        self.came.load(Ordering::Relaxed)
    }

    /// The same, by one who has nothing. A server takes it that who has a commit has all of its files, and may send what is new as
    /// changes to one that it has left out.
    pub fn anew(&mut self) -> bool {
        !std::mem::take(&mut self.known).is_empty()
    }
}

impl Negotiate for Wanted {
    fn mark_complete_and_common_ref(&mut self) -> gix::error::Result<negotiate::Action> {
        Ok(negotiate::Action::MustNegotiate { remote_ref_target_known: vec![false] })
    }

    fn add_wants(&mut self, arguments: &mut Arguments, _: &[bool]) -> bool {
        arguments.want(self.object);
        if arguments.can_use_filter() {
            arguments.filter(&format!("blob:limit={LARGEST}"));
        }
        true
    }

    fn one_round(
        &mut self,
        _: &mut negotiate::one_round::State,
        arguments: &mut Arguments,
        _: Option<&Response>,
    ) -> gix::error::Result<(negotiate::Round, bool)> {
        for commit in &self.known {
            arguments.have(commit);
        }
        let sent = self.known.len();
        let round = negotiate::Round {
            haves_sent: sent,
            in_vain: 0,
            haves_to_send: sent,
            previous_response_had_at_least_one_in_common: false,
        };
        Ok((round, true))
    }
}
