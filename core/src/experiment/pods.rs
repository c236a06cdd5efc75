//! The pods of an experiment's templates, and the Services in front of them.

use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference, Time};
use serde_json::{Value, json};

use super::plan::{Draft, scale_down_delay};
use crate::analysis::Phase;
use crate::api::{API_VERSION, ReplicaSet, TemplateSpec, TemplateStatus, labels};
use crate::effect::{Change, Effect, ReplicaSetPatch};
use crate::event::Note;
use crate::identity;
use crate::selector;
use crate::time;

/// What applies where the manifest is silent, in seconds.
const DEADLINE: i32 = 600;

/// Where pods stand, as it is written in the status.
const PROGRESSING: &str = "Progressing";
const RUNNING: &str = "Running";
const SUCCESSFUL: &str = "Successful";
const FAILED: &str = "Failed";
const ERROR: &str = "Error";

/// The name of a template's ReplicaSet.
pub(super) fn name_of(d: &Draft<'_>, template: &TemplateSpec) -> String {
    format!("{}-{}", d.s.experiment.metadata.name.as_deref().unwrap_or_default(), template.name)
}

fn find<'a>(d: &Draft<'a>, template: &TemplateSpec) -> Option<&'a ReplicaSet> {
    let name = name_of(d, template);
    d.s.replica_sets.iter().find(|rs| rs.name() == name)
}

fn replicas(template: &TemplateSpec) -> i32 {
    template.replicas.unwrap_or(1).max(0)
}

/// The name of a template's Service, where it has one.
fn service_of(d: &Draft<'_>, template: &TemplateSpec) -> Option<String> {
    let service = template.service.as_ref()?;
    Some(service.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| name_of(d, template)))
}

fn is_over(status: &TemplateStatus) -> bool {
    [SUCCESSFUL, FAILED, ERROR].contains(&status.status.as_str())
}

/// Writes down what the ReplicaSets say.
pub(super) fn observe(d: &mut Draft<'_>) {
    let templates = &d.s.experiment.spec.templates;
    for template in templates {
        let before = d.status.template_statuses.iter().find(|status| status.name == template.name).cloned();
        let mut status = before.unwrap_or_else(|| TemplateStatus { name: template.name.clone(), ..<_>::default() });
        let rs = find(d, template);
        let observed = rs.map(ReplicaSet::observed);
        let count = |of: fn(&crate::api::ReplicaSetStatus) -> i32| observed.map_or(0, of);
        status.replicas = count(|observed| observed.replicas);
        status.updated_replicas = status.replicas;
        status.ready_replicas = count(|observed| observed.ready_replicas);
        status.available_replicas = count(|observed| observed.available_replicas);
        status.pod_template_hash = hash_of(d, template);
        if let Some(hash) = rs.and_then(ReplicaSet::hash) {
            status.pod_template_hash = hash.to_string();
        }
        status.service_name = service_of(d, template).unwrap_or_default();
        if !is_over(&status) && !d.is_ending() {
            stand(d, template, rs, &mut status);
        }
        match d.status.template_statuses.iter_mut().find(|known| known.name == template.name) {
            Some(known) => *known = status,
            None => d.status.template_statuses.push(status),
        }
    }
    d.status.template_statuses.retain(|status| templates.iter().any(|template| template.name == status.name));
}

/// Where the pods of a template stand: all there, on their way, or too late.
fn stand(d: &mut Draft<'_>, template: &TemplateSpec, rs: Option<&ReplicaSet>, status: &mut TemplateStatus) {
    let wanted = replicas(template);
    let there =
        rs.is_some_and(|rs| rs.wanted() == wanted && rs.is_observed() && rs.observed().available_replicas >= wanted);
    if there && is_served(d, template) {
        return enter(d, status, RUNNING, String::new());
    }
    if status.status != PROGRESSING {
        enter(d, status, PROGRESSING, String::new());
    }
    let limit = d.s.experiment.spec.progress_deadline_seconds.unwrap_or(DEADLINE);
    let since = status.last_transition_time.as_ref().map_or(d.s.now, |time| time.0);
    let deadline = time::after(since, SignedDuration::from_secs(i64::from(limit)));
    if deadline <= d.s.now {
        let name = name_of(d, template);
        return enter(d, status, FAILED, format!("ReplicaSet \"{name}\" has timed out progressing."));
    }
    d.wake_at(deadline);
}

