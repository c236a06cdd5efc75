//! Events that the controllers write.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::{self, Call, DeleteOptions};

/// How long events are kept, as by a real API server.
const KEPT: SignedDuration = SignedDuration::from_hours(1);
/// Who writes them.
const MANAGER: &str = "kube-controller-manager";

/// Looks at one: after its time it goes.
pub fn look(state: &mut State, namespace: &str, name: &str) -> Option<Timestamp> {
    let event = state.store.get("events", namespace, name)?;
    let times = ["lastTimestamp", "eventTime"].into_iter().filter_map(|field| object::moment(&event[field]));
    let last = times.chain(object::moment(&event["metadata"]["creationTimestamp"])).max()?;
    let end = last.saturating_add(KEPT).unwrap_or(Timestamp::MAX);
    if end > state.now {
        return Some(end);
    }
    let resource = state.registry.known("events");
    let _ = write::delete(state, &Call::new(&resource, namespace, MANAGER), name, &DeleteOptions::default());
    None
}

/// Tells of something that happened to an object. A warning that was told before is counted once more.
pub fn tell(state: &mut State, about: &Value, component: &str, severity: &str, reason: &str, message: &str) {
    if severity == "Warning" {
        tell_again(state, about, component, severity, reason, message);
    } else {
        tell_once(state, about, component, severity, reason, message);
    }
}

/// Tells of something, and counts it once more where it was told before.
pub fn tell_again(state: &mut State, about: &Value, component: &str, severity: &str, reason: &str, message: &str) {
    let time = object::time(state.now);
    let reference = object::reference(about);
    let same = |event: &&Arc<Value>| {
        event["reason"] == reason
            && event["message"] == message
            && event["involvedObject"]["uid"] == reference["uid"]
            && event["source"]["component"] == component
    };
    let told = state.store.list("events", Some(namespace_of(about))).find(same);
    if let Some(name) = told.map(|event| object::name(event).to_owned()) {
        let resource = state.registry.known("events");
        let call = Call::new(&resource, namespace_of(about), MANAGER);
        // Where it cannot be counted, its namespace is going away.
        let _ = write::update(state, &call, &name, |event| {
            let mut event = event.clone();
            event["count"] = json!(event["count"].as_i64().unwrap_or(0) + 1);
            event["lastTimestamp"] = json!(time);
            Ok(event)
        });
        return;
    }
    tell_once(state, about, component, severity, reason, message);
}

fn tell_once(state: &mut State, about: &Value, component: &str, severity: &str, reason: &str, message: &str) {
    let time = object::time(state.now);
    let event = json!({
        "involvedObject": object::reference(about),
        "reason": reason, "message": message, "type": severity,
        "source": { "component": component }, "reportingComponent": component, "reportingInstance": "",
        "firstTimestamp": time, "lastTimestamp": time, "count": 1, "eventTime": null,
    });
    write(state, about, MANAGER, event);
}

/// Tells of what the scheduler has decided. Its events are those of `events.k8s.io`, as the core group shows them.
pub fn tell_scheduled(state: &mut State, pod: &Value, action: &str, severity: &str, reason: &str, message: &str) {
    let event = json!({
        "involvedObject": object::reference(pod),
        "action": action, "reason": reason, "message": message, "type": severity,
        "source": {}, "reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-sandbox",
        "firstTimestamp": null, "lastTimestamp": null, "eventTime": format!("{:.6}", state.now),
    });
    write(state, pod, "kube-scheduler", event);
}

/// Events about what belongs to no namespace are in the default one.
fn namespace_of(about: &Value) -> &str {
    match object::namespace(about) {
        "" => "default",
        namespace => namespace,
    }
}

fn write(state: &mut State, about: &Value, manager: &str, mut event: Value) {
    let resource = state.registry.known("events");
    let namespace = namespace_of(about);
    // The name ends in the moment, or the next one that no other event has.
    let mut stamp = state.now.as_nanosecond();
    let name = |stamp: i128| format!("{}.{stamp:x}", object::name(about));
    while state.store.get("events", namespace, &name(stamp)).is_some() {
        stamp += 1;
    }
    event["metadata"] = json!({ "name": name(stamp) });
    // An event is a courtesy: where its namespace is going away, there is nobody to tell.
    let _ = write::create(state, &Call::new(&resource, namespace, manager), event);
}
