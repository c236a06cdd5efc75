//! Session affinity of a `VirtualService`: the canary's destination sets the cookie, and a route sends requests with it there.

use serde_json::{Value, json};

use super::super::cookie::{Cookie, sets};
use super::ends::{self, Ends, Role};
use super::matches;

const SET_COOKIE: &str = "Set-Cookie";

/// The route by which requests with the cookie go to the canary.
///
/// # Errors
/// Says which conditions cannot be combined.
pub(super) fn route(cookie: &Cookie<'_>, name: &str, source: &Value, ends: &Ends) -> Result<Option<Value>, String> {
    let canary = ends::entries(source).iter().find(|entry| ends.role(entry) == Some(Role::Canary));
    let to = canary.map_or(Value::Null, |entry| entry["destination"].clone());
    let conditions = matches::with_headers(source, &[cookie.among()])?;
    let mut made = source.clone();
    made["name"] = json!(name);
    made["match"] = json!(conditions);
    made["route"] = json!([{ "destination": to, "weight": 100 }]);
    Ok((!conditions.is_empty()).then_some(made))
}

/// Has the canary's destination add the cookie to its answers. `was` is the name of the cookie so far.
pub(super) fn mark(cookie: Option<&Cookie<'_>>, was: Option<&str>, route: &mut Value, ends: &Ends) {
    for entry in route["route"].as_array_mut().into_iter().flatten() {
        if let Some(was) = was {
            take_away(entry, was);
        }
        if let Some(cookie) = cookie.filter(|_| ends.role(entry) == Some(Role::Canary)) {
            entry["headers"]["response"]["add"][SET_COOKIE] = json!(cookie.set());
        }
    }
}

/// Takes the cookie away, and the maps that it was alone in.
fn take_away(entry: &mut Value, name: &str) {
    let path = ["headers", "response", "add"];
    let added = entry.pointer("/headers/response/add").and_then(|add| add[SET_COOKIE].as_str());
    if !added.is_some_and(|value| sets(value, name)) {
        return;
    }
    if let Some(add) = entry.pointer_mut("/headers/response/add").and_then(Value::as_object_mut) {
        add.remove(SET_COOKIE);
    }
    for depth in (0..path.len()).rev() {
        let parent = path[..depth].iter().try_fold(&mut *entry, |parent, key| parent.get_mut(*key));
        let Some(parent) = parent.and_then(Value::as_object_mut) else { return };
        if parent.get(path[depth]).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty) {
            parent.remove(path[depth]);
        }
    }
}
