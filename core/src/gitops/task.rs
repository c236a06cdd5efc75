//! What a sync consists of, and how far each part of it is.

use super::automatic::is_out;
use super::compare::Verdict;
use super::health::UNKNOWN;
use super::hook;
use super::key::Key;
use super::manifest::Manifest;
use super::marks::{self, Phase};
use super::operation::{FAILED, RUNNING, is_left_over, is_selected};
use super::snapshot::{Goes, Hook, Live, Object, Snapshot};
use crate::api::{Application, ResourceResult, SyncOperation};

/// A phase, and a wave of it. What is of one stage goes together; the next stage waits until it is healthy.
pub type Stage = (Phase, i64);

/// A part of a sync.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    /// When its turn is.
    pub stage: Stage,
    /// What it is.
    pub what: What<'a>,
}

/// What a part of a sync is.
#[derive(Clone, Copy, Debug)]
pub enum What<'a> {
    /// To apply a manifest.
    Apply(&'a Object, &'a Manifest),
    /// To run a hook.
    Run(&'a Hook),
    /// To delete what Git does not have any more.
    Prune(&'a Object),
}

/// How far a part of a sync is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It has not begun.
    Pending,
    /// It goes on.
    Running,
    /// It is at its end.
    Done,
    /// It has failed, for this reason.
    Failed(String),
}

/// Everything that a sync does, in the order of its stages. Objects go in the last stage of what comes, or, by `PruneLast=true`, in
/// one of their own after it.
pub fn tasks<'a>(s: &'a Snapshot, sync: &SyncOperation, results: &[ResourceResult]) -> Vec<Task<'a>> {
    let options = options(&s.application, sync);
    let only_out = options.iter().any(|option| option == "ApplyOutOfSyncOnly=true");
    let selected = || s.objects.iter().filter(|object| is_selected(sync, &object.key));
    let mut tasks: Vec<Task<'a>> = selected()
        .filter_map(|object| Some((object, object.wanted.as_ref()?)))
        .filter(|(object, _)| !only_out || is_out(object) || result(results, &object.key, Phase::Sync).is_some())
        .map(|(object, manifest)| {
            let stage = (Phase::Sync, marks::wave(&manifest.value));
            Task { stage, what: What::Apply(object, manifest) }
        })
        .collect();
    tasks.extend(s.hooks.iter().map(|hook| {
        let stage = (hook.phase, marks::wave(&hook.manifest.value));
        Task { stage, what: What::Run(hook) }
    }));
    let last =
        tasks.iter().map(|task| task.stage).filter(|(phase, _)| *phase == Phase::Sync).map(|(_, wave)| wave).max();
    let last = last.unwrap_or_default();
    let late = i64::from(options.iter().any(|option| option == "PruneLast=true"));
    let goes = selected().filter(|object| sync.prune && is_left_over(object));
    tasks.extend(goes.map(|object| Task { stage: (Phase::Sync, last + late), what: What::Prune(object) }));
    tasks.sort_by_key(|task| task.stage);
    tasks
}

/// The options of a sync: those that were asked for with it, and the Application's where they say nothing.
pub fn options(application: &Application, sync: &SyncOperation) -> Vec<String> {
    let strategy = sync.sync_strategy.clone().unwrap_or_default();
    let is_forced = [strategy.apply, strategy.hook].into_iter().flatten().any(|strategy| strategy.force);
    let forced = is_forced.then(|| "Force=true".to_owned());
    let policy = application.spec.sync_policy.iter().flat_map(|policy| &policy.sync_options);
    forced.into_iter().chain(sync.sync_options.iter().chain(policy).cloned()).collect()
}

impl<'a> Task<'a> {
    /// The object that it is about.
    pub fn key(&self) -> &'a Key {
        match self.what {
            What::Apply(object, _) | What::Prune(object) => &object.key,
            What::Run(hook) => &hook.manifest.key,
        }
    }

    /// The hook that it runs.
    pub fn hook(&self) -> Option<&'a Hook> {
        match self.what {
            What::Run(hook) => Some(hook),
            What::Apply(..) | What::Prune(_) => None,
        }
    }

    /// Why the API server would not take what it applies.
    pub fn refused(&self) -> Option<&'a str> {
        match self.what {
            What::Apply(Object { verdict: Some(Verdict::Refused(why)), .. }, _) => Some(why),
            What::Run(hook) => hook.refused.as_deref(),
            What::Apply(..) | What::Prune(_) => None,
        }
    }

    /// How far it is. What goes is at its end as soon as it is going.
    pub fn progress(&self, results: &[ResourceResult]) -> Progress {
        let Some(result) = result(results, self.key(), self.stage.0) else {
            return match self.what {
                What::Prune(Object { live: Some(Live { is_going: true, .. }), .. }) => Progress::Done,
                _ => Progress::Pending,
            };
        };
        match result.hook_phase.as_str() {
            FAILED => Progress::Failed(result.message.clone()),
            RUNNING if !matches!(self.what, What::Prune(_)) => self.seen(),
            _ => Progress::Done,
        }
    }

    /// How far that is which has begun, by what is there of it.
    fn seen(&self) -> Progress {
        let live = match self.what {
            What::Apply(object, _) | What::Prune(object) => object.live.as_ref(),
            What::Run(hook) => hook.live.as_ref(),
        };
        let Some(live) = live else {
            return Progress::Failed(format!("{} is missing, it might have been deleted", self.key()));
        };
        let is_unknown = live.health.as_ref().is_some_and(|health| health.status == UNKNOWN);
        match hook::progress(live) {
            // What cannot be told now can be told later.
            _ if is_unknown && self.hook().is_none() => Progress::Running,
            (FAILED, why) => Progress::Failed(why),
            // Nobody goes on with a Job that is going.
            (RUNNING, _) if live.is_going && self.hook().is_some() => {
                Progress::Failed("it was deleted before it had come to its end".to_owned())
            }
            (RUNNING, _) => Progress::Running,
            _ => Progress::Done,
        }
    }

    /// Whether a person has to allow it.
    pub fn asks(&self) -> bool {
        matches!(self.what, What::Prune(Object { live: Some(Live { prune: Goes::Asks, .. }), .. }))
    }
}

/// What is written of an object in a phase.
pub fn result<'a>(results: &'a [ResourceResult], key: &Key, phase: Phase) -> Option<&'a ResourceResult> {
    results.iter().find(|result| is_of(result, key) && result.sync_phase == phase.name())
}

/// Whether a result is of an object.
pub fn is_of(result: &ResourceResult, key: &Key) -> bool {
    (&result.group, &result.kind, &result.namespace, &result.name) == (&key.group, &key.kind, &key.namespace, &key.name)
}
