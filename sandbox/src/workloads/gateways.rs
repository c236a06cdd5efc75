//! The controller of gateways: it accepts classes, Gateways and `HTTPRoutes`, and says which generation of them it has taken up.
//!
//! It plays the controller of every `GatewayClass`. A Gateway without a class, and a route whose parents are not there, are nobody's,
//! and get no status, as in a cluster.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Task;
use crate::object;
use crate::read::{at, items, text};
use crate::state::State;
use crate::traffic::gateway::{GROUP, attach, class, parent};
use crate::traffic::http_route::unresolved;
use crate::traffic::objects::Objects;
use crate::write::{self, Call};

/// The resource of routes.
pub const ROUTES: &str = "httproutes.gateway.networking.k8s.io";
/// The resource of Gateways.
pub const GATEWAYS: &str = "gateways.gateway.networking.k8s.io";
/// The resource of their classes.
pub const CLASSES: &str = "gatewayclasses.gateway.networking.k8s.io";

/// From a change to the status that tells of it, about as long as a gateway takes.
const DELAY: SignedDuration = SignedDuration::from_millis(500);

/// What is going to be told, and when.
#[derive(Debug, Default)]
pub struct Gateways(BTreeMap<Task, Timestamp>);

/// Looks at a class, a Gateway or a route.
pub fn look(state: &mut State, gateways: &mut Gateways, task: &Task) -> Option<Timestamp> {
    let (key, namespace, name) = match task {
        Task::GatewayClass(name) => (CLASSES, "", name),
        Task::Gateway(namespace, name) => (GATEWAYS, namespace.as_str(), name),
        Task::HttpRoute(namespace, name) => (ROUTES, namespace.as_str(), name),
        _ => return None,
    };
    let object = state.store.get(key, namespace, name).cloned();
    let wanted = object.as_ref().filter(|it| has_classes(state) && !object::is_deleting(it)).and_then(|object| {
        let objects = Objects::of(&state.store);
        status(&objects, object, state.now).filter(|wanted| *wanted != object["status"])
    });
    let Some(wanted) = wanted else {
        gateways.0.remove(task);
        return None;
    };
    let due = *gateways.0.entry(task.clone()).or_insert_with(|| state.now.saturating_add(DELAY).unwrap_or(state.now));
    if due > state.now {
        return Some(due);
    }
    gateways.0.remove(task);
    let resource = state.registry.key(key)?.clone();
    let call = Call::new(&resource, namespace, "sandbox-gateway").status();
    // A definition of somebody else's may refuse it; then nothing is told.
    let _ = write::update(state, &call, name, |current| {
        let mut new = current.clone();
        new["status"] = wanted;
        Ok(new)
    });
    None
}

fn has_classes(state: &State) -> bool {
    state.store.list(CLASSES, None).next().is_some()
}

/// What the controllers say of an object; `None` where none of them minds it.
fn status(objects: &Objects, object: &Value, now: Timestamp) -> Option<Value> {
    let mut new = object.clone();
    match text(object, "kind") {
        "GatewayClass" => tell(&mut new, object, &["Accepted"], now),
        "Gateway" => {
            class(objects, object)?;
            tell(&mut new, object, &["Accepted", "Programmed"], now);
            new["status"]["addresses"] = json!([{ "type": "IPAddress", "value": "127.0.0.1" }]);
            let all = items(object, "spec.listeners").iter();
            new["status"]["listeners"] = all.map(|it| listener(objects, object, it, now)).collect();
        }
        _ => new["status"]["parents"] = parents(objects, object, now)?,
    }
    Some(new["status"].take())
}

/// Sets conditions of which nothing bad is to be told.
fn tell(part: &mut Value, object: &Value, kinds: &[&str], now: Timestamp) {
    for kind in kinds {
        object::set_condition(part, condition(object, kind, true, kind, ""), now);
    }
}

fn condition(object: &Value, kind: &str, holds: bool, reason: &str, message: &str) -> Value {
    let status = if holds { "True" } else { "False" };
    json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "observedGeneration": at(object, "metadata.generation"),
    })
}

fn listener(objects: &Objects, gateway: &Value, listener: &Value, now: Timestamp) -> Value {
    let attached = objects.all("HTTPRoute").iter().filter(|route| {
        items(route, "spec.parentRefs").iter().any(|reference| {
            parent(objects, route, reference).is_some_and(|(of, _)| same(of, gateway))
                && attach(objects, gateway, route, reference)
                    .is_ok_and(|taken| taken.iter().any(|(by, _)| by["name"] == listener["name"]))
        })
    });
    let before = items(gateway, "status.listeners").iter().find(|it| it["name"] == listener["name"]);
    let mut part = json!({ "status": { "conditions": before.map_or(&Value::Null, |it| at(it, "conditions")) } });
    tell(&mut part, gateway, &["Accepted", "Programmed", "ResolvedRefs"], now);
    json!({
        "name": listener["name"], "attachedRoutes": attached.count(),
        "supportedKinds": [{ "group": GROUP, "kind": "HTTPRoute" }], "conditions": part["status"]["conditions"],
    })
}

fn same(one: &Value, other: &Value) -> bool {
    object::namespace(one) == object::namespace(other) && object::name(one) == object::name(other)
}

/// What is said of a route for each of its parents; what controllers that are not played here say stays.
fn parents(objects: &Objects, route: &Value, now: Timestamp) -> Option<Value> {
    let before = items(route, "status.parents");
    let is_ours = |entry: &&Value| {
        objects.all("GatewayClass").iter().any(|class| class["spec"]["controllerName"] == entry["controllerName"])
    };
    let mut entries: Vec<Value> = before.iter().filter(|entry| !is_ours(entry)).cloned().collect();
    for reference in items(route, "spec.parentRefs") {
        let Some((gateway, class)) = parent(objects, route, reference) else { continue };
        let controller = at(class, "spec.controllerName");
        let earlier =
            before.iter().find(|entry| entry["parentRef"] == *reference && entry["controllerName"] == *controller);
        let mut part = json!({ "status": { "conditions": earlier.map_or(&Value::Null, |it| at(it, "conditions")) } });
        let accepted = match attach(objects, gateway, route, reference) {
            Ok(_) => condition(route, "Accepted", true, "Accepted", ""),
            Err(refused) => condition(route, "Accepted", false, refused.reason, &refused.message),
        };
        let resolved = match unresolved(objects, route) {
            None => condition(route, "ResolvedRefs", true, "ResolvedRefs", ""),
            Some(refused) => condition(route, "ResolvedRefs", false, refused.reason, &refused.message),
        };
        object::set_condition(&mut part, accepted, now);
        object::set_condition(&mut part, resolved, now);
        let conditions = &part["status"]["conditions"];
        entries.push(json!({ "parentRef": reference, "controllerName": controller, "conditions": conditions }));
    }
    (!entries.is_empty() || !before.is_empty()).then(|| json!(entries))
}
