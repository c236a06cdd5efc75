//! Subresources other than the status: scale and eviction.

use std::sync::Arc;

use serde_json::{Value, json};

use super::patch::{self as patching, refused};
use super::{Answer, Request};
use super::{change, decode, delete};
use crate::object;
use crate::patch;
use crate::refusal::{Cause, Refusal};
use crate::resource::{Resource, Scale};
use crate::scale;
use crate::state::{Sandbox, State};
use crate::write::{self, Call, Part};

/// Answers a request for a subresource.
pub fn answer(sandbox: &Sandbox, request: &Request, subresource: &str) -> Result<Answer, Refusal> {
    match (subresource, &request.resource.scale, request.method.as_str()) {
        ("scale", Some(paths), "GET") => sandbox.with(|state| {
            let object = find(state, request)?;
            scale::check_sized(&request.resource, paths, &object)?;
            Ok(Answer::ok(scale::shown(&request.resource, paths, &object)))
        }),
        ("scale", Some(paths), "PUT" | "PATCH") => rescale(sandbox, request, paths),
        ("eviction", _, "POST") if *request.resource.key == *"pods" => evict(sandbox, request),
        ("log", _, "GET") if *request.resource.key == *"pods" => {
            sandbox.with(|state| find(state, request))?;
            let message = "the sandbox runs no containers, so its pods have no logs";
            Err(Refusal::with(501, "NotImplemented", message, Value::Null))
        }
        ("binding", _, "POST") if *request.resource.key == *"pods" => bind(sandbox, request),
        ("scale", Some(_), _) => Err(Refusal::method_not_allowed()),
        ("eviction" | "log" | "binding", ..) if *request.resource.key == *"pods" => Err(Refusal::method_not_allowed()),
        _ => Err(Refusal::no_such_path()),
    }
}

fn find(state: &State, request: &Request) -> Result<Arc<Value>, Refusal> {
    let name = request.path.name.as_deref().unwrap_or_default();
    let found = state.store.get(&request.resource.key, request.namespace(), name);
    found.cloned().ok_or_else(|| Refusal::not_found(&request.resource, name))
}

