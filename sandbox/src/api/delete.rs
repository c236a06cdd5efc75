//! DELETE: of one object, or of all that are selected.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Answer, Request, change, decode, options as queried};
use crate::object;
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;
use crate::state::Sandbox;
use crate::write::delete::{Deleted, orphans};
use crate::write::{self, Call, DeleteOptions, Propagation};

fn call(request: &Request, dry_run: bool) -> Call<'_> {
    let call = change::call(request);
    Call { dry_run: call.dry_run || dry_run, ..call }
}

/// DELETE of one object.
pub fn one(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let (options, dry_run) = options(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let deleted = sandbox.with(|state| write::delete(state, &call(request, dry_run), name, &options))?;
    let answer = Answer::ok(match deleted {
        Deleted::Marked(object) => request.form.object(&object),
        Deleted::Gone(object) if returns_deleted(&request.resource) => request.form.object(&object),
        Deleted::Gone(object) => success(&request.resource, &object),
    });
    Ok(warned(answer, request, &options))
}

/// An answer that tells who deletes Jobs that their pods stay.
fn warned(mut answer: Answer, request: &Request, options: &DeleteOptions) -> Answer {
    if let Answer::Json(_, _, warnings) = &mut answer
        && orphans(&request.resource, options)
    {
        warnings.push(
            "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or \
             set propagationPolicy=Orphan to suppress this warning"
                .to_owned(),
        );
    }
    answer
}

/// Resources whose deletion answers with the object instead of a Status.
fn returns_deleted(resource: &Resource) -> bool {
    ["pods", "services", "serviceaccounts", "resourcequotas", "limitranges", "podtemplates", "persistentvolumeclaims"]
        .contains(&&*resource.key)
}

fn success(resource: &Resource, object: &Value) -> Value {
    let mut details = json!({ "name": object::name(object), "kind": resource.plural, "uid": object::uid(object) });
    if !resource.group.is_empty() {
        details["group"] = json!(resource.group);
    }
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details })
}

/// DELETE of all objects that are selected.
pub fn collection(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let (options, dry_run) = options(request)?;
    let query = &request.query;
    let selection =
        crate::selector::Selection::parse(&request.resource, query.get("labelSelector"), query.get("fieldSelector"))?;
    sandbox.with(|state| {
        let objects = state.store.list(&request.resource.key, request.path.namespace.as_deref());
        let selected: Vec<Arc<Value>> = objects.filter(|object| selection.matches(object)).cloned().collect();
        for object in &selected {
            let call = Call { namespace: object::namespace(object), ..call(request, dry_run) };
            write::delete(state, &call, object::name(object), &options)?;
        }
        let items: Vec<&Value> = selected.iter().map(AsRef::as_ref).collect();
        let metadata = json!({ "resourceVersion": state.store.version().to_string() });
        let answer = Answer::ok(request.form.list(&request.resource, &items, &metadata, state.now));
        Ok(warned(answer, request, &options))
    })
}

/// From the body, or else from the query; and whether it is only tried.
pub fn options(request: &Request) -> Result<(DeleteOptions, bool), Refusal> {
    if request.body.is_empty() {
        let query = &request.query;
        let grace = query.number("gracePeriodSeconds")?.and_then(|seconds| i64::try_from(seconds).ok());
        let propagation = propagation(
            query.get("propagationPolicy"),
            query.has("orphanDependents").then(|| query.is_set("orphanDependents")),
        )?;
        return Ok((DeleteOptions { propagation, grace, ..DeleteOptions::default() }, query.has("dryRun")));
    }
    options_of(&decode::options(request)?)
}

/// `DeleteOptions` as an object.
pub fn options_of(body: &Value) -> Result<(DeleteOptions, bool), Refusal> {
    let (kind, version) = (body["kind"].as_str().unwrap_or_default(), body["apiVersion"].as_str().unwrap_or_default());
    if !["", "DeleteOptions"].contains(&kind) {
        let message =
            format!("no kind {kind:?} is registered for version {version:?} in scheme \"pkg/runtime/scheme.go:110\"");
        return Err(Refusal::with(500, "", message, Value::Null));
    }
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let policy = text("/propagationPolicy").unwrap_or_default();
    let options = DeleteOptions {
        propagation: propagation(&policy, body["orphanDependents"].as_bool())?,
        uid: text("/preconditions/uid"),
        resource_version: text("/preconditions/resourceVersion"),
        grace: body["gracePeriodSeconds"].as_i64(),
    };
    Ok((options, body["dryRun"].as_array().is_some_and(|asked| !asked.is_empty())))
}

fn propagation(policy: &str, orphans: Option<bool>) -> Result<Option<Propagation>, Refusal> {
    Ok(match (policy, orphans) {
        ("Background", _) | ("", Some(false)) => Some(Propagation::Background),
        ("Foreground", _) => Some(Propagation::Foreground),
        ("Orphan", _) | ("", Some(true)) => Some(Propagation::Orphan),
        ("", None) => None,
        (other, _) => {
            let allowed = ["Foreground", "Background", "Orphan", "nil"];
            let cause = Cause::not_supported("propagationPolicy", &json!(other), &allowed);
            queried::invalid("DeleteOptions", &[cause])?;
            None
        }
    })
}
