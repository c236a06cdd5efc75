//! Objects that a router makes for a rollout, and takes away again.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Routing;
use super::object::{RouteWrite, Seen};
use super::routers::Client;

impl Client {
    /// A new object of the kind that was looked for, in its namespace, that goes with the Rollout; it says when it was written where
    /// nobody can ask its data plane.
    pub(super) fn make(
        &self,
        now: Timestamp,
        seen: &Seen,
        version: &str,
        spec: &Value,
        routing: &Routing,
    ) -> RouteWrite {
        let mut made = self.made(seen, version, spec);
        self.date(now, &Value::Null, &mut made, routing);
        seen.created(made)
    }

    fn made(&self, seen: &Seen, version: &str, spec: &Value) -> Value {
        json!({
            "apiVersion": version,
            "kind": seen.kind.kind,
            "metadata": {
                "name": seen.name,
                "namespace": seen.namespace,
                "ownerReferences": [self.owner_reference()],
            },
            "spec": spec,
        })
    }

    /// The deletion of an object, where it was made for the Rollout.
    pub(super) fn unmake(&self, seen: &Seen) -> Option<RouteWrite> {
        let object = seen.found().ok().filter(|object| self.controls(object))?;
        gone(seen, object)
    }
}

/// The deletion of an object; nothing where it is going already.
pub(super) fn gone(seen: &Seen, object: &Value) -> Option<RouteWrite> {
    object["metadata"]["deletionTimestamp"].is_null().then(|| seen.deleted(object))
}
