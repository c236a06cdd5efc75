//! Deployments: ReplicaSets by revision, one rolling over into the next.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::identity::pod_template_hash;

use super::events;
use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

const MANAGER: &str = "kube-controller-manager";
const CONTROLLER: &str = "deployment-controller";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const HASH: &str = "pod-template-hash";

/// Looks at one, and returns when its deadline is.
pub fn look(state: &mut State, namespace: &str, name: &str) -> Option<Timestamp> {
    let deployment = state.store.get("deployments.apps", namespace, name)?.clone();
    if object::is_deleting(&deployment) {
        return None;
    }
    let sets = sets(state, &deployment);
    let newest =
        sets.iter().find(|rs| same_template(&rs["spec"]["template"], &deployment["spec"]["template"])).cloned();
    if deployment["spec"]["paused"] == true {
        return report(state, &deployment, &sets, newest.as_deref());
    }
    let revision = sets.iter().map(|rs| revision(rs)).max().unwrap_or(0);
    let newest = match newest {
        Some(newest) => renumber(state, &newest, &sets, revision),
        None => create(state, &deployment, revision + 1)?,
    };
    let old: Vec<Arc<Value>> = sets.iter().filter(|rs| object::uid(rs) != object::uid(&newest)).cloned().collect();
    number(state, &deployment, &newest);
    scale(state, &deployment, &newest, &old);
    clean_up(state, &deployment, &old);
    let sets = self::sets(state, &deployment);
    let newest = sets.iter().find(|rs| object::uid(rs) == object::uid(&newest)).cloned();
    let deployment = state.store.get("deployments.apps", namespace, name)?.clone();
    report(state, &deployment, &sets, newest.as_deref())
}

/// Its ReplicaSets, oldest first.
fn sets(state: &State, deployment: &Value) -> Vec<Arc<Value>> {
    let all = state.store.list("replicasets.apps", Some(object::namespace(deployment)));
    let mut sets: Vec<Arc<Value>> =
        all.filter(|rs| object::controller_uid(rs) == Some(object::uid(deployment))).cloned().collect();
    sets.sort_by_key(|rs| (revision(rs), object::name(rs).to_owned()));
    sets
}

