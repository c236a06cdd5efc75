//! Objects that are kept up to date by a watch. Where it fails that is told, and it begins again.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::pin::Pin;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Error, Resource};
use serde::de::DeserializeOwned;
use sluice_core::info::age;
use sluice_core::info::text::line;

use crate::clock;
use crate::problem::{Problem, chain};

/// How long a watch rests after it failed, at first.
const FIRST_REST: Duration = Duration::from_secs(1);
/// How long it rests at most.
const LONGEST_REST: Duration = Duration::from_secs(10);
/// The longest reason that is told, in characters.
const LONGEST: usize = 400;

/// What is told of a kind of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// They are up to date, and may have changed.
    Well(String),
    /// They cannot be followed just now, for this reason.
    Lost(String, String),
}

/// News, or that the watch cannot go on.
pub type Changes = Pin<Box<dyn Stream<Item = Result<News, Problem>> + Send>>;

/// Follows the objects that `config` selects. The store is filled once they have been told to be well.
pub fn follow<K>(api: Api<K>, config: watcher::Config) -> (Store<K>, Changes)
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone,
{
    let (store, writer) = reflector::store();
    let kind = K::plural(&K::DynamicType::default()).into_owned();
    let events = watcher(api.clone(), config.clone()).boxed();
    let follower = Follower { api, config, kind, writer, events, rest: FIRST_REST, is_lost: false };
    let news = stream::unfold(follower, |mut follower| async { Some((follower.next().await, follower)) });
    (store, Box::pin(news))
}

struct Follower<K>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    api: Api<K>,
    config: watcher::Config,
    kind: String,
    writer: Writer<K>,
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    rest: Duration,
    is_lost: bool,
}

impl<K> Follower<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Default + Eq + Hash + Clone,
{
    async fn next(&mut self) -> Result<News, Problem> {
        loop {
            if self.is_lost {
                tokio::time::sleep(self.rest).await;
                self.rest = (self.rest * 2).min(LONGEST_REST);
                // It lists anew, so that its first word is the state of now.
                self.events = watcher(self.api.clone(), self.config.clone()).boxed();
                self.is_lost = false;
            }
            match self.events.next().await {
                Some(Ok(event)) => {
                    // A list in progress is no state of the cluster; its end is.
                    let is_whole = !matches!(event, Event::Init | Event::InitApply(_));
                    self.writer.apply_watcher_event(&event);
                    if is_whole {
                        self.rest = FIRST_REST;
                        return Ok(News::Well(self.kind.clone()));
                    }
                }
                // The watcher lists anew by itself.
                Some(Err(watcher::Error::WatchError(status))) if status.code == 410 => {}
                Some(Err(error)) => {
                    self.is_lost = true;
                    let problem = problem(&error, &self.kind);
                    return if is_lasting(&error) {
                        Err(problem)
                    } else {
                        Ok(News::Lost(self.kind.clone(), line(&problem.to_string(), LONGEST)))
                    };
                }
                None => self.is_lost = true,
            }
        }
    }
}

fn cause(error: &watcher::Error) -> Option<&Error> {
    match error {
        watcher::Error::InitialListFailed(cause)
        | watcher::Error::WatchStartFailed(cause)
        | watcher::Error::WatchFailed(cause) => Some(cause),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
    }
}

fn problem(error: &watcher::Error, kind: &str) -> Problem {
    let what = format!("watch {kind}");
    match cause(error) {
        Some(cause) => Problem::of_call(cause, &what),
        None => Problem::new(format!("cannot {what}: {}", chain(error))),
    }
}

/// Whether it will not go away by trying again: a refused permission or an unknown resource.
fn is_lasting(error: &watcher::Error) -> bool {
    matches!(cause(error), Some(Error::Api(status)) if [401, 403, 404].contains(&status.code))
}

/// What cannot be followed just now.
#[derive(Debug, Default)]
pub struct Losses {
    since: Option<Timestamp>,
    why: BTreeMap<String, String>,
}

impl Losses {
    /// Takes news in, and tells people on the standard error when the first thing is lost and when all is well again.
    pub fn tell(&mut self, news: News) {
        if let Some(text) = self.hear(news, clock::now()) {
            eprintln!("{text}");
        }
    }

    /// Takes news in; what is worth to be said about it.
    pub fn hear(&mut self, news: News, now: Timestamp) -> Option<String> {
        let was_well = self.why.is_empty();
        match news {
            News::Well(kind) => self.why.remove(&kind),
            News::Lost(kind, why) => self.why.insert(kind, why),
        };
        match (was_well, self.why.values().next()) {
            (true, Some(why)) => {
                self.since = Some(now);
                Some(format!("Trying again: {why}"))
            }
            (false, None) => Some(format!("Up to date again, after {}.", self.age(now))),
            _ => None,
        }
    }

    /// How old what is shown is, and why.
    pub fn line(&self, now: Timestamp) -> Option<String> {
        let why = self.why.values().next()?;
        Some(format!("⚠ {} old, trying again: {why}", self.age(now)))
    }

    fn age(&self, now: Timestamp) -> String {
        self.since.map(|since| age::human(now.duration_since(since))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_told_once_and_so_is_its_end() {
        let at = |second: i64| Timestamp::from_second(second).expect("a time");
        let mut losses = Losses::default();
        let lost = |kind: &str| News::Lost(kind.to_owned(), format!("cannot watch {kind}: refused"));
        let well = |kind: &str| News::Well(kind.to_owned());
        assert_eq!(losses.hear(well("pods"), at(0)), None);
        assert_eq!(
            losses.hear(lost("rollouts"), at(0)).as_deref(),
            Some("Trying again: cannot watch rollouts: refused")
        );
        assert_eq!(losses.hear(lost("pods"), at(5)), None);
        assert_eq!(losses.line(at(10)).as_deref(), Some("⚠ 10s old, trying again: cannot watch pods: refused"));
        assert_eq!(losses.hear(well("pods"), at(20)), None);
        assert_eq!(losses.hear(well("rollouts"), at(30)).as_deref(), Some("Up to date again, after 30s."));
        assert_eq!(losses.line(at(40)), None);
    }
}
