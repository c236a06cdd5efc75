//! What AWS says of load balancers. It is asked by tasks of its own, at most so often, and only as long as a Rollout waits for the
//! answer; whoever plans reads what it said last.

mod round;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use kube::runtime::reflector::Store;
use serde_json::json;
use sluice_core::api::Rollout;
use sluice_core::object_kind::ObjectKind;
use sluice_core::sight::Sight;
use sluice_core::traffic::aws::{self, Balancer, Group, Said, Target, Wrong};
use sluice_core::traffic::{ObjectKind as Kind, Pick, Query, Seen, TrafficRouter};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::caches::{Touch, touch_each};
use super::children::Key;
use super::context::Context;
use super::names::Named;
use super::object::Observed;
use round::Subject;

/// Time between two rounds about the same, where nobody says otherwise.
pub const RHYTHM: Duration = Duration::from_secs(10);
/// The longest after failures.
const SLOWEST: Duration = Duration::from_mins(2);
/// How long a round may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long plans wait for a first answer: after a start, what was known before is not to be taken for unknown.
const FIRST: Duration = Duration::from_secs(3);
/// The same for a Rollout at rest, which misses nothing meanwhile.
const FIRST_AT_REST: Duration = Duration::from_mins(1);
/// Rounds at the same time.
const AT_ONCE: usize = 4;

/// Whoever asks AWS.
pub trait Aws: Send + Sync {
    /// The load balancers with these host names, with their target groups that have one of these tags, and the targets of those.
    fn balancers<'a>(
        &'a self,
        hosts: &'a [String],
        tags: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Found, Failure>>;

    /// The targets of a target group.
    fn targets<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Vec<Target>, Failure>>;
}

/// Load balancers with their target groups, those by ARN.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The load balancers.
    pub balancers: Vec<Balancer>,
    /// The target groups.
    pub groups: BTreeMap<String, Group>,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Failure {
    /// In words.
    pub message: String,
    /// Whether there is no such load balancer.
    pub not_found: bool,
    /// When to ask again, where AWS says so.
    pub after: Option<Duration>,
}

/// What can be asked: a kind of [`sluice_core::traffic::aws`], and the object that it is about.
type Question = (ObjectKind, Key);

/// What is known of a question.
#[derive(Debug)]
struct Entry {
    said: Said,
    /// When somebody first wanted to know.
    since: Instant,
    /// It is not asked before.
    due: Instant,
    /// Rounds that failed, one after the other.
    failures: u32,
    /// Whether a round is under way.
    busy: bool,
    /// What the cluster said of it last: the actions, and the revisions of Services.
    subject: (BTreeMap<String, String>, BTreeMap<String, BTreeSet<String>>),
    /// Whether that has changed since the round began.
    moved: bool,
    /// The Rollouts that wait for it.
    wanted_by: BTreeSet<Key>,
}

/// Asks AWS, and keeps what it said.
pub struct Balancers {
    aws: Option<Arc<dyn Aws>>,
    entries: Mutex<HashMap<Question, Entry>>,
    /// Rings when there may be something to ask.
    ring: Notify,
    /// The version of `TargetGroupBindings`.
    bindings: Kind,
    /// Time between two rounds about the same.
    rhythm: Duration,
}

impl Balancers {
    /// Asks this one; nobody where there is none.
    pub fn new(settings: Option<Settings>) -> Balancers {
        let rhythm = settings.as_ref().map_or(RHYTHM, |settings| settings.rhythm);
        let version = settings.as_ref().map_or(round::BINDINGS.versions, |settings| settings.binding_versions);
        Balancers {
            aws: settings.map(|settings| settings.aws),
            entries: Mutex::default(),
            ring: Notify::new(),
            bindings: Kind { versions: version, ..round::BINDINGS },
            rhythm,
        }
    }

    /// What AWS is asked for a Rollout beside what its routers ask.
    pub fn beside(&self, rollout: &Rollout) -> Option<Arc<dyn TrafficRouter>> {
        self.aws.as_ref().and_then(|_| aws::bound(rollout))
    }

