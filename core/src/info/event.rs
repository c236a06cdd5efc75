//! Kubernetes Events of a rollout and of what belongs to it, in the order in which they happened.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::analysis_run::is_owned;
use super::family::Family;
use super::text;
use crate::api::{AnalysisRun, ReplicaSet};
use crate::revision::owns;

/// What is shown of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventInfo {
    /// When it happened last.
    pub at: Option<Timestamp>,
    /// How often it happened.
    pub count: i32,
    /// `Normal` or `Warning`.
    pub severity: String,
    /// In one word.
    pub reason: String,
    /// What it is about, as `Kind/name`.
    pub object: String,
    /// In one sentence.
    pub message: String,
}

impl EventInfo {
    /// What is shown of an event.
    pub fn of(event: &Event) -> EventInfo {
        let about = &event.involved_object;
        let part = |part: &Option<String>| text::printable(part.as_deref().unwrap_or_default());
        let series = event.series.as_ref().and_then(|series| series.count);
        EventInfo {
            at: happened(event),
            count: series.or(event.count).unwrap_or(1).max(1),
            severity: part(&event.type_),
            reason: part(&event.reason),
            object: format!("{}/{}", part(&about.kind), part(&about.name)),
            message: text::message(event.message.as_deref().unwrap_or_default()),
        }
    }

    /// Whether somebody should look at it.
    pub fn is_warning(&self) -> bool {
        self.severity == "Warning"
    }
}

/// When something happened last; writers fill in different fields.
pub fn happened(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref()).map(|time| time.0);
    let last = event.last_timestamp.as_ref().map(|time| time.0);
    let once = event.event_time.as_ref().map(|time| time.0);
    series.or(last).or(once).or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

/// The events of a rollout and of its ReplicaSets, pods, analysis runs and experiments, the oldest first.
pub fn of_family<'a>(family: &Family, events: &'a [Event]) -> Vec<&'a Event> {
    let members = Members::of(family);
    let mut found: Vec<&Event> = events.iter().filter(|event| members.has(event)).collect();
    // Many times have whole seconds; within one, the order in which they were written tells more than their names.
    let written =
        |event: &Event| event.metadata.resource_version.as_ref().and_then(|version| version.parse::<u64>().ok());
    found.sort_by_key(|event| (happened(event), written(event), event.metadata.name.as_deref()));
    found
}

/// A name that is made for an object begins with that of its owner and a dash, as far as this many characters.
const LONGEST_BASE: usize = 58;

/// How far the clocks of nodes may be behind the API server's.
const SKEW: SignedDuration = SignedDuration::from_secs(10);

/// The objects whose events are wanted.
#[derive(Default)]
struct Members {
    uids: BTreeSet<String>,
    /// Of writers that name no uid: kind and name.
    names: BTreeSet<(&'static str, String)>,
    /// What names of pods are made of, and since when there can be such pods. Events outlive their pods: those that crashed are gone after
    /// an abort. They outlive ReplicaSets, too, and another one may have had the same name.
    bases: BTreeMap<String, Option<Timestamp>>,
    /// Jobs that measure; nobody keeps their uids.
    jobs: BTreeSet<String>,
}

impl Members {
    fn of(family: &Family) -> Members {
        let rollout = &family.rollout;
        let mut members = Members::default();
        let uid = rollout.metadata.uid.clone().unwrap_or_default();
        members.add("Rollout", Some(&uid), rollout.metadata.name.as_deref());
        for rs in family.replica_sets.iter().filter(|rs| owns(rollout, rs)) {
            members.add_set(rs);
        }
        for experiment in family.experiments.iter().flatten().filter(|it| is_owned(&it.metadata, &uid)) {
            let metadata = &experiment.metadata;
            members.add("Experiment", metadata.uid.as_deref(), metadata.name.as_deref());
        }
        let is_of = |uids: &BTreeSet<String>, metadata: &ObjectMeta| {
            let owners = metadata.owner_references.iter().flatten();
            owners.filter(|owner| owner.controller == Some(true)).any(|owner| uids.contains(&owner.uid))
        };
        // ReplicaSets of experiments belong to them, and pods to ReplicaSets of either.
        for rs in &family.replica_sets {
            if rs.controller_uid().is_some_and(|owner| members.uids.contains(owner)) {
                members.add_set(rs);
            }
        }
        for run in family.runs.iter().flatten() {
            if is_of(&members.uids, &run.metadata) {
                members.add("AnalysisRun", run.metadata.uid.as_deref(), run.metadata.name.as_deref());
                members.jobs.extend(jobs(run));
            }
        }
        for pod in &family.pods {
            if is_of(&members.uids, &pod.metadata) {
                members.add("Pod", pod.metadata.uid.as_deref(), pod.metadata.name.as_deref());
            }
        }
        // Names of Jobs have the uid of their run in them: there is no other one.
        members.bases.extend(members.jobs.iter().map(|name| (base(name), None)));
        members
    }

