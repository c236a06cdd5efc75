//! The ReplicaSets of a Deployment: which there are, which is the newest, and how they are numbered.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sluice_core::identity::pod_template_hash;

use super::{DESIRED, MANAGER, MAX, RESOURCE, SETS, limits, scaling, status, wanted};
use crate::object;
use crate::state::State;
use crate::workloads::pods;
use crate::write::{self, Call, DeleteOptions};

const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HASH: &str = "pod-template-hash";

/// Annotations of a Deployment that its ReplicaSets do not take over.
const OWN: [&str; 5] = ["kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MAX];

/// The ReplicaSets of one Deployment.
pub struct Sets {
    /// The one with the template of the Deployment.
    pub newest: Option<Arc<Value>>,
    /// All others, oldest first.
    pub old: Vec<Arc<Value>>,
}

impl Sets {
    /// Finds them.
    pub fn of(state: &State, deployment: &Value) -> Sets {
        let all = state.store.list(SETS, Some(object::namespace(deployment)));
        let mut old: Vec<Arc<Value>> =
            all.filter(|rs| object::controller_uid(rs) == Some(object::uid(deployment))).cloned().collect();
        old.sort_by_cached_key(|rs| (object::moment(&rs["metadata"]["creationTimestamp"]), revision(rs)));
        let same = |rs: &Arc<Value>| same_template(&rs["spec"]["template"], &deployment["spec"]["template"]);
        let newest = old.iter().position(same).map(|at| old.remove(at));
        Sets { newest, old }
    }

    /// All of them, the newest last.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.newest)
    }

    /// How many pods they want together.
    pub fn size(&self) -> i64 {
        self.all().map(|rs| wanted(rs)).sum()
    }

    /// Whether a pod of an old one has not ended.
    pub fn old_pods_run(&self, state: &State) -> bool {
        self.old.iter().any(|rs| {
            let mut pods = state.store.list("pods", Some(object::namespace(rs)));
            pods.any(|pod| object::controller_uid(pod) == Some(object::uid(rs)) && !pods::has_ended(pod))
        })
    }
}

