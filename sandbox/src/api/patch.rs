//! PATCH: the four ways to change some of an object.

use std::sync::Arc;

use serde_json::{Value, json};

use super::access::{self, Action};
use super::change::call;
use super::user::User;
use super::{Answer, Request, decode, finalizers, shown, syntax};
use crate::fields;
use crate::object;
use crate::patch::{self, PatchError};
use crate::refusal::{Cause, Refusal};
use crate::resource::Resource;
use crate::schema;
use crate::state::{Sandbox, State};
use crate::write::{self, Call, Part};

/// Answers a PATCH.
pub fn answer(sandbox: &Sandbox, request: &Request, user: &User) -> Result<Answer, Refusal> {
    let resource = &request.resource;
    let way = match request.content_type.as_str() {
        "application/apply-patch+yaml" => return applied(sandbox, request, user),
        "application/json-patch+json" => Way::Json,
        "application/merge-patch+json" => Way::Merge,
        "application/strategic-merge-patch+json" if !resource.is_custom() => Way::Strategic,
        _ if !resource.is_custom() && !request.content_type.contains("patch") => {
            let message = "415: Unsupported Media Type";
            return Err(Refusal::with(415, "UnsupportedMediaType", message, json!({})));
        }
        _ => return Err(Refusal::unsupported_media_type(&accepted(resource))),
    };
    let (given, duplicates) = body(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let mut warnings = Vec::new();
    let written = sandbox.with(|state| {
        write::update(state, &call(request), name, |current| {
            let (patched, found) = way.patched(request, current, &given, duplicates)?;
            warnings = found;
            warnings.extend(finalizers::warnings(resource, &patched, Some(current)));
            Ok(patched)
        })
    })?;
    Ok(Answer::Json(200, request.form.object(&written), warnings))
}

/// The body of a patch, and what it says twice.
pub fn body(request: &Request) -> Result<(Value, Vec<String>), Refusal> {
    let wrong = |error: String| Refusal::bad_request(format!("error decoding patch: {error}"));
    let read = syntax::check(&request.body).map_err(wrong)?;
    let value = serde_json::from_slice(&request.body).map_err(|error| wrong(error.to_string()))?;
    Ok((value, read.duplicates))
}

/// The body of an apply.
pub fn yaml_body(request: &Request) -> Result<Value, Refusal> {
    decode::yaml(&request.body).map_err(|error| {
        Refusal::bad_request(format!("error decoding YAML: error converting YAML to JSON: yaml: {error}"))
    })
}

fn accepted(resource: &Resource) -> String {
    let all = [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ];
    all.into_iter().filter(|kind| !(resource.is_custom() && kind.contains("strategic"))).collect::<Vec<_>>().join(", ")
}

#[derive(Clone, Copy)]
enum Way {
    Json,
    Merge,
    Strategic,
}

impl Way {
    /// What a patch makes of an object, with warnings.
    fn patched(
        self,
        request: &Request,
        current: &Value,
        given: &Value,
        duplicates: Vec<String>,
    ) -> Result<(Value, Vec<String>), Refusal> {
        let patched = match self {
            Way::Json => patch::json(current, given),
            Way::Merge => patch::merge(current, given),
            Way::Strategic => {
                let schema = request.resource.schema().ok_or_else(Refusal::no_such_path)?;
                let patched = patch::strategic(&schema, current, given).map_err(refused)?;
                match schema::conversion_error(&schema, &patched) {
                    Some(error) => Err(PatchError::undecodable_strategic(given, &error)),
                    None => Ok(patched),
                }
            }
        };
        let mut patched = patched.map_err(refused)?;
        same_object(request, current, &patched)?;
        let text = match self {
            Way::Strategic => String::new(),
            // No Go type orders the fields of a custom resource.
            Way::Json | Way::Merge if request.resource.is_custom() => patched.to_string(),
            Way::Json | Way::Merge => shown::in_gos_order(&patched),
        };
        let cannot = |why: &str| match self {
            Way::Strategic => refused(PatchError::undecodable_strategic(given, why)),
            Way::Json | Way::Merge => refused(PatchError::undecodable(&text, why)),
        };
        let warnings = decode::shape(request, &mut patched, duplicates, cannot)?;
        Ok((patched, warnings))
    }
}

/// A patch cannot make another object of one.
fn same_object(request: &Request, current: &Value, patched: &Value) -> Result<(), Refusal> {
    let (name, given) = (object::name(current), object::name(patched));
    if given != name {
        return Err(write::another_name(given, name));
    }
    let uid = object::uid(patched);
    if !uid.is_empty() && uid != object::uid(current) {
        let cause = Cause::invalid("metadata.uid", &json!(uid), "field is immutable");
        return Err(Refusal::invalid(&request.resource, name, &[cause.clone(), cause]));
    }
    Ok(())
}

/// A patch that does not apply, as a refusal.
pub fn refused(error: PatchError) -> Refusal {
    let causes: Vec<Value> = error.causes.iter().map(Cause::to_json).collect();
    let details = match error.code {
        _ if !causes.is_empty() => json!({ "causes": causes }),
        422 => json!({}),
        _ => Value::Null,
    };
    Refusal::with(error.code, error.reason, error.message, details)
}

/// Server-side apply, which also makes what is not there, for those who may.
fn applied(sandbox: &Sandbox, request: &Request, user: &User) -> Result<Answer, Refusal> {
    let resource = &request.resource;
    let applied = yaml_body(request)?;
    let text = |field: &str| applied[field].as_str().unwrap_or_default();
    if text("apiVersion") != resource.api_version() || text("kind") != resource.kind {
        let (group, version) = text("apiVersion").split_once('/').unwrap_or(("", text("apiVersion")));
        return Err(Refusal::bad_request(format!("invalid object type: {group}/{version}, Kind={}", text("kind"))));
    }
    let name = request.path.name.as_deref().unwrap_or_default();
    let given = object::name(&applied).to_owned();
    if !given.is_empty() && given != name {
        return Err(write::another_name(&given, name));
    }
    sandbox.with(|state| {
        let call = Call { managed: true, ..call(request) };
        let live = state.store.get(&resource.key, request.namespace(), name);
        let code = if live.is_some() { 200 } else { 201 };
        let warnings = finalizers::warnings(resource, &applied, live.map(|live| &**live));
        let written = if code == 200 {
            change(state, &call, request, name, &applied)?
        } else {
            let patch = Action::on_resource(&request.method, &request.path, &request.query);
            access::check(state, user, &Action { verb: "create".into(), ..patch })?;
            make(state, &call, request, name, &applied)?
        };
        Ok(Answer::Json(code, request.form.object(&written), warnings))
    })
}

/// What applying this to a live object leads to.
pub fn merged(
    request: &Request,
    live: Option<&Value>,
    applied: &Value,
    writer: &fields::Manager,
) -> Result<Value, Refusal> {
    let schema = request.resource.schema().ok_or_else(Refusal::no_such_path)?;
    let force = request.query.is_set("force");
    let mut merged = fields::apply(&schema, live, applied, writer, force).map_err(refused)?;
    schema::prune(&schema, &mut merged);
    schema::tidy(&schema, &mut merged);
    Ok(merged)
}

fn change(
    state: &mut State,
    call: &Call<'_>,
    request: &Request,
    name: &str,
    applied: &Value,
) -> Result<Arc<Value>, Refusal> {
    let writer = write::shape::manager(state, call);
    write::update(state, call, name, |current| merged(request, Some(current), applied, &writer))
}

fn make(
    state: &mut State,
    call: &Call<'_>,
    request: &Request,
    name: &str,
    applied: &Value,
) -> Result<Arc<Value>, Refusal> {
    if call.part != Part::Main {
        return Err(Refusal::not_found(call.resource, name));
    }
    let mut new = merged(request, None, applied, &write::shape::manager(state, call))?;
    write::map(&mut new, "metadata").insert("name".into(), json!(name));
    write::create(state, call, new)
}