    fn add_set(&mut self, rs: &ReplicaSet) {
        self.add("ReplicaSet", Some(rs.uid()), Some(rs.name()));
        let made = rs.metadata.creation_timestamp.as_ref().and_then(|time| time.0.checked_sub(SKEW).ok());
        // Of long names several begin alike; the earliest counts, and one that is unknown is the earliest.
        let since = self.bases.entry(base(rs.name())).or_insert(made);
        *since = made.min(*since);
    }

    fn add(&mut self, kind: &'static str, uid: Option<&str>, name: Option<&str>) {
        self.uids.extend(uid.filter(|uid| !uid.is_empty()).map(str::to_owned));
        self.names.extend(name.map(|name| (kind, name.to_owned())));
    }

    fn has(&self, event: &Event) -> bool {
        let about = &event.involved_object;
        let (kind, name) = (about.kind.as_deref(), about.name.as_deref().unwrap_or_default());
        let is_made = match kind {
            Some("Pod") => {
                let at = happened(event);
                name.rfind('-').is_some_and(|end| self.is_base(&name[..end], at)) || self.is_base(&base(name), at)
            }
            Some("Job") => self.jobs.contains(name),
            _ => false,
        };
        let is_known = match about.uid.as_deref().filter(|uid| !uid.is_empty()) {
            Some(uid) => self.uids.contains(uid),
            None => self.names.iter().any(|(known, of)| Some(*known) == kind && of == name),
        };
        is_made || is_known
    }