    /// Whether anybody asks AWS.
    pub fn is_on(&self) -> bool {
        self.aws.is_some()
    }

    /// What AWS said last, without what is of the past by now; `None` while there may be a first answer in a moment.
    pub fn find(&self, cx: &Context, query: &Query, at_rest: bool) -> Option<Vec<Seen>> {
        let Pick::Named(name) = &query.pick else { return Some(Vec::new()) };
        let key = (query.namespace.clone(), name.clone());
        // What the caches hold is read first: the lock is held for moments only.
        let subject = round::subject(cx, query.kind, &key)?;
        let seen = |said: &Said| {
            let object = Sight::Found(json!(said));
            Some(vec![Seen { kind: query.kind, namespace: query.namespace.clone(), name: name.clone(), object }])
        };
        if query.kind == aws::TARGET_GROUPS && subject.is_unbound() {
            return seen(&Said { services: subject.services, asked: true, ..Said::default() });
        }
        let now = Instant::now();
        let mut entries = self.entries();
        let entry = entries.entry((query.kind, key)).or_insert_with(|| {
            self.ring.notify_one();
            Entry::new(now)
        });
        entry.compare(&subject);
        let patience = if at_rest { FIRST_AT_REST } else { FIRST };
        if !entry.said.asked && now.duration_since(entry.since) < patience {
            return None;
        }
        let said = Said { now: subject.services, ..entry.said.clone() };
        drop(entries);
        seen(&said)
    }

    /// Takes note of what a Rollout waits for.
    pub fn heed<'a>(&self, rollout: &Key, routers: impl Iterator<Item = &'a Arc<dyn TrafficRouter>>, waits: bool) {
        if !self.is_on() {
            return;
        }
        let question = |query: Query| match query.pick {
            Pick::Named(name) => Some((query.kind, (query.namespace, name))),
            _ => None,
        };
        let asked: BTreeSet<Question> = routers.flat_map(|router| router.asks()).filter_map(question).collect();
        for (question, entry) in self.entries().iter_mut() {
            // What it does not ask any more, it does not wait for.
            if !waits || !asked.contains(question) {
                entry.wanted_by.remove(rollout);
            } else if entry.wanted_by.insert(rollout.clone()) {
                self.ring.notify_one();
            }
        }
    }

    /// Forgets a Rollout, and what nobody else wants to know.
    pub fn forget(&self, rollout: &Key, is_named: impl Fn(ObjectKind, &Key) -> bool) {
        let mut entries = self.entries();
        entries.retain(|(kind, key), entry| {
            entry.wanted_by.remove(rollout);
            entry.busy || is_named(*kind, key)
        });
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Question, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions to ask now, which count as under way from now on, and when there may be the next one.
    fn begin(&self, at_most: usize) -> (Vec<Question>, Option<Instant>) {
        let now = Instant::now();
        let mut entries = self.entries();
        let open =
            entries.iter_mut().filter(|(_, entry)| !entry.busy && (!entry.said.asked || !entry.wanted_by.is_empty()));
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|(question, entry)| (entry.due, *question));
        let due = open.iter_mut().filter(|(_, entry)| entry.due <= now).take(at_most);
        let begun: Vec<Question> = due
            .map(|(question, entry)| {
                (entry.busy, entry.moved) = (true, false);
                question.clone()
            })
            .collect();
        let next = open.iter().filter(|(_, entry)| !entry.busy).map(|(_, entry)| entry.due).min();
        (begun, next)
    }

    /// Takes an answer. Says whether that is news.
    fn take(&self, question: &Question, answer: Result<Said, Failure>) -> bool {
        let now = Instant::now();
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(question) else { return false };
        entry.busy = false;
        let before = entry.said.clone();
        match answer {
            Ok(said) => {
                entry.failures = 0;
                entry.due = now + self.rhythm;
                entry.said = Said { asked: true, ..said };
                if entry.moved {
                    // Nobody knows which of its questions were asked before that.
                    entry.said.actions.clear();
                    entry.said.services.clear();
                }
            }
            Err(failure) => {
                let wait = self.rhythm.saturating_mul(1 << entry.failures.min(4)).min(SLOWEST);
                entry.failures += 1;
                entry.due = now + wait.max(failure.after.unwrap_or_default().min(SLOWEST));
                // What was seen before stays true.
                entry.said.asked = true;
                entry.said.wrong = Some(Wrong { not_found: failure.not_found, message: failure.message });
            }
        }
        entry.said != before
    }
}

