//! Which request goes where.

use bytes::Bytes;
use http::{HeaderMap, header};

use super::access::{self, Action};
use super::path::{Path, Query};
use super::present::Form;
use super::user::User;
use super::{Answer, Request, accept, change, decode, delete, discovery, impersonate, options, patch, read};
use super::{review, subresource, token_request};
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::state::Sandbox;

/// Answers a request.
pub fn answer(sandbox: &Sandbox, parts: &http::request::Parts, body: Bytes) -> Result<Answer, Refusal> {
    let path = parts.uri.path();
    if let Some(answer) = impersonate::of_nobody(&parts.headers, path) {
        return Ok(answer);
    }
    let named = Path::parse(path);
    let query = Query::parse(parts.uri.query().unwrap_or_default());
    let action = match &named {
        Some(named) => Action::on_resource(&parts.method, named, &query),
        None => Action::on_path(&parts.method, path),
    };
    // Who has not said who they are, within the process, is the administrator.
    let sender = parts.extensions.get().cloned().unwrap_or_else(User::admin);
    let (user, resource) = sandbox.with(|state| {
        let user = impersonate::judged_as(state, sender, &parts.headers)?;
        access::check(state, &user, &action)?;
        let found = named.as_ref().and_then(|Path { group, version, plural, .. }| {
            let stored = state.registry.find(group, version, plural);
            stored.or_else(|| state.registry.question(group, version, plural)).cloned()
        });
        Ok((user, found))
    })?;
    let (Some(named), Some(resource)) = (named, resource) else { return elsewhere(sandbox, path, &parts.headers) };
    if named.namespace.is_some() && !resource.namespaced {
        return Err(Refusal::no_such_path());
    }
    let manager = match query.get("fieldManager") {
        "" => default_manager(&parts.headers),
        named => named.to_owned(),
    };
    let header =
        |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = decode::media_type(header(header::CONTENT_TYPE)).to_owned();
    let lists = parts.method == "GET" && named.name.is_none() && !named.watch && !query.is_set("watch");
    accept::check(header(header::ACCEPT), &resource, lists)?;
    let form = Form::accepted(header(header::ACCEPT), query.get("includeObject"));
    let request =
        Request { method: parts.method.clone(), resource, path: named, query, content_type, manager, form, body };
    dispatch(sandbox, request, &user)
}

/// What is no resource. Where no built-in group is meant, there is not even a Status.
fn elsewhere(sandbox: &Sandbox, path: &str, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let answer = discovery::answer(sandbox, path, headers);
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let is_known = match (segments.next(), segments.next()) {
        (Some("api" | "openapi"), _) => true,
        (Some("apis"), Some(group)) => {
            sandbox.with(|state| state.registry.iter().any(|known| known.group == group && !known.is_custom()))
        }
        _ => false,
    };
    match answer {
        Err(refusal) if refusal.code == 404 && !is_known => Ok(Answer::NoPage),
        answer => answer,
    }
}

fn dispatch(sandbox: &Sandbox, request: Request, user: &User) -> Result<Answer, Refusal> {
    options::check(&request)?;
    match (request.method.as_str(), &*request.resource.key, request.path.subresource.as_deref()) {
        _ if request.resource.question => review::answer(sandbox, &request, user),
        ("POST", "serviceaccounts", Some("token")) => token_request::answer(sandbox, request),
        (_, "serviceaccounts", Some("token")) => Err(Refusal::method_not_allowed()),
        _ => stored(sandbox, &request, user),
    }
}

/// Requests for what is stored.
fn stored(sandbox: &Sandbox, request: &Request, user: &User) -> Result<Answer, Refusal> {
    let (resource, named) = (&request.resource, request.path.name.is_some());
    if resource.is_custom()
        && let Some(answer) = custom(request)
    {
        return answer;
    }
    if let Some(subresource) = request.path.subresource.as_deref().filter(|subresource| *subresource != "status") {
        return subresource::answer(sandbox, request, subresource);
    }
    if request.path.subresource.is_some() && !resource.status {
        return Err(Refusal::no_such_path());
    }
    match (request.method.as_str(), named) {
        ("GET", _) if request.path.watch => read::watch(sandbox, request),
        ("GET", false) if request.query.is_set("watch") => read::watch(sandbox, request),
        ("GET", false) => read::list(sandbox, request),
        ("GET", true) => read::get(sandbox, request),
        ("POST", false) => change::create(sandbox, request),
        ("PUT", true) => change::replace(sandbox, request),
        ("PATCH", true) => patch::answer(sandbox, request, user),
        ("DELETE", true) if request.path.subresource.is_none() => delete::one(sandbox, request),
        ("DELETE", false) if *resource.key != *"namespaces" => delete::collection(sandbox, request),
        _ => Err(Refusal::method_not_allowed()),
    }
}

/// What a custom resource answers differently: behind one path there is one handler for all methods.
fn custom(request: &Request) -> Option<Result<Answer, Refusal>> {
    let (resource, path) = (&request.resource, &request.path);
    if resource.namespaced && path.namespace.is_none() && (path.name.is_some() || request.method != "GET") {
        return Some(Ok(Answer::NoPage));
    }
    let name = path.name.as_deref().unwrap_or_default();
    match (request.method.as_str(), path.subresource.as_deref()) {
        (_, Some(subresource)) if !has(resource, subresource) => Some(Err(Refusal::not_found(resource, name))),
        ("POST", None) if path.name.is_some() => {
            Some(Err(decode::object(request).err().unwrap_or_else(Refusal::method_not_allowed)))
        }
        ("PUT" | "PATCH", None) if path.name.is_none() => Some(Err(Refusal::bad_request("name must be provided"))),
        ("DELETE", Some(_)) => Some(Err(Refusal::not_supported(resource, "delete"))),
        ("POST", Some(_)) => Some(Err(Refusal::not_supported(resource, "create"))),
        _ => None,
    }
}

fn has(resource: &Resource, subresource: &str) -> bool {
    match subresource {
        "status" => resource.status,
        "scale" => resource.scale.is_some(),
        _ => false,
    }
}

/// Without `fieldManager`, the program's name in its `User-Agent` counts.
fn default_manager(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = agent.split('/').next().unwrap_or_default();
    if name.is_empty() { "unknown".to_owned() } else { name.chars().take(128).collect() }
}