    fn is_base(&self, name: &str, at: Option<Timestamp>) -> bool {
        self.bases.get(name).is_some_and(|since| at.is_none() || *since <= at)
    }
}

/// The Jobs that a run measured with.
fn jobs(run: &AnalysisRun) -> impl Iterator<Item = String> {
    let results = run.status.iter().flat_map(|status| &status.metric_results);
    results.flat_map(|result| &result.measurements).filter_map(|taken| taken.metadata.get("job-name").cloned())
}

/// What the names of its pods begin with, without the dash.
fn base(name: &str) -> String {
    name.chars().take(LONGEST_BASE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(name: &str, about: Value, at: &str) -> Event {
        let mut event = json!({
            "metadata": {"name": name}, "lastTimestamp": at, "message": "a\nb", "reason": "R", "type": "Warning", "count": 3,
        });
        event["involvedObject"] = about;
        serde_json::from_value(event).expect("an event")
    }

    #[test]
    fn events_of_the_family_come_the_oldest_first_and_others_not_at_all() {
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web", "uid": "u"},
            "spec": {"strategy": {"canary": {}}},
        });
        let owner = |kind: &str, uid: &str| json!([{"apiVersion": "v1", "kind": kind, "name": "x", "uid": uid, "controller": true}]);
        let made = "2026-01-01T00:00:05Z";
        let rs = json!({
            "metadata": {"name": "web-a", "uid": "rs", "creationTimestamp": made, "ownerReferences": owner("Rollout", "u")},
            "spec": {},
        });
        let pod = json!({"metadata": {"name": "web-a-1", "uid": "p", "ownerReferences": owner("ReplicaSet", "rs")}});
        let taken = json!({"phase": "Successful", "metadata": {"job-name": "run.1"}});
        let run = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun", "spec": {"metrics": []},
            "metadata": {"name": "run", "uid": "r", "ownerReferences": owner("Rollout", "u")},
            "status": {"phase": "Running", "metricResults": [{"name": "m", "phase": "Running", "measurements": [taken]}]},
        });
        let stranger =
            json!({"metadata": {"name": "api-1", "uid": "s", "ownerReferences": owner("ReplicaSet", "other")}});
        let family = Family {
            rollout: serde_json::from_value(rollout).expect("a rollout"),
            replica_sets: vec![serde_json::from_value(rs).expect("a ReplicaSet")],
            pods: vec![serde_json::from_value(pod).expect("a pod"), serde_json::from_value(stranger).expect("a pod")],
            runs: Some(vec![serde_json::from_value(run).expect("a run")]),
            experiments: None,
        };
        let events = [
            event("late", json!({"kind": "Pod", "name": "web-a-1", "uid": "p"}), "2026-01-01T00:00:09Z"),
            event("stranger", json!({"kind": "Pod", "name": "api-1", "uid": "s"}), "2026-01-01T00:00:05Z"),
            // This one is gone, and so are those of the Job that measured.
            event("gone", json!({"kind": "Pod", "name": "web-a-2", "uid": "q"}), "2026-01-01T00:00:08Z"),
            event("other rollout", json!({"kind": "Pod", "name": "web-a-b-1", "uid": "q"}), "2026-01-01T00:00:08Z"),
            event("job", json!({"kind": "Job", "name": "run.1", "uid": "j"}), "2026-01-01T00:00:06Z"),
            event("of job", json!({"kind": "Pod", "name": "run.1-x", "uid": "j"}), "2026-01-01T00:00:07Z"),
            event("early", json!({"kind": "Rollout", "name": "web"}), "2026-01-01T00:00:01Z"),
            // The name is the same, the rollout is another one, which was deleted.
            event("before", json!({"kind": "Rollout", "name": "web", "uid": "gone"}), "2026-01-01T00:00:00Z"),
            // And so did its ReplicaSet have the same name, with its pods.
            event("of its pod", json!({"kind": "Pod", "name": "web-a-3", "uid": "o"}), "2025-12-31T23:50:00Z"),
        ];
        let found = of_family(&family, &events);
        let names: Vec<_> = found.iter().filter_map(|event| event.metadata.name.as_deref()).collect();
        assert_eq!(names, ["early", "job", "of job", "gone", "late"]);
        let info = EventInfo::of(found[4]);
        assert_eq!((info.count, info.object.as_str(), info.message.as_str()), (3, "Pod/web-a-1", "a b"));
        assert!(info.is_warning());
    }

    #[test]
    fn of_revisions_whose_names_begin_alike_no_pod_is_left_out() {
        let set = |hash: &str, made: &str| {
            let name = format!("{}-{hash}", "w".repeat(60));
            serde_json::from_value(
                json!({"metadata": {"name": name, "uid": hash, "creationTimestamp": made}, "spec": {}}),
            )
            .expect("a ReplicaSet")
        };
        let mut members = Members::default();
        members.add_set(&set("a", "2026-01-01T00:00:00Z"));
        members.add_set(&set("b", "2026-01-02T00:00:00Z"));
        let pod = json!({"kind": "Pod", "name": format!("{}abcde", "w".repeat(58)), "uid": "q"});
        assert!(members.has(&event("of the first", pod.clone(), "2026-01-01T12:00:00Z")));
        assert!(!members.has(&event("of one before", pod, "2025-12-31T12:00:00Z")));
    }

    #[test]
    fn a_pod_of_a_long_name_is_told_by_the_part_of_it_that_is_left() {
        let long = format!("{}-7d9c5", "w".repeat(60));
        let members = Members { bases: BTreeMap::from([(base(&long), None)]), ..Members::default() };
        let about = |name: String| event("e", json!({"kind": "Pod", "name": name, "uid": "q"}), "2026-01-01T00:00:00Z");
        assert!(members.has(&about(format!("{}abcde", &long[..LONGEST_BASE]))));
        assert!(!members.has(&about(format!("{}-abcde", "w".repeat(50)))));
        assert!(!members.has(&about("é".repeat(70))));
    }
}
