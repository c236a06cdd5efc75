//! Events that the controllers write.

use serde_json::{Value, json};

use crate::object;
use crate::state::State;
use crate::write::{self, Call};

/// Tells of something that happened to an object.
pub fn tell(state: &mut State, about: &Value, component: &str, severity: &str, reason: &str, message: &str) {
    let resource = state.registry.known("events");
    let namespace = match object::namespace(about) {
        "" => "default",
        namespace => namespace,
    };
    let time = object::time(state.now);
    let name = state.ids.name(&format!("{}.", object::name(about)));
    let event = json!({
        "metadata": { "name": name },
        "involvedObject": object::reference(about),
        "reason": reason, "message": message, "type": severity,
        "source": { "component": component }, "reportingComponent": component, "reportingInstance": "",
        "firstTimestamp": time, "lastTimestamp": time, "count": 1, "eventTime": null,
    });
    let call = Call::new(&resource, namespace, "kube-controller-manager");
    // An event is a courtesy: where its namespace is going away, there is nobody to tell.
    let _ = write::create(state, &call, event);
}