/// Whether the Service stands that a template asks for.
fn is_served(d: &Draft<'_>, template: &TemplateSpec) -> bool {
    let own = d.s.experiment.metadata.uid.as_deref();
    service_of(d, template).is_none_or(|name| {
        d.s.services.iter().any(|service| service.target.name == name && service.controller.as_deref() == own)
    })
}

fn enter(d: &mut Draft<'_>, status: &mut TemplateStatus, to: &str, message: String) {
    if status.status == to {
        return;
    }
    d.notes.push(Note::template_moved(&status.name, &status.status, to, &message));
    to.clone_into(&mut status.status);
    status.message = message;
    status.last_transition_time = Some(Time(time::ceil_to_second(d.s.now)));
}

/// Whether the pods of every template are available.
pub(super) fn are_all_running(d: &Draft<'_>) -> bool {
    let statuses = &d.status.template_statuses;
    !statuses.is_empty() && statuses.iter().all(|status| status.status == RUNNING)
}

/// How the experiment ends by its pods, if it does.
pub(super) fn failed(d: &Draft<'_>) -> Option<(Phase, String)> {
    let bad = d.status.template_statuses.iter().find(|status| [FAILED, ERROR].contains(&status.status.as_str()))?;
    let phase = if bad.status == ERROR { Phase::Error } else { Phase::Failed };
    Some((phase, format!("Template '{}' is {}: {}", bad.name, bad.status, bad.message)))
}

/// Every template ends with the experiment.
pub(super) fn end(d: &mut Draft<'_>) {
    let mut statuses = std::mem::take(&mut d.status.template_statuses);
    for status in statuses.iter_mut().filter(|status| !is_over(status)) {
        enter(d, status, SUCCESSFUL, String::new());
    }
    d.status.template_statuses = statuses;
}

/// Creates pods and Services, and takes them away again.
pub(super) fn settle(d: &mut Draft<'_>) {
    let templates = &d.s.experiment.spec.templates;
    for template in templates {
        match find(d, template) {
            Some(rs) if d.is_ending() => drain(d, template, rs),
            Some(rs) => {
                if rs.wanted() != replicas(template) {
                    resize(d, rs, replicas(template));
                }
                serve(d, template, rs);
            }
            None if d.is_ending() => {}
            None => create(d, template),
        }
    }
}

/// The hash of a template's pods. It is that of this experiment and template alone: Services and ReplicaSets of the Rollout, whose pods
/// look the same, must not take them for theirs.
fn hash_of(d: &Draft<'_>, template: &TemplateSpec) -> String {
    let mut pods = identity::clean_template(&template.template);
    if let Some(own) = pods.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        own.remove(labels::POD_TEMPLATE_HASH);
    }
    let mut entries = json!(selector::texts(&pods, "/metadata/annotations"));
    for (key, value) in annotations(d, template).as_object().into_iter().flatten() {
        entries[key] = value.clone();
    }
    pods["metadata"]["annotations"] = entries;
    identity::pod_template_hash(&pods, None).to_string()
}

