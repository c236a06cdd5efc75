//! Traefik: a weighted `TraefikService` that leads to both Services.
//!
//! Traefik keeps no status of it: nobody can say when it has been taken up.

use jiff::Timestamp;
use serde_json::Value;

use super::memory::forget;
use super::object::{Pick, Query, RouteWrite, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::share;
use super::{Destination, Routing};
use crate::api::TraefikTrafficRouting;
use crate::object_kind::ObjectKind;

/// Traefik 3 has the first group alone, Traefik 2 the second one, and its last releases have both.
const KINDS: [ObjectKind; 2] = [kind("traefik.io"), kind("traefik.containo.us")];

/// What Traefik takes a service without a weight for.
const DEFAULT_WEIGHT: i64 = 1;

const fn kind(group: &'static str) -> ObjectKind {
    ObjectKind { group, kind: "TraefikService", plural: "traefikservices", versions: &["v1alpha1"] }
}

/// The `TraefikService` of one rollout.
#[derive(Debug)]
pub(super) struct Traefik {
    client: Client,
    name: String,
}

impl Traefik {
    pub(super) fn new(client: &Client, config: &TraefikTrafficRouting) -> Traefik {
        Traefik { client: client.clone(), name: config.weighted_traefik_service_name.clone() }
    }

    /// The `TraefikService` with its weights.
    fn written(&self, seen: &Seen, before: &Value, routing: &Routing) -> Result<Value, Trouble> {
        let mut after = before.clone();
        let Some(services) = after.pointer_mut("/spec/weighted/services").and_then(Value::as_array_mut) else {
            return Err(seen.trouble("it has no spec.weighted.services; add both Services there"));
        };
        let Routing { canary, stable, weight, .. } = routing;
        for to in [stable, canary] {
            if !services.iter().any(|service| self.is(service, to)) {
                let message = format!("none of its spec.weighted.services is {:?}; add it, with weight 0", to.service);
                return Err(seen.trouble(message));
            }
        }
        let share = |to: &Destination, share: i32, service: &Value| self.is(service, to).then_some(i64::from(share));
        share::weigh(services, |service| {
            share(canary, weight.value(), service).or_else(|| share(stable, weight.rest(), service))
        });
        Ok(after)
    }

    fn tell(
        &self,
        now: Timestamp,
        seen: &Seen,
        before: &Value,
        routing: &Routing,
    ) -> Result<Option<RouteWrite>, Trouble> {
        let mut after = self.written(seen, before, routing)?;
        self.client.date(now, before, &mut after, routing);
        Ok(seen.turned_into(before, &after))
    }

    fn is(&self, service: &Value, to: &Destination) -> bool {
        let is = |field: &str, default: &str| service[field].as_str().unwrap_or(default) == default;
        service["name"] == to.service.as_str() && is("kind", "Service") && is("namespace", &self.client.namespace)
    }

    fn share(&self, object: &Value, canary: &Destination, stable: &Destination) -> Option<i32> {
        let services = object["spec"]["weighted"]["services"].as_array()?;
        let weight = |to: &Destination| {
            let found = services.iter().find(|service| self.is(service, to));
            found.map(|service| share::weight_of(service, DEFAULT_WEIGHT))
        };
        let (canary, stable) = (weight(canary)?, weight(stable)?);
        Some(share::share(canary, canary + stable, self.client.max))
    }
}

impl TrafficRouter for Traefik {
    fn name(&self) -> &'static str {
        "Traefik"
    }

    fn queries(&self) -> Vec<Query> {
        let query =
            |kind| Query { kind, namespace: self.client.namespace.clone(), pick: Pick::Named(self.name.clone()) };
        KINDS.map(query).into()
    }

    fn observe(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Observed {
        let found = view.objects.iter().filter_map(|seen| seen.found().ok());
        let shares: Vec<i32> = found.filter_map(|object| self.share(object, canary, stable)).collect();
        self.client.believe(share::observed(&shares), view.now, view.objects)
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer::default();
        match share::in_any_group(view, &KINDS, &self.name) {
            Ok(found) => {
                for (seen, object) in found {
                    answer.add(self.tell(view.now, seen, object, routing));
                }
            }
            Err(trouble) => answer.trouble = Some(trouble),
        }
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let routing = Routing::back_to(canary, stable, self.client.max);
        let mut answer = Answer::default();
        for (seen, before) in view.objects.iter().filter_map(|seen| Some((seen, seen.found().ok()?))) {
            // What has other services by now is nobody's to clean up.
            let mut after = self.written(seen, before, &routing).unwrap_or_else(|_| before.clone());
            forget(&mut after, &self.client);
            answer.add(Ok(seen.turned_into(before, &after)));
        }
        answer
    }
}
