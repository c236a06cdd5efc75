//! Changing: create and replace.

use super::decode::{self, Decoded};
use super::{Answer, Request, finalizers};
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::Sandbox;
use crate::write::{self, Call, Part};

/// How a request writes.
pub fn call(request: &Request) -> Call<'_> {
    let part = match request.path.subresource.as_deref() {
        Some("status") => Part::Status,
        Some("finalize") => Part::Finalizers,
        _ => Part::Main,
    };
    let dry_run = request.query.has("dryRun");
    Call { part, dry_run, trusted: false, ..Call::new(&request.resource, request.namespace(), &request.manager) }
}

/// POST: a new object.
pub fn create(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    if request.resource.namespaced && request.path.namespace.is_none() {
        return Err(Refusal::method_not_allowed());
    }
    let Decoded { object, mut warnings } = decode::object(request)?;
    warnings.extend(finalizers::warnings(&request.resource, &object, None));
    match sandbox.with(|state| write::create(state, &call(request), object)) {
        Ok(made) => Ok(Answer::Json(201, request.form.object(&made), warnings)),
        Err(refusal) => Err(refusal.warning(warnings)),
    }
}

/// PUT: the whole object. Some kinds are also made this way.
pub fn replace(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let Decoded { object, mut warnings } = decode::object(request)?;
    let (resource, call) = (&request.resource, call(request));
    let name = request.path.name.as_deref().unwrap_or_default();
    let written = sandbox.with(|state| {
        let before = state.store.get(&resource.key, request.namespace(), name);
        warnings.extend(finalizers::warnings(resource, &object, before.map(|before| &**before)));
        let is_there = before.is_some();
        if is_there || call.part != Part::Main || !is_made_by_put(resource) {
            return write::replace(state, &call, name, object).map(|written| (200, written));
        }
        write::is_named(&object, name)?;
        write::create(state, &call, object).map(|made| (201, made))
    });
    match written {
        Ok((code, written)) => Ok(Answer::Json(code, request.form.object(&written), warnings)),
        Err(refusal) => Err(refusal.warning(warnings)),
    }
}

fn is_made_by_put(resource: &Resource) -> bool {
    ["leases", "events", "endpoints", "limitranges"].contains(&resource.plural.as_str())
        || resource.group == "rbac.authorization.k8s.io"
}
