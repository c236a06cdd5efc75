//! Watches: what there is, then what changes, as lines of JSON.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::present::Form;
use crate::object;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::selector::Selection;
use crate::state::{Changes, Sandbox, State};
use crate::store::Change;

/// Time between two bookmarks.
const BOOKMARKS: Duration = Duration::from_mins(1);
/// How long a watch lasts that does not say.
const LASTS: Duration = Duration::from_hours(1);

/// What a watch asks for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Of which resource.
    pub resource: Arc<Resource>,
    /// Where; everywhere by default.
    pub namespace: Option<String>,
    /// Which objects.
    pub selection: Selection,
    /// In which form.
    pub form: Form,
    /// Changes after this version; without one, first what there is.
    pub from: Option<u64>,
    /// First what there is, and a bookmark after it.
    pub initial_events: bool,
    /// Whether to send bookmarks.
    pub bookmarks: bool,
    /// How long it lasts.
    pub timeout: Option<Duration>,
}

struct Watching {
    sandbox: Sandbox,
    wanted: Wanted,
    changes: Changes,
    position: u64,
    lines: VecDeque<Bytes>,
    deadline: Instant,
    bookmark: Instant,
    over: bool,
    /// Whether an object was sent.
    headed: bool,
}

/// Starts a watch. What is wrong with it comes as its first event, as from the API server.
pub fn watch(sandbox: &Sandbox, wanted: Wanted) -> impl Stream<Item = Bytes> + Send + use<> {
    let now = Instant::now();
    let deadline = wanted.timeout.and_then(|timeout| now.checked_add(timeout)).unwrap_or(now + LASTS);
    let mut watching = Watching {
        changes: sandbox.changes(),
        sandbox: sandbox.clone(),
        position: 0,
        lines: VecDeque::new(),
        deadline,
        bookmark: now + BOOKMARKS,
        over: false,
        headed: false,
        wanted,
    };
    watching.begin();
    futures::stream::unfold(watching, |mut watching| async move { Some((watching.next().await?, watching)) })
}

impl Watching {
    fn begin(&mut self) {
        let sandbox = self.sandbox.clone();
        sandbox.with(|state| match self.wanted.from {
            Some(version) if !self.wanted.initial_events => {
                self.position = version;
                if version < state.store.oldest() {
                    let why = format!("too old resource version: {version} ({})", state.store.oldest());
                    self.fail(&Refusal::expired(why));
                }
            }
            _ => {
                let namespace = self.wanted.namespace.as_deref();
                let there = state.store.list(&self.wanted.resource.key, namespace);
                let selected = there.filter(|object| self.wanted.selection.matches(object));
                for object in selected.cloned().collect::<Vec<_>>() {
                    self.push(state, "ADDED", &object);
                }
                self.position = state.store.version();
                if self.wanted.initial_events && self.wanted.bookmarks {
                    self.push_bookmark(true);
                }
            }
        });
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            self.changes.catch_up();
            self.collect();
            if !self.lines.is_empty() {
                continue;
            }
            let next = if self.wanted.bookmarks { self.bookmark.min(self.deadline) } else { self.deadline };
            tokio::select! {
                biased;
                () = self.changes.changed() => {}
                () = tokio::time::sleep_until(next) => {
                    if Instant::now() >= self.deadline {
                        return None;
                    }
                    self.bookmark += BOOKMARKS;
                    self.push_bookmark(false);
                }
            }
        }
    }

    /// Takes what has changed since the last look.
    fn collect(&mut self) {
        let sandbox = self.sandbox.clone();
        sandbox.with(|state| {
            if self.position < state.store.oldest() {
                let why = format!("too old resource version: {} ({})", self.position, state.store.oldest());
                self.fail(&Refusal::expired(why));
                return;
            }
            let changes: Vec<Change> = state
                .store
                .since(self.position)
                .filter(|change| change.resource == self.wanted.resource.key)
                .cloned()
                .collect();
            self.position = self.position.max(state.store.version());
            for change in changes {
                if let Some((kind, object)) = self.event(&change) {
                    self.push(state, kind, &object);
                }
            }
        });
    }

    /// What a change is for this watch: an object that begins to match is added, one that stops is deleted.
    fn event(&self, change: &Change) -> Option<(&'static str, Arc<Value>)> {
        let elsewhere = |namespace: &String| namespace != object::namespace(&change.after);
        if self.wanted.namespace.as_ref().is_some_and(elsewhere) {
            return None;
        }
        let selects = |object: &Value| self.wanted.selection.matches(object);
        let before = change.before.as_deref().is_some_and(selects);
        let after = !change.deleted && selects(&change.after);
        match (before, after) {
            (false, true) => Some(("ADDED", Arc::clone(&change.after))),
            (true, true) => Some(("MODIFIED", Arc::clone(&change.after))),
            (true, false) if change.deleted => Some(("DELETED", Arc::clone(&change.after))),
            (true, false) => {
                // As it last matched, under the version of the change.
                let mut last = change.before.as_deref().cloned().unwrap_or_default();
                last["metadata"]["resourceVersion"] = json!(change.version.to_string());
                Some(("DELETED", Arc::new(last)))
            }
            (false, false) => None,
        }
    }

    fn push(&mut self, state: &State, kind: &str, object: &Value) {
        let first = !std::mem::replace(&mut self.headed, true);
        let shown = self.wanted.form.event(&self.wanted.resource, object, state.now, first);
        self.push_line(&json!({ "type": kind, "object": shown }));
    }

    fn push_bookmark(&mut self, initial: bool) {
        let mut metadata = json!({ "resourceVersion": self.position.to_string() });
        if initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let bookmark = self.wanted.form.bookmark(&self.wanted.resource, &metadata);
        self.push_line(&json!({ "type": "BOOKMARK", "object": bookmark }));
    }

    fn fail(&mut self, refusal: &Refusal) {
        self.push_line(&json!({ "type": "ERROR", "object": refusal.to_status() }));
        self.over = true;
    }

    fn push_line(&mut self, event: &Value) {
        let mut line = event.to_string();
        line.push('\n');
        self.lines.push_back(line.into());
    }
}
