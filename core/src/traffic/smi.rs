//! The Service Mesh Interface: a `TrafficSplit` that the router makes, which divides the requests to the root Service.
//!
//! The object belongs to the Rollout, so that its list of backends says exactly what is to be; what others add beside it stays.
//! It has no status: nobody can say when a mesh has taken it up.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{Pick, Query, RouteWrite, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::share;
use super::{Destination, Routing};
use crate::api::SmiTrafficRouting;
use crate::identity::Quantity;
use crate::object_kind::ObjectKind;

/// The first version has weights that are quantities, as text; in the others they are numbers.
const QUANTITIES: &str = "v1alpha1";
const SPLIT: ObjectKind = ObjectKind {
    group: "split.smi-spec.io",
    kind: "TrafficSplit",
    plural: "trafficsplits",
    versions: &["v1alpha4", "v1alpha3", "v1alpha2", QUANTITIES],
};

/// The `TrafficSplit` of one rollout.
#[derive(Debug)]
pub(super) struct Smi {
    client: Client,
    name: String,
    root: Option<String>,
}

impl Smi {
    pub(super) fn new(client: &Client, config: &SmiTrafficRouting) -> Smi {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let name = given(&config.traffic_split_name).unwrap_or_else(|| client.name.clone());
        Smi { client: client.clone(), name, root: given(&config.root_service) }
    }

    fn tell(&self, now: Timestamp, seen: &Seen, routing: &Routing) -> Result<Option<RouteWrite>, Trouble> {
        let Some(before) = seen.found_or_none()? else {
            let version = seen.kind.api_version();
            let spec = self.spec(&json!({ "apiVersion": version }), routing);
            return Ok(Some(self.client.make(now, seen, &version, &spec, routing)));
        };
        if !self.client.controls(before) {
            let what_next = "delete it, or give this Rollout another one by trafficSplitName";
            return Err(seen.trouble(format!("Rollout does not own TrafficSplit `{}`; {what_next}", self.name)));
        }
        let mut after = before.clone();
        after["spec"] = self.spec(before, routing);
        self.client.date(now, before, &mut after, routing);
        Ok(seen.turned_into(before, &after))
    }

    fn spec(&self, before: &Value, routing: &Routing) -> Value {
        let Routing { canary, stable, weight, additional, .. } = routing;
        let mut spec = before["spec"].clone();
        let old = spec["backends"].as_array().cloned().unwrap_or_default();
        let is_text = old.iter().any(|backend| backend["weight"].is_string())
            || (old.is_empty() && before["apiVersion"].as_str().is_some_and(|version| version.ends_with(QUANTITIES)));
        let backend = |service: &str, weight: i32| {
            let mut backend = old
                .iter()
                .find(|old| old["service"] == service)
                .cloned()
                .unwrap_or_else(|| json!({ "service": service }));
            if milli(&backend["weight"]) != Some(i64::from(weight) * 1000) {
                backend["weight"] = if is_text { json!(weight.to_string()) } else { json!(weight) };
            }
            backend
        };
        let mut backends = vec![backend(&canary.service, weight.value())];
        backends.extend(additional.iter().map(|(to, share)| backend(&to.service, *share)));
        backends.push(backend(&stable.service, routing.rest()));
        share::set(&mut spec, "service", json!(self.root.as_ref().unwrap_or(&stable.service)));
        share::set(&mut spec, "backends", json!(backends));
        spec
    }
}

/// A weight in thousandths: a number, or a quantity such as `500m`.
fn milli(weight: &Value) -> Option<i64> {
    match weight {
        Value::String(text) => Quantity::parse(text).ok()?.milli(),
        number => number.as_i64()?.checked_mul(1000),
    }
}

/// The same of a backend, whatever somebody has written there.
fn weight_of(backend: &Value) -> i64 {
    milli(&backend["weight"]).unwrap_or(0).clamp(0, 1_000_000_000)
}

impl TrafficRouter for Smi {
    fn name(&self) -> &'static str {
        "SMI"
    }

    fn queries(&self) -> Vec<Query> {
        vec![Query { kind: SPLIT, namespace: self.client.namespace.clone(), pick: Pick::Named(self.name.clone()) }]
    }

    fn observe(&self, view: View<'_>, canary: &Destination, _: &Destination) -> Observed {
        let shares: Vec<i32> = view
            .objects
            .iter()
            .filter_map(|seen| {
                let backends = seen.found().ok()?["spec"]["backends"].as_array()?;
                let of_canary = backends.iter().filter(|backend| backend["service"] == canary.service.as_str());
                let all = backends.iter().map(weight_of).sum();
                Some(share::share(of_canary.map(weight_of).sum(), all, self.client.max))
            })
            .collect();
        self.client.believe(share::observed(&shares), view.now, view.objects)
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer::default();
        for seen in view.objects {
            answer.add(self.tell(view.now, seen, routing));
        }
        answer
    }

    fn release(&self, view: View<'_>, _: &Destination, _: &Destination) -> Answer {
        // Without it, the requests go where the root Service leads.
        let writes = view.objects.iter().filter_map(|seen| self.client.unmake(seen)).collect();
        Answer { writes, ..Answer::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_numbers_or_quantities() {
        for (weight, expected) in [
            (json!(20), Some(20_000)),
            (json!("20"), Some(20_000)),
            (json!("500m"), Some(500)),
            (json!("1e1"), Some(10_000)),
            (json!("a lot"), None),
            (json!(null), None),
            (json!(i64::MAX), None),
        ] {
            assert_eq!(milli(&weight), expected, "{weight}");
        }
    }
}