fn revision(rs: &Value) -> i64 {
    object::annotation(rs, REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Whether two templates are the same but for the hash that a ReplicaSet's has.
fn same_template(of_set: &Value, of_deployment: &Value) -> bool {
    let mut template = of_set.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template == *of_deployment
}

/// The newest ReplicaSet, made where there is none, as the newest revision.
pub fn ensure(state: &mut State, deployment: &Value, sets: &Sets) -> Option<Arc<Value>> {
    let next = sets.old.iter().map(|rs| revision(rs)).max().unwrap_or(0) + 1;
    let (newest, reason, verb) = match &sets.newest {
        Some(found) => (refresh(state, deployment, found, next)?, "FoundNewReplicaSet", "Found"),
        None => (create(state, deployment, sets, next)?, "NewReplicaSetCreated", "Created"),
    };
    let text = revision(&newest).to_string();
    let message = format!("{verb} new replica set \"{}\"", object::name(&newest));
    let is_news = sets.newest.is_none() || object::condition(deployment, "Progressing").is_none();
    let resource = state.registry.known(RESOURCE);
    let call = Call::new(&resource, object::namespace(deployment), MANAGER).status();
    let condition = status::condition(state.now, "Progressing", ("True", reason, message));
    let written = write::update(state, &call, object::name(deployment), |current| {
        let mut new = current.clone();
        write::map(write::child(&mut new, "metadata"), "annotations").insert(REVISION.into(), json!(text));
        if is_news {
            status::set(&mut new["status"], condition);
        }
        Ok(new)
    });
    written.ok().map(|_| newest)
}

/// What a ReplicaSet takes over from its Deployment; an older one whose template is wanted again is renumbered.
fn refresh(state: &mut State, deployment: &Value, found: &Arc<Value>, next: i64) -> Option<Arc<Value>> {
    let resource = state.registry.known(SETS);
    let call = Call::new(&resource, object::namespace(found), MANAGER);
    let written = write::update(state, &call, object::name(found), |current| {
        let mut new = current.clone();
        let before = revision(current);
        let annotations = write::map(write::child(&mut new, "metadata"), "annotations");
        take_over(annotations, deployment);
        if before < next {
            annotations.insert(REVISION.into(), json!(next.to_string()));
            if before > 0 {
                let history = annotations.get(HISTORY).and_then(Value::as_str).filter(|history| !history.is_empty());
                let history = history.map_or(before.to_string(), |history| format!("{history},{before}"));
                annotations.insert(HISTORY.into(), json!(history));
            }
        }
        let patience = deployment["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        if current["spec"]["minReadySeconds"].as_i64().unwrap_or(0) != patience {
            new["spec"]["minReadySeconds"] = json!(patience);
        }
        Ok(new)
    });
    written.ok()
}

fn take_over(annotations: &mut Map<String, Value>, deployment: &Value) {
    for (name, value) in object::texts(&deployment["metadata"]["annotations"]) {
        if !OWN.contains(&name.as_str()) {
            annotations.insert(name, json!(value));
        }
    }
}

fn create(state: &mut State, deployment: &Value, sets: &Sets, revision: i64) -> Option<Arc<Value>> {
    let template = &deployment["spec"]["template"];
    let hash = pod_template_hash(template, None).to_string();
    let mut labelled = template.clone();
    write::map(write::child(&mut labelled, "metadata"), "labels").insert(HASH.into(), json!(hash));
    let mut selector = deployment["spec"]["selector"].clone();
    write::map(&mut selector, "matchLabels").insert(HASH.into(), json!(hash));
    let size = scaling::grown(deployment, 0, sets.size());
    let mut annotations = Map::new();
    take_over(&mut annotations, deployment);
    annotations.insert(REVISION.into(), json!(revision.to_string()));
    annotations.insert(DESIRED.into(), json!(wanted(deployment).to_string()));
    annotations.insert(MAX.into(), json!((wanted(deployment) + limits(deployment).0).to_string()));
    let mut spec = json!({ "replicas": size, "selector": selector, "template": labelled });
    if let Some(patience) = deployment["spec"]["minReadySeconds"].as_i64() {
        spec["minReadySeconds"] = json!(patience);
    }
    let rs = json!({
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "labels": labelled["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [object::owner_reference(deployment)],
        },
        "spec": spec,
    });
    let resource = state.registry.known(SETS);
    let made = write::create(state, &Call::new(&resource, object::namespace(deployment), MANAGER), rs).ok()?;
    if size > 0 {
        scaling::tell(state, deployment, &made, 0, size);
    }
    Some(made)
}

/// Removes revisions that are older than the history is long.
pub fn clean_up(state: &mut State, deployment: &Value, sets: &Sets) {
    let limit = usize::try_from(deployment["spec"]["revisionHistoryLimit"].as_i64().unwrap_or(10)).unwrap_or(0);
    let mut old: Vec<&Arc<Value>> = sets.old.iter().filter(|rs| !object::is_deleting(rs)).collect();
    old.sort_by_key(|rs| revision(rs));
    let resource = state.registry.known(SETS);
    let idle = |rs: &Value| {
        let (seen, is) = (&rs["status"]["observedGeneration"], &rs["metadata"]["generation"]);
        wanted(rs) == 0 && rs["status"]["replicas"].as_i64().unwrap_or(0) == 0 && seen.as_i64() >= is.as_i64()
    };
    for rs in old.iter().take(old.len().saturating_sub(limit)).filter(|rs| idle(rs)) {
        let call = Call::new(&resource, object::namespace(deployment), MANAGER);
        // Gone in the meantime is what was wanted.
        let _ = write::delete(state, &call, object::name(rs), &DeleteOptions::default());
    }
}