fn revision(rs: &Value) -> i64 {
    object::annotation(rs, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn wanted(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn available(object: &Value) -> i64 {
    object["status"]["availableReplicas"].as_i64().unwrap_or(0)
}

/// Whether two templates are the same but for the hash that a ReplicaSet's has.
fn same_template(of_set: &Value, of_deployment: &Value) -> bool {
    let mut template = of_set.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template == *of_deployment
}

fn create(state: &mut State, deployment: &Value, revision: i64) -> Option<Arc<Value>> {
    let template = &deployment["spec"]["template"];
    let hash = pod_template_hash(template, None).to_string();
    let mut labelled = template.clone();
    write::map(write::child(&mut labelled, "metadata"), "labels").insert(HASH.into(), json!(hash));
    let mut selector = deployment["spec"]["selector"].clone();
    write::map(&mut selector, "matchLabels").insert(HASH.into(), json!(hash));
    let (surge, _) = limits(deployment);
    let replicas =
        if is_recreate(deployment) && !sets(state, deployment).is_empty() { 0 } else { first_size(state, deployment) };
    let spec = json!({
        "replicas": replicas, "selector": selector, "template": labelled,
        "minReadySeconds": deployment["spec"]["minReadySeconds"].as_i64().unwrap_or(0),
    });
    let rs = json!({
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "labels": labelled["metadata"]["labels"],
            "annotations": annotations(deployment, revision, surge),
            "ownerReferences": [object::owner_reference(deployment)],
        },
        "spec": spec,
    });
    let resource = state.registry.known("replicasets.apps");
    let call = Call::new(&resource, object::namespace(deployment), MANAGER);
    let made = write::create(state, &call, rs).ok()?;
    if replicas > 0 {
        tell_scaled(state, deployment, "up", &made, 0, replicas);
    }
    Some(made)
}

fn annotations(deployment: &Value, revision: i64, surge: i64) -> Value {
    let mut annotations = deployment["metadata"]["annotations"].clone();
    if !annotations.is_object() {
        annotations = json!({});
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        annotations.insert(REVISION.into(), json!(revision.to_string()));
        annotations.insert(DESIRED.into(), json!(wanted(deployment).to_string()));
        annotations.insert(MAX.into(), json!((wanted(deployment) + surge).to_string()));
    }
    annotations
}

/// An older ReplicaSet whose template is wanted again becomes the newest revision.
fn renumber(state: &mut State, newest: &Arc<Value>, sets: &[Arc<Value>], highest: i64) -> Arc<Value> {
    let others =
        sets.iter().filter(|rs| object::uid(rs) != object::uid(newest)).map(|rs| revision(rs)).max().unwrap_or(0);
    if revision(newest) > others {
        return Arc::clone(newest);
    }
    let next = (highest + 1).to_string();
    annotate(state, "replicasets.apps", newest, REVISION, &next).unwrap_or_else(|| Arc::clone(newest))
}

/// The Deployment names its newest revision.
fn number(state: &mut State, deployment: &Value, newest: &Value) {
    let revision = revision(newest).to_string();
    if object::annotation(deployment, REVISION) != Some(&revision) {
        annotate(state, "deployments.apps", deployment, REVISION, &revision);
    }
}

fn annotate(state: &mut State, key: &str, object: &Value, name: &str, value: &str) -> Option<Arc<Value>> {
    let resource = state.registry.known(key);
    let call = Call::new(&resource, object::namespace(object), MANAGER);
    let written = write::update(state, &call, object::name(object), |current| {
        let mut new = current.clone();
        write::map(write::child(&mut new, "metadata"), "annotations").insert(name.into(), json!(value));
        Ok(new)
    });
    written.ok()
}

fn is_recreate(deployment: &Value) -> bool {
    deployment["spec"]["strategy"]["type"] == "Recreate"
}

/// Surge and unavailable, as numbers of pods.
fn limits(deployment: &Value) -> (i64, i64) {
    if is_recreate(deployment) {
        return (0, 0);
    }
    let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
    let of = wanted(deployment);
    let surge = share(&rolling["maxSurge"], of, true);
    let unavailable = share(&rolling["maxUnavailable"], of, false);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

fn share(value: &Value, of: i64, up: bool) -> i64 {
    let percent = match value {
        Value::Null => 25,
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or(0),
        number => return number.as_i64().unwrap_or(0),
    };
    let product = of * percent;
    if up { (product + 99) / 100 } else { product / 100 }
}

fn first_size(state: &State, deployment: &Value) -> i64 {
    let (surge, _) = limits(deployment);
    let there: i64 = sets(state, deployment).iter().map(|rs| wanted(rs)).sum();
    (wanted(deployment) + surge - there).clamp(0, wanted(deployment))
}

/// One step of the way to the newest revision alone.
fn scale(state: &mut State, deployment: &Value, newest: &Value, old: &[Arc<Value>]) {
    let want = wanted(deployment);
    let (surge, unavailable) = limits(deployment);
    let old_wanted: i64 = old.iter().map(|rs| wanted(rs)).sum();
    let size = wanted(newest);
    if is_recreate(deployment) {
        for rs in old {
            resize(state, deployment, rs, 0);
        }
        let members = state.store.list("pods", Some(object::namespace(deployment)));
        let old_uids: Vec<&str> = old.iter().map(|rs| object::uid(rs)).collect();
        let left = members.filter(|pod| object::controller_uid(pod).is_some_and(|uid| old_uids.contains(&uid))).count();
        if left == 0 {
            resize(state, deployment, newest, want);
        }
        return;
    }
    let room = want + surge - old_wanted - size;
    let grown = if size > want { want } else { (size + room.max(0)).min(want) };
    resize(state, deployment, newest, grown);
    let all = old_wanted + grown;
    let unavailable_new = grown - available(newest).min(grown);
    let mut spare = all - (want - unavailable) - unavailable_new;
    // Pods that do not serve go first, and cost nothing.
    let mut sizes: Vec<(Arc<Value>, i64)> = old.iter().map(|rs| (Arc::clone(rs), wanted(rs))).collect();
    for (rs, size) in &mut sizes {
        let idle = (*size - available(rs)).clamp(0, spare.max(0));
        *size -= idle;
        spare -= idle;
    }
    let serving: i64 = old.iter().map(|rs| available(rs)).sum::<i64>() + available(newest);
    let mut can_go = serving - (want - unavailable);
    for (_, size) in &mut sizes {
        let going = (*size).clamp(0, can_go.max(0));
        *size -= going;
        can_go -= going;
    }
    for (rs, size) in sizes {
        resize(state, deployment, &rs, size);
    }
}

fn resize(state: &mut State, deployment: &Value, rs: &Value, size: i64) {
    let (surge, _) = limits(deployment);
    let (desired, most) = (wanted(deployment).to_string(), (wanted(deployment) + surge).to_string());
    let before = wanted(rs);
    let marked = object::annotation(rs, DESIRED) == Some(&desired) && object::annotation(rs, MAX) == Some(&most);
    if before == size && (marked || size == 0) {
        return;
    }
    let resource = state.registry.known("replicasets.apps");
    let call = Call::new(&resource, object::namespace(rs), MANAGER);
    let written = write::update(state, &call, object::name(rs), |current| {
        let mut new = current.clone();
        new["spec"]["replicas"] = json!(size);
        let annotations = write::map(write::child(&mut new, "metadata"), "annotations");
        annotations.insert(DESIRED.into(), json!(desired));
        annotations.insert(MAX.into(), json!(most));
        Ok(new)
    });
    if let (Ok(written), true) = (written, before != size) {
        let direction = if size > before { "up" } else { "down" };
        tell_scaled(state, deployment, direction, &written, before, size);
    }
}

fn tell_scaled(state: &mut State, deployment: &Value, direction: &str, rs: &Value, from: i64, to: i64) {
    let message = format!("Scaled {direction} replica set {} from {from} to {to}", object::name(rs));
    events::tell(state, deployment, CONTROLLER, "Normal", "ScalingReplicaSet", &message);
}

/// Removes revisions that are older than the history is long.
fn clean_up(state: &mut State, deployment: &Value, old: &[Arc<Value>]) {
    let limit = usize::try_from(deployment["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(10)).unwrap_or(0);
    let idle: Vec<&Arc<Value>> =
        old.iter().filter(|rs| wanted(rs) == 0 && rs["status"]["replicas"].as_i64().unwrap_or(0) == 0).collect();
    let resource = state.registry.known("replicasets.apps");
    for rs in idle.iter().take(old.len().saturating_sub(limit)) {
        let call = Call::new(&resource, object::namespace(deployment), MANAGER);
        let _ = write::delete(state, &call, object::name(rs), &DeleteOptions::default());
    }
}

/// Writes the status, and returns when the deadline is.
fn report(state: &mut State, deployment: &Value, sets: &[Arc<Value>], newest: Option<&Value>) -> Option<Timestamp> {
    let sum = |field: &str| sets.iter().filter_map(|rs| rs["status"][field].as_i64()).sum::<i64>();
    let want = wanted(deployment);
    let (_, unavailable) = limits(deployment);
    let (replicas, ready, serving) = (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
    let updated = newest.and_then(|rs| rs["status"]["replicas"].as_i64()).unwrap_or(0);
    let mut status = json!({ "observedGeneration": deployment["metadata"]["generation"] });
    let sized: i64 = sets.iter().map(|rs| wanted(rs)).sum();
    for (field, number) in [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", ready),
        ("availableReplicas", serving),
        ("unavailableReplicas", (sized - serving).max(0)),
    ] {
        if number > 0 {
            status[field] = json!(number);
        }
    }
    let old = deployment["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let find = |kind: &str| old.iter().find(|condition| condition["type"] == kind);
    let complete = updated == want && replicas == want && serving == want;
    let name = newest.map(object::name).unwrap_or_default();
    let before = &deployment["status"];
    let moved =
        ["updatedReplicas", "readyReplicas", "availableReplicas"].iter().any(|field| status[*field] != before[*field]);
    let progressing = if complete {
        ("True", "NewReplicaSetAvailable", format!("ReplicaSet \"{name}\" has successfully progressed."))
    } else {
        ("True", "ReplicaSetUpdated", format!("ReplicaSet \"{name}\" is progressing."))
    };
    let deadline = deployment["spec"]["progressDeadlineSeconds"].as_i64().unwrap_or(600);
    let last = find("Progressing").and_then(|condition| object::moment(&condition["lastUpdateTime"]));
    let due = last.and_then(|last| last.saturating_add(SignedDuration::from_secs(deadline)).ok());
    let late = !complete && !moved && due.is_some_and(|due| due <= state.now);
    let progressing = if late {
        ("False", "ProgressDeadlineExceeded", format!("ReplicaSet \"{name}\" has timed out progressing."))
    } else {
        progressing
    };
    let available = if serving >= want - unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.".to_owned())
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.".to_owned())
    };
    status["conditions"] = json!([
        condition(state, "Available", find("Available"), available, false),
        condition(state, "Progressing", find("Progressing"), progressing, moved && !complete),
    ]);
    if status != deployment["status"] {
        let resource = state.registry.known("deployments.apps");
        let call = Call::new(&resource, object::namespace(deployment), MANAGER).status();
        let _ = write::update(state, &call, object::name(deployment), |current| {
            let mut new = current.clone();
            new["status"] = status;
            Ok(new)
        });
    }
    due.filter(|due| !complete && !late && *due > state.now)
}

fn condition(
    state: &State,
    kind: &str,
    old: Option<&Value>,
    (status, reason, message): (&str, &str, String),
    renewed: bool,
) -> Value {
    let now = json!(object::time(state.now));
    let same = |fields: &[(&str, &str)]| old.filter(|old| fields.iter().all(|(field, value)| old[*field] == **value));
    let updated = match same(&[("status", status), ("reason", reason)]).filter(|_| !renewed) {
        Some(old) => old["lastUpdateTime"].clone(),
        None => now.clone(),
    };
    let since = same(&[("status", status)]).map_or(now, |old| old["lastTransitionTime"].clone());
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": updated, "lastTransitionTime": since,
    })
}
