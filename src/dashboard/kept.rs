//! A kind of object that is watched for the pages, and what is known of the watch itself: pages that show what was true an hour ago, or
//! wait for what nobody will ever answer, are worse than none.

use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use kube::api::Api;
use kube::core::NamespaceResourceScope;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::watcher;
use kube::{Client, Error, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::book::Watching;
use super::line;
use crate::clock::Clock;

/// How long until a watch that failed is tried again, at first and at last.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// How long a watch is kept open, in seconds: as long is a connection that died silently taken for a live one.
const TURN: u32 = 60;
/// A watch that has not failed for so long stands. It is longer than it may take until one is accepted.
const STOOD: Duration = Duration::from_secs(line::WATCH.as_secs() + 10);

/// What a kind needs to be watched.
pub trait Watchable:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
}

impl<K> Watchable for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// What is known of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Nobody has answered yet.
    Asked,
    /// The objects are seen.
    There,
    /// The cluster does not have the kind.
    Missing,
    /// Whose rights are used may not list it.
    Refused,
    /// They may list it, but not watch it: it is listed again and again.
    Listed,
    /// It has failed again and again, and what is known is as old as the time when something came last.
    Failing {
        /// That time, or when it was first asked.
        since: Timestamp,
        /// Whether anything was ever seen.
        has_any: bool,
    },
}

/// Where and how to watch.
#[derive(Clone)]
pub struct Scope {
    /// With whose rights.
    pub client: Client,
    /// Where; everywhere without it.
    pub namespace: Option<String>,
    /// Rings at every change.
    pub bell: Arc<watch::Sender<u64>>,
    /// Tells the time.
    pub clock: Clock,
}

/// The objects of a kind.
#[derive(Clone)]
pub struct Kept<K: Watchable> {
    store: Store<K>,
    sight: watch::Receiver<Sight>,
}

impl<K: Watchable> Kept<K> {
    /// Watches those with certain labels; `trim` takes away what no page shows.
    pub fn keep(scope: &Scope, selector: &str, trim: fn(&mut K)) -> (Kept<K>, Watching) {
        let heard = watch::Sender::new(scope.clock.now());
        let client = line::client(scope.client.clone(), scope.clock, heard.clone());
        let api: Api<K> = match &scope.namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let (store, writer) = reflector::store();
        let (sight, is_seen) = watch::channel(Sight::Asked);
        let config = watcher::Config::default().labels(selector).timeout(TURN);
        let teller = Teller { sight, heard, bell: Arc::clone(&scope.bell) };
        let watching = follow((api, config), writer, trim, teller);
        (Kept { store, sight: is_seen }, Box::pin(watching))
    }

    /// Waits for the first answer, whatever it is.
    pub async fn is_open(&self) {
        let mut sight = self.sight.clone();
        let _ = sight.wait_for(|sight| *sight != Sight::Asked).await;
    }

    /// What is known of the watch.
    pub fn sight(&self) -> Sight {
        self.sight.borrow().clone()
    }

    /// Whether the cluster has them, and they may be seen.
    pub fn are_seen(&self) -> bool {
        matches!(self.sight(), Sight::There | Sight::Listed | Sight::Failing { has_any: true, .. })
    }

    /// All of them; none where they may not be seen any more.
    pub fn all(&self) -> Vec<Arc<K>> {
        if self.are_seen() { self.store.state() } else { Vec::new() }
    }

    /// One of them.
    pub fn one(&self, namespace: &str, name: &str) -> Option<Arc<K>> {
        self.store.get(&ObjectRef::new(name).within(namespace)).filter(|_| self.are_seen())
    }

    /// What people have to know of the watch, to judge what they see.
    pub fn notice(&self) -> Option<String> {
        let kind = K::plural(&());
        match self.sight() {
            Sight::There | Sight::Missing => None,
            Sight::Asked => Some(format!("The API server has not listed {kind} yet.")),
            Sight::Refused => Some(format!("This dashboard may not list {kind}: none are shown.")),
            Sight::Listed => Some(format!(
                "This dashboard may list {kind}, but not watch them: what is shown may be half a minute old or more."
            )),
            Sight::Failing { since, has_any: true } => {
                Some(format!("The API server has said nothing of {kind} since {since:.0}: what is shown may be old."))
            }
            Sight::Failing { since, has_any: false } => {
                Some(format!("The API server has not listed {kind} since {since:.0}; it is asked again."))
            }
        }
    }
}

