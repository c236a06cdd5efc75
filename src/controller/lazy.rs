//! Caches that are filled from the moment in which somebody first needs them, so that a cluster that does without pays nothing.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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
    /// That is what the API server says to it, in these words.
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
            State::Refused(why) => Sighted::Refused(why),
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

    /// Enters a state. Says whether that is news; what was listed once stays known.
    pub fn enter(&self, state: State) -> bool {
        let mut now = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let news = *now != State::Listed && *now != state;
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
            // Whatever else goes wrong passes, and the list is asked for again.
            if refusal(error).is_some_and(|why| self.enter(State::Refused(why))) {
                moved(None);
            }
        });
        let listed = || {
            if self.enter(State::Listed) {
                moved(None);
            }
        };
        keep(events, listed, |event| {
            let repeated = self.index.read().unwrap_or_else(PoisonError::into_inner).knows(&event);
            let concerned = self.write().apply(event);
            if !repeated {
                for object in &concerned {
                    moved(Some(object));
                }
            }
        })
        .await;
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index<T>> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What can be read of a cache.
pub enum Sighted<'a, T> {
    /// Nothing so far.
    NotYet,
    /// Nothing, for this reason.
    Refused(String),
    /// Everything.
    Index(RwLockReadGuard<'a, Index<T>>),
}

/// Why the API server does not let a kind be watched, in its own words.
fn refusal(error: &watcher::Error) -> Option<String> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status)) => match status.code {
            401 | 403 => Some(status.message.clone()),
            404 => Some("the API server does not have this kind; install its CRDs".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::objects::Stored;
    use super::*;

    #[test]
    fn a_refusal_is_told_until_the_first_list_and_what_was_listed_stays_known() {
        let cache = Lazy::<Stored>::default();
        let refused = || State::Refused("forbidden".into());
        assert!(matches!(cache.read(), Sighted::NotYet));
        assert!(cache.enter(refused()));
        assert!(!cache.enter(refused()), "it is no news");
        assert!(matches!(cache.read(), Sighted::Refused(why) if why == "forbidden"));
        assert!(cache.enter(State::Listed));
        assert!(!cache.enter(refused()));
        assert!(matches!(cache.read(), Sighted::Index(_)));
    }

    #[test]
    fn only_what_is_asked_for_is_wanted() {
        let cache = Lazy::<Stored>::default();
        assert!(!*cache.wanted.borrow());
        cache.read();
        assert!(*cache.wanted.borrow());
    }
}
