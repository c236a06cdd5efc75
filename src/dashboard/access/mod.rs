//! Who asks, and what they may do.
//!
//! The dashboard has no rights to lend. On a person's own machine it acts as that person; elsewhere who comes has to show a token of the
//! cluster, with which it asks the API server whether something may be seen, and does what is asked for.

pub mod login;
pub mod oidc;
pub mod origin;
pub mod review;
pub mod session;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, header};
use kube::config::AuthInfo;
use kube::{Client, Config};

use self::oidc::provider::Provider;
use self::review::{Asked, Kind, Reviews};
use self::session::Sessions;
use crate::clock::Clock;

/// How many tokens have a connection of their own; more of them take turns.
const CONNECTIONS: usize = 256;
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

/// Makes clients for the cluster of `config` that show a token instead of what `config` has to show.
pub fn with_tokens(config: &Config) -> Connect {
    let mut bare = config.clone();
    bare.auth_info = AuthInfo::default();
    Arc::new(move |token| {
        let mut config = bare.clone();
        config.auth_info.token = Some(token.to_owned().into());
        Client::try_from(config)
    })
}

/// Lets people in.
pub struct Gatekeeper {
    gate: Gate,
    owner: Client,
    connect: Connect,
    callers: Mutex<HashMap<String, Caller>>,
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
            return Ok(Some(Caller { client: self.owner.clone(), has_session: false, reviews: None }));
        }
        if let Some(token) = bearer(headers) {
            return self.with_token(token).map(Some);
        }
        let session = session::of(headers).and_then(|id| self.sessions.token(id, self.clock.now()));
        let caller = session.map(|token| self.with_token(&token)).transpose()?;
        Ok(caller.map(|caller| Caller { has_session: true, ..caller }))
    }

    /// Whoever has this token. Whether the cluster knows it turns out when they ask for something.
    pub fn with_token(&self, token: &str) -> Result<Caller, kube::Error> {
        if token.len() > LONGEST {
            return Err(kube::Error::Service("a token is not that long".into()));
        }
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(caller) = callers.get(token) {
            return Ok(caller.clone());
        }
        let client = (self.connect)(token)?;
        let reviews = Some(Arc::new(Reviews::new(client.clone(), self.clock)));
        let caller = Caller { client, has_session: false, reviews };
        if callers.len() >= CONNECTIONS {
            callers.clear();
        }
        callers.insert(token.to_owned(), caller.clone());
        Ok(caller)
    }
}

impl Caller {
    /// Whether they may see the objects of a kind in a namespace.
    pub async fn may_see(&self, kind: Kind, namespace: &str) -> Result<bool, kube::Error> {
        match &self.reviews {
            None => Ok(true),
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
