//! Caches that are filled from the moment in which somebody first needs them, so that a cluster that does without pays nothing.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use futures::{Stream, TryStreamExt as _};
use kube::runtime::watcher::{self, Event};
use tokio::sync::watch;

use super::caches::keep;
use super::children::{Child, Index, Key};

/// The objects of one kind.
#[derive(Debug)]
pub struct Lazy<T> {
    index: RwLock<Index<T>>,
    state: RwLock<State>,
    /// Whether somebody needs it.
    wanted: watch::Sender<bool>,
}

/// How far a cache is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Its first list is not there yet.
    #[default]
    Empty,
    /// The API server does not have the kind, in these words.
    Absent(String),
    /// It may not be watched, in the API server's words.
    Forbidden(String),
    /// The list failed, for this reason; another one may not.
    Refused(String),
    /// It has been there.
    Listed,
}

impl<T> Default for Lazy<T> {
    fn default() -> Lazy<T> {
        Lazy { index: RwLock::default(), state: RwLock::default(), wanted: watch::Sender::default() }
    }
}

impl<T: Child> Lazy<T> {
    /// The objects, once they are known; asks for them.
    pub fn read(&self) -> Sighted<'_, T> {
        self.wanted.send_if_modified(|wanted| !std::mem::replace(wanted, true));
        match self.state.read().unwrap_or_else(PoisonError::into_inner).clone() {
            State::Empty => Sighted::NotYet,
            State::Absent(why) => Sighted::Absent(why),
            State::Forbidden(why) | State::Refused(why) => Sighted::Refused(why),
            State::Listed => Sighted::Index(self.index.read().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    /// Waits until somebody needs them.
    pub async fn wanted(&self) {
        // The sender is `self`, so waiting cannot fail.
        let _ = self.wanted.subscribe().wait_for(|wanted| *wanted).await;
    }

    /// Notes that a write to an object returned this version.
    pub fn await_newer(&self, key: Key, version: Option<u64>) {
        self.write().await_newer(key, version);
    }

    /// The same for one that came into being.
    pub fn await_version(&self, key: Key, version: Option<u64>) {
        self.write().await_version(key, version);
    }

    /// Enters a state. Says whether that is news. What was listed once stays known, unless its kind is gone or may not be watched any
    /// more: then it would be of the past.
    pub fn enter(&self, state: State) -> bool {
        let mut now = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let news = *now != state && (*now != State::Listed || matches!(state, State::Absent(_) | State::Forbidden(_)));
        if news {
            *now = state;
        }
        news
    }

    /// Keeps the objects as a watch tells of them, until the task is stopped. `moved` hears of each object that is another one than
    /// before, and of nothing in particular once the cache can be read, or cannot.
    pub async fn keep(
        &self,
        events: impl Stream<Item = Result<Event<T>, watcher::Error>>,
        moved: impl Fn(Option<&Arc<T>>),
    ) {
        let events = events.inspect_err(|error| {
            // The list is asked for again; until there is one, whoever needs it should know why there is none.
            if self.enter(state_after(error)) {
                moved(None);
            }
        });
        let impatient = async {
            tokio::time::sleep(PATIENCE).await;
            let empty = *self.state.read().unwrap_or_else(PoisonError::into_inner) == State::Empty;
            if empty && self.enter(State::Refused(NO_ANSWER.to_owned())) {
                moved(None);
            }
            std::future::pending::<()>().await;
        };
        let listed = || {
            if self.enter(State::Listed) {
                moved(None);
            }
        };
        let kept = keep(events, listed, |event| {
            let repeated = self.index.read().unwrap_or_else(PoisonError::into_inner).knows(&event);
            let concerned = self.write().apply(event);
            if !repeated {
                for object in &concerned {
                    moved(Some(object));
                }
            }
        });
        tokio::select! {
            () = kept => {}
            () = impatient => {}
        }
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index<T>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be read of a cache.
pub enum Sighted<'a, T> {
    /// Nothing so far.
    NotYet,
    /// Nothing, as there is no such kind.
    Absent(String),
    /// Nothing, for this reason.
    Refused(String),
    /// Everything.
    Index(RwLockReadGuard<'a, Index<T>>),
}

/// What is said of a list before anybody says anything else.
pub const NO_ANSWER: &str = "the API server has not answered yet";
/// How long a first list may take before that is said.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a failed list or watch says of the kind.
fn state_after(error: &watcher::Error) -> State {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => match status.code {
            401 | 403 => State::Forbidden(status.message.clone()),
            404 => State::Absent("the API server does not have this kind; install its CRDs".to_owned()),
            _ => State::Refused(status.message.clone()),
        },
        other => State::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::objects::Stored;
    use super::*;

    #[test]
    fn a_refusal_is_told_until_the_first_list_and_what_was_listed_stays_known() {
        let cache = Lazy::<Stored>::default();
        let refused = || State::Refused("etcd is full".into());
        assert!(matches!(cache.read(), Sighted::NotYet));
        assert!(cache.enter(refused()));
        assert!(!cache.enter(refused()), "it is no news");
        assert!(matches!(cache.read(), Sighted::Refused(why) if why == "etcd is full"));
        assert!(cache.enter(State::Listed));
        assert!(!cache.enter(refused()));
        assert!(matches!(cache.read(), Sighted::Index(_)));
        assert!(cache.enter(State::Forbidden("you may not".into())), "it will not come back by itself");
        assert!(cache.enter(State::Listed));
        assert!(cache.enter(State::Absent("gone".into())));
    }

    #[test]
    fn only_what_is_asked_for_is_wanted() {
        let cache = Lazy::<Stored>::default();
        assert!(!*cache.wanted.borrow());
        cache.read();
        assert!(*cache.wanted.borrow());
    }
}
