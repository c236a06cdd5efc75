//! Who asks, and what they may do.
//!
//! On a person's own machine the dashboard acts as that person; elsewhere who comes has to show a token of the cluster, with which it
//! asks the API server whether something may be seen, and does what is asked for. Who logged in at a provider that the API server does
//! not trust has none: for them it asks the API server before each request whether they may, and sends it with its own rights.

mod attributes;
pub mod login;
pub mod oidc;
pub mod origin;
pub(super) mod passage;
pub mod person;
pub mod review;
pub mod session;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use kube::config::AuthInfo;
use kube::{Client, Config};

use self::oidc::provider::Provider;
use self::passage::Known;
use self::person::Person;
use self::review::{Asked, Kind, Reviews};
use self::session::Sessions;
use crate::clock::Clock;

/// How many people's answers are remembered; of more, those who have not come for the longest are asked about anew.
const REMEMBERED: usize = 256;
/// The longest name of a namespace.
const LONGEST_NAMESPACE: usize = 63;
/// The longest token that is taken for one, in bytes.
const LONGEST: usize = 16 << 10;

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The owner of the machine, and nobody from elsewhere: the API server sees the owner's credentials.
    Owner,
    /// Who shows a token of the cluster.
    Token,
}

/// Makes a client that shows a token.
pub type Connect = Arc<dyn Fn(&str) -> Result<Client, kube::Error> + Send + Sync>;

/// Makes clients for the cluster of `config` that show a token instead of what `config` has to show. They share connections, and repeat
/// nothing by themselves: what was asked for once is done once.
pub fn with_tokens(config: &Config) -> Connect {
    let mut bare = config.clone();
    bare.auth_info = AuthInfo::default();
    bare.default_retry = false;
    let shared: Mutex<Option<Client>> = Mutex::default();
    Arc::new(move |token| {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let client = match shared.take() {
            Some(client) => client,
            None => Client::try_from(bare.clone())?,
        };
        *shared = Some(client.clone());
        passage::with_token(client, token)
    })
}

/// By what somebody is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A token of the cluster.
    Token(String),
    /// The word of a provider that the dashboard trusts, and the API server does not.
    Person(Person),
}

/// Lets people in.
pub struct Gatekeeper {
    gate: Gate,
    owner: Client,
    connect: Connect,
    callers: Mutex<HashMap<Credential, (Caller, Timestamp)>>,
    /// Those who have logged in.
    pub sessions: Sessions,
    /// Where people can log in without a token in their hands.
    pub provider: Option<Provider>,
    clock: Clock,
}

/// Somebody who asks.
#[derive(Clone)]
pub struct Caller {
    /// A connection with their rights.
    pub client: Client,
    /// Whether they come with a session, which can be ended.
    pub has_session: bool,
    /// By what they are known; the owner of the machine by nothing.
    credential: Option<Credential>,
    /// Whether the API server has answered them as somebody whom it knows.
    known: Known,
    /// What they may see. `None`: what is watched is watched with their own rights.
    reviews: Option<Arc<Reviews>>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("has_session", &self.has_session).finish_non_exhaustive()
    }
}

impl Gatekeeper {
    /// One that lets in whom `gate` says. `owner` has the rights of the process, `connect` makes clients for others.
    pub fn new(gate: Gate, owner: Client, connect: Connect, clock: Clock) -> Gatekeeper {
        Gatekeeper {
            gate,
            owner,
            connect,
            callers: Mutex::default(),
            sessions: Sessions::default(),
            provider: None,
            clock,
        }
    }

    /// The same, with a provider to log in at.
    #[must_use]
    pub fn with_provider(self, provider: Option<Provider>) -> Gatekeeper {
        Gatekeeper { provider, ..self }
    }

    /// Who is let in.
    pub fn gate(&self) -> Gate {
        self.gate
    }

    /// Who asks by these headers; `None` is nobody that is known.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Option<Caller>, kube::Error> {
        if self.gate == Gate::Owner {
            return Ok(Some(Caller::new(self.owner.clone(), None, None)));
        }
        if let Some(token) = bearer(headers) {
            return self.with(Credential::Token(token.to_owned())).map(Some);
        }
        let session = session::of(headers).and_then(|id| self.sessions.credential(id, self.clock.now()));
        let caller = session.map(|credential| self.with(credential)).transpose()?;
        Ok(caller.map(|caller| Caller { has_session: true, ..caller }))
    }

    /// Whoever is known by this. Whether the cluster knows a token turns out when they ask for something.
    pub fn with(&self, credential: Credential) -> Result<Caller, kube::Error> {
        if matches!(&credential, Credential::Token(token) if token.len() > LONGEST) {
            return Err(kube::Error::Service("a token is not that long".into()));
        }
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((caller, last)) = callers.get_mut(&credential) {
            *last = self.clock.now();
            return Ok(caller.clone());
        }
        drop(callers);
        let (client, reviews) = match &credential {
            Credential::Token(token) => ((self.connect)(token)?, None),
            Credential::Person(person) => {
                let reviews = Reviews::of_person(self.owner.clone(), person.clone(), self.clock);
                (self.owner.clone(), Some(Arc::new(reviews)))
            }
        };
        let mut caller = Caller::new(client, Some(credential), reviews);
        if caller.reviews.is_none() {
            caller.reviews = Some(Arc::new(Reviews::new(caller.client.clone(), self.clock)));
        }
        Ok(caller)
    }

    /// Remembers somebody with the answers about them, once the API server is known to know them: strangers take no place.
    pub fn remember(&self, caller: Caller) {
        let Some(credential) = caller.credential.clone() else { return };
        if !caller.known.load(Ordering::Relaxed) {
            return;
        }
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.contains_key(&credential) {
            return;
        }
        if callers.len() >= REMEMBERED {
            let oldest = callers.iter().min_by_key(|(_, (_, last))| *last).map(|(credential, _)| credential.clone());
            oldest.and_then(|oldest| callers.remove(&oldest));
        }
        callers.insert(credential, (Caller { has_session: false, ..caller }, self.clock.now()));
    }
}

impl Caller {
    /// Somebody who asks by this client; about whom `judge` is asked first, if they have no rights of their own.
    fn new(client: Client, credential: Option<Credential>, judge: Option<Arc<Reviews>>) -> Caller {
        // A person's session has been verified where it began.
        let known = Arc::new(AtomicBool::new(judge.is_some()));
        let client = passage::client(client, judge.clone(), Arc::clone(&known));
        Caller { client, has_session: false, credential, known, reviews: judge }
    }

    /// Whether they may see the objects of a kind in a namespace; without one, in all of them.
    pub async fn may_see(&self, kind: Kind, namespace: &str) -> Result<bool, kube::Error> {
        let is_one = namespace.len() <= LONGEST_NAMESPACE
            && namespace.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
        match &self.reviews {
            None => Ok(true),
            // There is no such namespace, and an answer about it would only be kept.
            Some(_) if !is_one => Ok(false),
            Some(reviews) => reviews.allows(Asked::to_list(kind, namespace)).await,
        }
    }
}

/// A bearer token in the headers.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_from_its_header() {
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().expect(value))]);
        assert_eq!(bearer(&with("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("bearer  abc ")), Some("abc"));
        assert_eq!(bearer(&with("Basic abc")), None);
        assert_eq!(bearer(&with("Bearer ")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