pub(super) fn owner(d: &Draft<'_>) -> OwnerReference {
    let metadata = &d.s.experiment.metadata;
    OwnerReference {
        api_version: API_VERSION.to_owned(),
        kind: "Experiment".to_owned(),
        name: metadata.name.clone().unwrap_or_default(),
        uid: metadata.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// What an experiment's objects say of where they come from.
fn annotations(d: &Draft<'_>, template: &TemplateSpec) -> Value {
    json!({
        labels::EXPERIMENT_NAME: d.s.experiment.metadata.name,
        labels::EXPERIMENT_TEMPLATE: template.name,
    })
}

fn create(d: &mut Draft<'_>, template: &TemplateSpec) {
    let (name, hash) = (name_of(d, template), hash_of(d, template));
    let mut pods = identity::clean_template(&template.template);
    let mut own = selector::texts(&pods, "/metadata/labels");
    own.insert(labels::POD_TEMPLATE_HASH.to_owned(), hash.clone());
    pods["metadata"]["labels"] = json!(own);
    let mut selects = template
        .selector
        .clone()
        .unwrap_or_else(|| LabelSelector { match_labels: Some(own.clone()), ..LabelSelector::default() });
    selects.match_labels.get_or_insert_default().insert(labels::POD_TEMPLATE_HASH.to_owned(), hash.clone());
    let size = replicas(template);
    let mut rs = ReplicaSet::named(&name);
    rs.metadata = ObjectMeta {
        name: Some(name.clone()),
        namespace: d.s.experiment.metadata.namespace.clone(),
        labels: Some([(labels::POD_TEMPLATE_HASH.to_owned(), hash)].into()),
        annotations: serde_json::from_value(annotations(d, template)).ok(),
        owner_references: Some(vec![owner(d)]),
        ..ObjectMeta::default()
    };
    rs.spec.replicas = Some(size);
    rs.spec.min_ready_seconds = template.min_ready_seconds;
    rs.spec.selector = selects;
    rs.spec.template = pods;
    let creation = Effect::CreateReplicaSet(Box::new(rs));
    let taken = d.s.refusals.iter().find(|refusal| refusal.key == creation.key() && refusal.name_taken);
    if let Some(taken) = taken {
        let error = taken.error.clone();
        return spoil(d, template, error);
    }
    d.plan(creation, vec![Note::experiment_scaled(&name, 0, size)]);
}

/// A template that can never run.
fn spoil(d: &mut Draft<'_>, template: &TemplateSpec, why: String) {
    let mut statuses = std::mem::take(&mut d.status.template_statuses);
    if let Some(status) = statuses.iter_mut().find(|status| status.name == template.name && !is_over(status)) {
        enter(d, status, ERROR, why);
    }
    d.status.template_statuses = statuses;
    // What follows from it is decided at the next look.
    d.wake_at(d.s.now);
}

fn resize(d: &mut Draft<'_>, rs: &ReplicaSet, to: i32) {
    let from = rs.wanted();
    let patch = ReplicaSetPatch { replicas: Some(Change { from, to }), ..ReplicaSetPatch::of(rs) };
    d.plan(Effect::PatchReplicaSet(patch), vec![Note::experiment_scaled(rs.name(), from, to)]);
}

/// Puts a Service in front of the pods, where one is asked for.
fn serve(d: &mut Draft<'_>, template: &TemplateSpec, rs: &ReplicaSet) {
    let Some(name) = service_of(d, template) else { return };
    let own = d.s.experiment.metadata.uid.as_deref().unwrap_or_default();
    match d.s.services.iter().find(|service| service.target.name == name) {
        Some(service) if service.controller.as_deref() == Some(own) => {}
        Some(_) => spoil(d, template, format!("Service \"{name}\" exists and belongs to somebody else")),
        None => {
            let ports = ports(&rs.spec.template);
            if ports.is_empty() {
                let why = format!("Service \"{name}\" has no port: no container of the template names one");
                return spoil(d, template, why);
            }
            let annotations = annotations(d, template);
            let service = json!({
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": { "name": name, "annotations": annotations, "ownerReferences": [owner(d)] },
                "spec": { "selector": rs.spec.selector.match_labels, "ports": ports },
            });
            d.plan(Effect::CreateService(Box::new(service)), Vec::new());
        }
    }
}

/// The ports of a template's containers, as those of a Service.
fn ports(template: &Value) -> Vec<Value> {
    let containers = template["spec"]["containers"].as_array().into_iter().flatten();
    let all = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let mut ports: Vec<Value> = Vec::new();
    for port in all {
        let (number, protocol) = (&port["containerPort"], port["protocol"].as_str().unwrap_or("TCP"));
        let known = ports.iter().any(|known| known["port"] == *number && known["protocol"] == protocol);
        if number.is_null() || known {
            continue;
        }
        let is_new = |name: &&str| ports.iter().all(|known| known["name"] != **name);
        let name = port["name"].as_str().filter(is_new).map_or_else(|| format!("port-{number}"), str::to_owned);
        ports.push(json!({ "name": name, "port": number, "targetPort": number, "protocol": protocol }));
    }
    ports
}

/// Takes pods away after their delay, and not while requests may still go there; then the Service.
fn drain(d: &mut Draft<'_>, template: &TemplateSpec, rs: &ReplicaSet) {
    let ended = d.status.template_statuses.iter().find(|status| status.name == template.name);
    let ended = ended.filter(|status| is_over(status)).and_then(|status| status.last_transition_time.as_ref());
    let due = time::after(ended.map_or(d.s.now, |time| time.0), scale_down_delay(&d.s.experiment));
    if rs.wanted() > 0 {
        if due > d.s.now {
            d.wake_at(due);
        } else if !d.s.is_routed {
            resize(d, rs, 0);
        }
        return;
    }
    let own = d.s.experiment.metadata.uid.as_deref().unwrap_or_default();
    let name = service_of(d, template);
    let service = d.s.services.iter().find(|service| Some(&service.target.name) == name.as_ref());
    if let Some(service) =
        service.filter(|service| service.controller.as_deref() == Some(own) && rs.observed().replicas == 0)
    {
        d.plan(Effect::DeleteService(service.target.clone()), Vec::new());
    }
}
