//! Changing: create and replace.

use super::decode::{self, Decoded};
use super::{Answer, Request};
use crate::refusal::Refusal;
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
    let Decoded { object, warnings } = decode::object(request)?;
    let made = sandbox.with(|state| write::create(state, &call(request), object))?;
    Ok(Answer::Json(201, request.form.object(&made), warnings))
}

/// PUT: the whole object.
pub fn replace(sandbox: &Sandbox, request: &Request) -> Result<Answer, Refusal> {
    let Decoded { object, warnings } = decode::object(request)?;
    let name = request.path.name.as_deref().unwrap_or_default();
    let written = sandbox.with(|state| write::replace(state, &call(request), name, object))?;
    Ok(Answer::Json(200, request.form.object(&written), warnings))
}
