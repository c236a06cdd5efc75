//! Events that the controllers write.

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::{self, Call};

/// Tells of something that happened to an object.
pub fn tell(state: &mut State, about: &Value, component: &str, severity: &str, reason: &str, message: &str) {
    let time = object::time(state.now);
    let event = json!({
        "involvedObject": object::reference(about),
        "reason": reason, "message": message, "type": severity,
        "source": { "component": component }, "reportingComponent": component, "reportingInstance": "",
        "firstTimestamp": time, "lastTimestamp": time, "count": 1, "eventTime": null,
    });
    write(state, about, "kube-controller-manager", event);
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

fn write(state: &mut State, about: &Value, manager: &str, mut event: Value) {
    let resource = state.registry.known("events");
    let namespace = match object::namespace(about) {
        "" => "default",
        namespace => namespace,
    };
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