/// Tells what is known of a watch.
struct Teller {
    sight: watch::Sender<Sight>,
    /// When something came last.
    heard: watch::Sender<Timestamp>,
    bell: Arc<watch::Sender<u64>>,
}

impl Teller {
    fn ring(&self) {
        self.bell.send_modify(|rung| *rung = rung.wrapping_add(1));
    }

    fn tell(&self, now: Sight) {
        let has_changed = self.sight.send_if_modified(|sight| {
            let has_changed = *sight != now;
            *sight = now;
            has_changed
        });
        if has_changed {
            self.ring();
        }
    }

    /// A list is complete. That the watch after it stands is yet to be seen, where the one before did not.
    fn listed(&self) {
        let before = self.sight.borrow().clone();
        self.tell(match before {
            Sight::Listed => Sight::Listed,
            Sight::Failing { has_any: true, .. } => Sight::Failing { since: *self.heard.borrow(), has_any: true },
            _ => Sight::There,
        });
        self.ring();
    }

    /// A failure. One alone, after which the next try succeeds, is nobody's business.
    fn failed(&self, kind: &str, error: &watcher::Error, tries: u32) {
        let before = self.sight.borrow().clone();
        let since = *self.heard.borrow();
        let is_listed = !matches!(error, watcher::Error::InitialListFailed(_));
        let now = match (code(error), &before) {
            (Some(404), _) => Sight::Missing,
            (Some(403), _) if is_listed => Sight::Listed,
            (Some(401 | 403), Sight::Asked | Sight::Refused) | (Some(403), _) => Sight::Refused,
            (_, Sight::Failing { .. }) => before.clone(),
            (_, Sight::There) if tries == 0 => Sight::There,
            (_, Sight::There | Sight::Listed) => Sight::Failing { since, has_any: true },
            _ => Sight::Failing { since, has_any: false },
        };
        if now != before && now != Sight::Missing {
            tracing::warn!(kind, "the dashboard cannot watch: {error}");
        }
        self.tell(now);
    }
}

/// Watches without end. After a failure it goes on where it was, as far as the API server lets it; tries come ever later until a watch
/// stands.
async fn follow<K: Watchable>(
    (api, config): (Api<K>, watcher::Config),
    mut writer: Writer<K>,
    trim: fn(&mut K),
    teller: Teller,
) {
    let kind = K::plural(&()).into_owned();
    let mut tries = 0;
    loop {
        let mut events = pin!(watcher(api.clone(), config.clone()));
        let (mut is_listed, mut goes_on) = (false, true);
        while goes_on {
            let stands = match timeout(STOOD, events.next()).await {
                Ok(Some(Ok(event))) => {
                    let event = event.modify(trim);
                    writer.apply_watcher_event(&event);
                    match event {
                        // A list in progress is no state of the cluster; its end is.
                        watcher::Event::Init | watcher::Event::InitApply(_) => {
                            is_listed = false;
                            false
                        }
                        watcher::Event::InitDone => {
                            is_listed = true;
                            teller.listed();
                            false
                        }
                        watcher::Event::Apply(_) | watcher::Event::Delete(_) => {
                            teller.ring();
                            true
                        }
                    }
                }
                Ok(Some(Err(error))) => {
                    teller.failed(&kind, &error, tries);
                    goes_on = !matches!(code(&error), Some(403 | 404 | 410));
                    sleep(AGAIN.1.min(AGAIN.0 * 2_u32.saturating_pow(tries))).await;
                    tries = (tries + 1).min(5);
                    false
                }
                Ok(None) => return,
                Err(_) => is_listed,
            };
            if stands {
                tries = 0;
                teller.tell(Sight::There);
            }
        }
    }
}

/// The API server's code, where it has answered.
fn code(error: &watcher::Error) -> Option<u16> {
    match error {
        watcher::Error::InitialListFailed(Error::Api(status))
        | watcher::Error::WatchStartFailed(Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status.code),
        _ => None,
    }
}
