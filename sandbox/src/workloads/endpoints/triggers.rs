//! When the addresses of a Service have changed: what a pod or the Service says about itself, not when somebody saw it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use crate::object;

/// What was seen last of each Service.
#[derive(Debug, Default)]
pub struct Triggers(HashMap<(String, String), Seen>);

/// The moments that the Service and its pods named, which compare as text.
#[derive(Debug, Default)]
struct Seen {
    service: String,
    pods: BTreeMap<String, String>,
}

impl Triggers {
    /// The earliest of the moments that are new since the last time.
    pub fn changed(&mut self, service: &Value, members: &[Arc<Value>]) -> Option<String> {
        let key = (object::namespace(service).to_owned(), object::name(service).to_owned());
        let pods = members.iter().filter_map(|pod| {
            let ready = object::condition(pod, "Ready")?["lastTransitionTime"].as_str()?;
            Some((object::name(pod).to_owned(), ready.to_owned()))
        });
        let now = Seen { service: object::meta(service, "creationTimestamp").to_owned(), pods: pods.collect() };
        let before = self.0.remove(&key).unwrap_or_default();
        let service = Some(&now.service).filter(|time| **time > before.service);
        let pods = now.pods.iter().filter(|(name, time)| before.pods.get(*name).is_none_or(|before| *time > before));
        let first = pods.map(|(_, time)| time).chain(service).min().cloned();
        self.0.insert(key, now);
        first
    }

    /// The Service is gone.
    pub fn forget(&mut self, namespace: &str, name: &str) {
        self.0.remove(&(namespace.to_owned(), name.to_owned()));
    }
}