impl Entry {
    fn new(now: Instant) -> Entry {
        let (said, wanted_by, subject) = (Said::default(), BTreeSet::new(), <_>::default());
        Entry { said, since: now, due: now, failures: 0, busy: false, subject, moved: false, wanted_by }
    }

    /// Takes what the cluster says now: what AWS said of the past is no evidence any more.
    fn compare(&mut self, now: &Subject) {
        let led = now.services.iter().map(|(service, led)| (service.clone(), led.revisions.clone()));
        let subject = (now.actions.clone(), led.collect());
        self.moved |= self.busy && self.subject != subject;
        self.subject = subject;
        self.said.actions.retain(|key, text| now.actions.get(key) == Some(text));
        self.said.services.retain(|service, led| {
            let known = now.services.get(service);
            known.is_some_and(|now| now.revisions.is_empty() || now.revisions == led.revisions)
        });
    }
}

/// How AWS is asked.
#[derive(Clone)]
pub struct Settings {
    /// Who asks.
    pub aws: Arc<dyn Aws>,
    /// The version of `TargetGroupBindings` (`--aws-target-group-binding-api-version`).
    pub binding_versions: &'static [&'static str],
    /// Time between two rounds about the same (`--aws-verify-interval`).
    pub rhythm: Duration,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("binding_versions", &self.binding_versions).finish_non_exhaustive()
    }
}

/// Asks what somebody waits for, until the task is stopped.
pub async fn ask(context: Arc<Context>, rollouts: Store<Observed>, touch: Touch) {
    let Some(aws) = context.balancers.aws.clone() else { return };
    let mut leading = context.leading.clone();
    let mut rounds: FuturesUnordered<BoxFuture<'static, (Question, Result<Said, Failure>)>> = FuturesUnordered::new();
    loop {
        if leading.wait_for(|leading| *leading).await.is_err() {
            return;
        }
        let (begun, next) = context.balancers.begin(AT_ONCE.saturating_sub(rounds.len()));
        for question in begun {
            let (context, aws) = (Arc::clone(&context), Arc::clone(&aws));
            rounds.push(Box::pin(async move {
                let asked = tokio::time::timeout(PATIENCE, round::ask(&context, aws.as_ref(), &question)).await;
                let answer = asked.unwrap_or_else(|_| {
                    let message = format!("AWS has not answered within {} s", PATIENCE.as_secs());
                    Err(Failure { message, not_found: false, after: None })
                });
                (question, answer)
            }));
        }
        // With all hands full, only an answer leads to the next question.
        let next = next.filter(|_| rounds.len() < AT_ONCE);
        let comes = async {
            match next {
                Some(next) => tokio::time::sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some((question, answer)) = rounds.next() => {
                if let Err(failure) = &answer {
                    let (kind, (namespace, name)) = (question.0.kind, &question.1);
                    tracing::warn!(namespace, name, kind, error = failure.message, "AWS does not say what it does");
                }
                let concerned = context.names().who_names(Named::Object(question.0), &question.1);
                if concerned.is_empty() {
                    context.balancers.entries().remove(&question);
                } else if context.balancers.take(&question, answer) {
                    touch_each(&touch, &rollouts, concerned);
                }
            }
            () = context.balancers.ring.notified() => {}
            () = comes => {}
        }
    }
}