fn rescale(sandbox: &Sandbox, request: &Request, paths: &Scale) -> Result<Answer, Refusal> {
    let resource = &request.resource;
    let name = request.path.name.as_deref().unwrap_or_default();
    let applies = request.content_type == "application/apply-patch+yaml";
    let given = match request.method.as_str() {
        "PUT" => decode::value(request)?,
        _ if applies => patching::yaml_body(request)?,
        _ => patching::body(request)?.0,
    };
    let call = Call { part: Part::Scale, managed: applies, ..change::call(request) };
    let written = sandbox.with(|state| {
        let writer = write::shape::manager(state, &call);
        write::update(state, &call, name, |current| {
            let shown = scale::shown(resource, paths, current);
            let wanted = match (request.method.as_str(), request.content_type.as_str()) {
                ("PUT", _) => given,
                _ if applies => {
                    return patching::merged(request, Some(current), &sized_by(resource, paths, &given)?, &writer);
                }
                (_, "application/json-patch+json") => patch::json(&shown, &given).map_err(refused)?,
                _ => patch::merge(&shown, &given).map_err(refused)?,
            };
            let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
            if replicas < 0 {
                return Err(negative(name, replicas));
            }
            let mut new = current.clone();
            if let Some(version) = wanted["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty())
            {
                new["metadata"]["resourceVersion"] = json!(version);
            }
            scale::set(&mut new, &paths.spec_replicas, json!(replicas))?;
            Ok(new)
        })
    })?;
    Ok(Answer::ok(scale::shown(resource, paths, &written)))
}

/// What applying a Scale means for the object that is scaled.
fn sized_by(resource: &Resource, paths: &Scale, scale: &Value) -> Result<Value, Refusal> {
    let mut applied = json!({ "apiVersion": resource.api_version(), "kind": resource.kind });
    scale::set(&mut applied, &paths.spec_replicas, json!(scale["spec"]["replicas"].as_i64().unwrap_or(0)))?;
    Ok(applied)
}

fn negative(name: &str, replicas: i64) -> Refusal {
    let cause = Cause::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
    let message = format!("Scale.autoscaling {name:?} is invalid: spec.replicas: {}", cause.message);
    let details = json!({ "name": name, "group": "autoscaling", "kind": "Scale", "causes": [cause.to_json()] });
    Refusal::with(422, "Invalid", message, details)
}

/// Gives a pod to a node.
fn bind(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let binding = decode::value(request)?;
    let node = binding["target"]["name"].as_str().unwrap_or_default();
    sandbox.with(|state| {
        let pod = find(state, request)?;
        let name = object::name(&pod);
        if let Some(at) = pod["spec"]["nodeName"].as_str().filter(|node| !node.is_empty()) {
            let why = format!("pod {name} is already assigned to node {at:?}");
            let message = format!("Operation cannot be fulfilled on pods/binding {name:?}: {why}");
            let details = json!({ "name": name, "kind": "pods/binding" });
            return Err(Refusal::with(409, "Conflict", message, details));
        }
        let scheduled = json!({
            "type": "PodScheduled", "status": "True", "lastProbeTime": null,
            "lastTransitionTime": object::time(state.now),
        });
        write::bind(state, &change::call(request), name, node, scheduled)?;
        let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
        Ok(Answer::Json(201, status, Vec::new()))
    })
}

/// Deletes a pod, unless a disruption budget needs it.
fn evict(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let eviction = decode::value(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let (mut options, dry_run) = delete::options_of(&eviction["deleteOptions"])?;
    options.propagation = None;
    sandbox.with(|state| {
        let pod = find(state, request)?;
        let call = Call { dry_run: dry_run || change::call(request).dry_run, ..change::call(request) };
        // A pod that has not started or has ended serves nobody.
        let counts = pod["status"]["phase"] == "Running" && !object::is_deleting(&pod);
        if counts {
            disrupt(state, &pod, call.dry_run)?;
        }
        write::delete(state, &call, name, &options)?;
        let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
        Ok(Answer::Json(201, status, Vec::new()))
    })
}

/// Takes one disruption from the budgets that a pod counts for.
fn disrupt(state: &mut State, pod: &Value, dry_run: bool) -> Result<(), Refusal> {
    let labels = object::labels(pod);
    let namespace = object::namespace(pod);
    let budgets = state.store.list("poddisruptionbudgets.policy", Some(namespace));
    let concerned: Vec<Arc<Value>> =
        budgets.filter(|budget| object::selects(&budget["spec"]["selector"], &labels)).cloned().collect();
    let [budget] = &concerned[..] else {
        if concerned.is_empty() {
            return Ok(());
        }
        let message =
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(Refusal::with(500, "InternalError", message, Value::Null));
    };
    let ready = object::condition(pod, "Ready").is_some_and(|condition| condition["status"] == "True");
    let healthy = budget["status"]["currentHealthy"].as_i64() >= budget["status"]["desiredHealthy"].as_i64();
    if !ready && (healthy || budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow") {
        return Ok(());
    }
    let allowed = budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0);
    if allowed <= 0 {
        let (needs, has) =
            (scale::size(budget, "/status/desiredHealthy"), scale::size(budget, "/status/currentHealthy"));
        let name = object::name(budget);
        let cause = format!("The disruption budget {name} needs {needs} healthy pods and has {has} currently");
        let details = json!({ "causes": [{ "reason": "DisruptionBudget", "message": cause }] });
        let message = "Cannot evict pod as it would violate the pod's disruption budget.";
        return Err(Refusal::too_many_requests(message, details));
    }
    let resource = state.registry.known("poddisruptionbudgets.policy");
    let call = Call { dry_run, ..Call::new(&resource, namespace, "kube-apiserver").status() };
    write::update(state, &call, object::name(budget), |current| {
        let mut new = current.clone();
        new["status"]["disruptionsAllowed"] = json!(allowed - 1);
        Ok(new)
    })?;
    Ok(())
}
