//! Kubernetes Events of a rollout and of what belongs to it, in the order in which they happened.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::analysis_run::is_owned;
use super::family::Family;
use super::text;
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

/// The objects whose events are wanted.
struct Members {
    uids: BTreeSet<String>,
    /// Of writers that name no uid: kind and name.
    names: BTreeSet<(&'static str, String)>,
}

impl Members {
    fn of(family: &Family) -> Members {
        let rollout = &family.rollout;
        let mut members = Members { uids: BTreeSet::new(), names: BTreeSet::new() };
        let uid = rollout.metadata.uid.clone().unwrap_or_default();
        members.add("Rollout", Some(&uid), rollout.metadata.name.as_deref());
        for rs in family.replica_sets.iter().filter(|rs| owns(rollout, rs)) {
            members.add("ReplicaSet", Some(rs.uid()), Some(rs.name()));
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
                members.add("ReplicaSet", Some(rs.uid()), Some(rs.name()));
            }
        }
        for run in family.runs.iter().flatten() {
            if is_of(&members.uids, &run.metadata) {
                members.add("AnalysisRun", run.metadata.uid.as_deref(), run.metadata.name.as_deref());
            }
        }
        for pod in &family.pods {
            if is_of(&members.uids, &pod.metadata) {
                members.add("Pod", pod.metadata.uid.as_deref(), pod.metadata.name.as_deref());
            }
        }
        members
    }

    fn add(&mut self, kind: &'static str, uid: Option<&str>, name: Option<&str>) {
        self.uids.extend(uid.filter(|uid| !uid.is_empty()).map(str::to_owned));
        self.names.extend(name.map(|name| (kind, name.to_owned())));
    }

    fn has(&self, event: &Event) -> bool {
        let about = &event.involved_object;
        if let Some(uid) = about.uid.as_deref().filter(|uid| !uid.is_empty()) {
            return self.uids.contains(uid);
        }
        let (kind, name) = (about.kind.as_deref(), about.name.as_deref());
        self.names.iter().any(|(known, of)| Some(*known) == kind && Some(of.as_str()) == name)
    }
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
        let rs =
            json!({"metadata": {"name": "web-a", "uid": "rs", "ownerReferences": owner("Rollout", "u")}, "spec": {}});
        let pod = json!({"metadata": {"name": "web-a-1", "uid": "p", "ownerReferences": owner("ReplicaSet", "rs")}});
        let stranger =
            json!({"metadata": {"name": "api-1", "uid": "s", "ownerReferences": owner("ReplicaSet", "other")}});
        let family = Family {
            rollout: serde_json::from_value(rollout).expect("a rollout"),
            replica_sets: vec![serde_json::from_value(rs).expect("a ReplicaSet")],
            pods: vec![serde_json::from_value(pod).expect("a pod"), serde_json::from_value(stranger).expect("a pod")],
            runs: None,
            experiments: None,
        };
        let events = [
            event("late", json!({"kind": "Pod", "name": "web-a-1", "uid": "p"}), "2026-01-01T00:00:09Z"),
            event("stranger", json!({"kind": "Pod", "name": "api-1", "uid": "s"}), "2026-01-01T00:00:05Z"),
            event("early", json!({"kind": "Rollout", "name": "web"}), "2026-01-01T00:00:01Z"),
            // The name is the same, the rollout is another one, which was deleted.
            event("before", json!({"kind": "Rollout", "name": "web", "uid": "gone"}), "2026-01-01T00:00:00Z"),
        ];
        let found = of_family(&family, &events);
        let names: Vec<_> = found.iter().filter_map(|event| event.metadata.name.as_deref()).collect();
        assert_eq!(names, ["early", "late"]);
        let info = EventInfo::of(found[1]);
        assert_eq!((info.count, info.object.as_str(), info.message.as_str()), (3, "Pod/web-a-1", "a b"));
        assert!(info.is_warning());
    }
}
