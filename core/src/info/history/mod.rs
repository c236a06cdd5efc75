//! The revisions of a rollout: what they run, who asked for them, what became of them, and which commit they came with.
//!
//! A ReplicaSet keeps little of its past. What nothing says is unknown here: a history that guesses is worse than none.

pub mod application;
mod commit;
mod outcome;
#[cfg(test)]
mod tests;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use serde::Serialize;

pub use self::commit::Commit;
pub use self::outcome::Outcome;
use super::analysis_run::{in_order, is_owned};
use super::family::Family;
use super::replica_set::images;
use super::text;
use crate::api::{Application, ReplicaSet, Rollout, labels};
use crate::revision::owns;
use crate::time;

/// Annotation: why somebody changed an object, in their own words.
const CHANGE_CAUSE: &str = "kubernetes.io/change-cause";
/// The longest cause that is shown, in characters.
const LONGEST_CAUSE: usize = 200;
/// The program that syncs Applications, by the name that it writes under.
const SYNC: &str = "argocd-controller";
/// A ReplicaSet follows the change of its template within this time,
const PROMPT: SignedDuration = SignedDuration::from_secs(30);
/// and two API servers' clocks differ by less than this.
const SKEW: SignedDuration = SignedDuration::from_secs(2);

/// A revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Past {
    /// Its number.
    pub revision: i64,
    /// Numbers that it had before: somebody went back to it.
    pub earlier_numbers: Vec<i64>,
    /// Its ReplicaSet.
    pub replica_set: String,
    /// What it runs.
    pub images: Vec<String>,
    /// When it was first asked for.
    pub created: Option<Timestamp>,
    /// Which program wrote its template, as the API server recorded it; known of the present manifest alone.
    pub manager: Option<String>,
    /// Why, in the words of whoever changed it.
    pub cause: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Its analysis runs, with their phases.
    pub runs: Vec<Run>,
    /// The commit that it came with.
    pub commit: Option<Commit>,
}

/// An analysis run of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: String,
}

/// The revisions that are still there, the newest first.
pub fn revisions(family: &Family, events: &[Event], application: Option<&Application>) -> Vec<Past> {
    let rollout = &family.rollout;
    let mut owned: Vec<&ReplicaSet> = family.replica_sets.iter().filter(|rs| owns(rollout, rs)).collect();
    owned.retain(|rs| rs.revision() > 0);
    owned.sort_by_key(|rs| std::cmp::Reverse((rs.revision(), rs.created())));
    let own_events = super::event::of_family(family, events);
    owned.iter().map(|rs| Past::of(rs, family, &own_events, application)).collect()
}

impl Past {
    fn of(rs: &ReplicaSet, family: &Family, events: &[&Event], application: Option<&Application>) -> Past {
        let rollout = &family.rollout;
        let status = rollout.status();
        let earlier = earlier_numbers(rs);
        let is_current = rs.has_hash(&status.current_pod_hash) && rollout.is_observed();
        let runs = runs(family, rs);
        let manager = if is_current { manager(rollout, rs.created()) } else { None };
        // What somebody else wrote did not come with a sync. And of a revision that somebody went back to, the commit that brought it
        // first says nothing about now.
        let is_of_sync = earlier.is_empty() && (!is_current || manager.as_deref() == Some(SYNC));
        Past {
            revision: rs.revision(),
            replica_set: text::printable(rs.name()),
            images: images(&rs.spec.template),
            created: rs.created(),
            manager,
            cause: cause(rs, rollout, is_current),
            outcome: outcome::of(rs, rollout, events, &runs),
            commit: application.filter(|_| is_of_sync).and_then(|it| commit::of(it, rs.created()?)),
            earlier_numbers: earlier,
            runs,
        }
    }
}

/// Numbers that a revision had before. Argo Rollouts writes the present one among them, and some of them twice.
fn earlier_numbers(rs: &ReplicaSet) -> Vec<i64> {
    let written = rs.annotation(labels::REVISION_HISTORY).unwrap_or_default();
    let mut numbers: Vec<i64> = written.split(',').filter_map(|number| number.trim().parse().ok()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers.retain(|number| *number != rs.revision());
    numbers
}

/// The program that wrote the template, of those that own a part of it, just before its ReplicaSet was `created`. The time of an entry
/// is that of its program's last write, of whatever field: any other time says nothing of the template.
fn manager(rollout: &Rollout, created: Option<Timestamp>) -> Option<String> {
    let created = created?;
    // The template of a workload is not the rollout's.
    if rollout.spec.workload_ref.is_some() {
        return None;
    }
    let entries = rollout.metadata.managed_fields.iter().flatten();
    let of_template = entries.filter(|entry| {
        let is_of_spec = entry.subresource.as_deref().is_none_or(str::is_empty);
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        is_of_spec && fields.and_then(|fields| fields.pointer("/f:spec/f:template")).is_some()
    });
    let mut just_before = of_template.filter(|entry| {
        let written = entry.time.as_ref().map(|time| time.0);
        written.is_some_and(|at| at <= time::after(created, SKEW) && created <= time::after(at, PROMPT))
    });
    let only = just_before.next().filter(|_| just_before.next().is_none())?;
    only.manager.as_deref().filter(|manager| !manager.is_empty()).map(text::printable)
}

/// The cause in the ReplicaSet, its template, or of the present revision in the rollout.
fn cause(rs: &ReplicaSet, rollout: &Rollout, is_current: bool) -> Option<String> {
    let of_template = rs.spec.template.pointer("/metadata/annotations").and_then(|map| map[CHANGE_CAUSE].as_str());
    let of_rollout = rollout.metadata.annotations.as_ref().and_then(|map| map.get(CHANGE_CAUSE)).filter(|_| is_current);
    let said = rs.annotation(CHANGE_CAUSE).or(of_template).or(of_rollout.map(String::as_str))?;
    Some(text::line(said, LONGEST_CAUSE)).filter(|said| !said.is_empty())
}

/// The runs that measured a revision, the oldest first.
fn runs(family: &Family, rs: &ReplicaSet) -> Vec<Run> {
    let uid = family.rollout.metadata.uid.as_deref().unwrap_or_default();
    let all = in_order(family.runs.as_deref().unwrap_or_default());
    let of_revision = all.into_iter().filter(|run| {
        let hash = run.metadata.labels.as_ref().and_then(|map| map.get(labels::POD_TEMPLATE_HASH));
        is_owned(&run.metadata, uid) && hash.is_some_and(|hash| rs.has_hash(hash))
    });
    let shown = of_revision.map(|run| Run {
        name: text::printable(run.metadata.name.as_deref().unwrap_or_default()),
        phase: text::printable(run.status.as_ref().map_or("", |status| status.phase.as_str())),
    });
    shown.collect()
}
