//! The Gateway API: `HTTPRoute`, `GRPCRoute`, `TCPRoute` and `TLSRoute`.
//!
//! The weights are those of the two Services in every rule that has both as its backends. Whoever runs the gateway says in the
//! route's status which generation of it was taken up. What is compatible is what Argo Rollouts' plugin `argoproj-labs/gatewayAPI`
//! does with the same configuration; it does not know mirrors, nor whether a gateway has heard.

mod affinity;
mod heard;
mod home;
mod managed;
mod matches;
mod rules;

use jiff::Timestamp;
use serde_json::Value;

use self::home::Home;
use self::rules::Told;
use super::heard::all;
use super::memory::{Memories, forget, key, set_entry};
use super::object::{Pick, Query, RouteWrite, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::{Destination, Routing, cookie, retold};
use crate::api::{GatewayApiRoute, GatewayApiTrafficRouting, SessionAffinity};
use crate::object_kind::ObjectKind;
use crate::selector;
use crate::sight::Sight;

const GROUP: &str = "gateway.networking.k8s.io";
const HTTP: ObjectKind =
    ObjectKind { group: GROUP, kind: "HTTPRoute", plural: "httproutes", versions: &["v1", "v1beta1"] };
const GRPC: ObjectKind = ObjectKind { group: GROUP, kind: "GRPCRoute", plural: "grpcroutes", versions: &["v1"] };
const TCP: ObjectKind =
    ObjectKind { group: GROUP, kind: "TCPRoute", plural: "tcproutes", versions: &["v1", "v1alpha2"] };
const TLS: ObjectKind =
    ObjectKind { group: GROUP, kind: "TLSRoute", plural: "tlsroutes", versions: &["v1", "v1alpha3", "v1alpha2"] };

const IN_PROGRESS: (&str, &str) = ("rollouts.argoproj.io/gatewayapi-canary", "in-progress");

/// The routes of one rollout.
#[derive(Debug)]
pub(super) struct GatewayApi {
    name: String,
    client: Client,
    queries: Vec<Query>,
    /// Routes that rules are added to, by kind and name.
    with_rules: Vec<(ObjectKind, String)>,
    /// The label of a route while the canary gets requests, by which tools know that its rules are not Git's.
    label: Option<(String, String)>,
    affinity: Option<SessionAffinity>,
}

impl GatewayApi {
    pub(super) fn new(name: &str, client: &Client, config: &GatewayApiTrafficRouting) -> GatewayApi {
        let namespace = config.namespace.as_ref().filter(|namespace| !namespace.is_empty());
        let namespace = namespace.unwrap_or(&client.namespace);
        let kinds = [
            (HTTP, &config.http_route, &config.http_routes, &config.http_route_selector),
            (GRPC, &config.grpc_route, &config.grpc_routes, &config.grpc_route_selector),
            (TCP, &config.tcp_route, &config.tcp_routes, &config.tcp_route_selector),
            (TLS, &config.tls_route, &config.tls_routes, &config.tls_route_selector),
        ];
        let (mut queries, mut with_rules) = (Vec::new(), Vec::new());
        for (kind, one, several, selector) in kinds {
            // A single route has rules added to it without being asked, as it has with the plugin.
            let one = one.iter().map(|name| GatewayApiRoute { name: name.clone(), use_header_routes: true });
            for route in one.chain(several.iter().cloned()).filter(|route| !route.name.is_empty()) {
                if route.use_header_routes && [HTTP, GRPC].contains(&kind) {
                    with_rules.push((kind, route.name.clone()));
                }
                queries.push(Query { kind, namespace: namespace.clone(), pick: Pick::Named(route.name) });
            }
            // One that has lost its labels is still to be given back.
            let left = || Pick::Remembered(key(client, namespace));
            let selected = selector.iter().flat_map(|selector| [Pick::Labelled(selector.clone()), left()]);
            queries.extend(selected.map(|pick| Query { kind, namespace: namespace.clone(), pick }));
        }
        let or = |given: &Option<String>, otherwise: &str| {
            given.clone().filter(|given| !given.is_empty()).unwrap_or_else(|| otherwise.to_owned())
        };
        let label =
            (or(&config.in_progress_label_key, IN_PROGRESS.0), or(&config.in_progress_label_value, IN_PROGRESS.1));
        let managed = client.managed.iter().cloned().chain([cookie::route_name(client)]).collect();
        GatewayApi {
            name: name.to_owned(),
            client: Client { managed, ..client.clone() },
            queries,
            with_rules,
            affinity: config.session_affinity.clone(),
            label: (!config.disable_in_progress_label).then_some(label),
        }
    }

    /// Whether the manifest picks a route; otherwise it was picked by labels that it has lost.
    fn picks(&self, seen: &Seen) -> bool {
        let Sight::Found(route) = &seen.object else { return true };
        let of_kind = self.queries.iter().filter(|query| query.kind == seen.kind && query.namespace == seen.namespace);
        of_kind.into_iter().any(|query| match &query.pick {
            Pick::Named(name) => *name == seen.name,
            Pick::Labelled(labels) => selector::matches(labels, &selector::texts(route, "/metadata/labels")),
            Pick::Remembered(_) | Pick::Plugin(_) => false,
        })
    }

    fn takes_rules(&self, seen: &Seen) -> bool {
        self.with_rules.iter().any(|(kind, name)| *kind == seen.kind && *name == seen.name)
    }

    fn told<'a>(&'a self, seen: &Seen, route: &'a Value, takes_rules: bool, routing: &'a Routing) -> Told<'a> {
        // Only HTTP has cookies.
        let affinity = self.affinity.as_ref().filter(|_| seen.kind == HTTP);
        let home = Home::of(route, &self.client);
        Told { kind: seen.kind, client: &self.client, home, takes_rules, affinity, routing }
    }

    /// The write that makes one route say it.
    fn tell(&self, now: Timestamp, seen: &Seen, routing: &Routing) -> Result<Option<RouteWrite>, Trouble> {
        let before = seen.found()?;
        let told = self.told(seen, before, self.takes_rules(seen), routing);
        let (mut after, busy) = told.apply(before).map_err(|message| seen.trouble(message))?;
        self.mark(&mut after, busy);
        self.client.date(now, before, &mut after, routing);
        Ok(seen.turned_into(before, &after))
    }

    /// The same for a route that the manifest does not pick any more: it goes on with the others until nothing is on its way, and is
    /// then forgotten, as it is at once where it has other backends by now.
    fn tell_left(&self, now: Timestamp, seen: &Seen, routing: &Routing) -> Option<RouteWrite> {
        let Sight::Found(before) = &seen.object else { return None };
        let told = self.tell(now, seen, routing);
        let believed = self.client.believe(Observed::default(), now, [seen]).verified;
        let goes_on = !retold::is_at_rest(routing) || heard::heard(before) == Some(false) || believed == Some(false);
        match told {
            Ok(write) if write.is_some() || goes_on => write,
            _ => seen.turned_into(before, &self.forgotten(before.clone())),
        }
    }

    /// A route without what is remembered of the rollout.
    fn forgotten(&self, mut route: Value) -> Value {
        forget(&mut route, &self.client);
        let busy = Memories::of(&route, &self.client).any_busy();
        self.mark(&mut route, busy);
        route
    }

    fn mark(&self, route: &mut Value, busy: bool) {
        let Some((key, value)) = &self.label else { return };
        let marked = route["metadata"]["labels"][key.as_str()] == value.as_str();
        if busy || marked {
            set_entry(route, "labels", key, busy.then_some(value));
        }
    }

    /// What keeps a route that the steps ask for from being made.
    fn unable(&self, routing: &Routing) -> Option<Trouble> {
        let asked = routing.routes.first().filter(|_| self.with_rules.is_empty())?;
        let message = format!(
            "no route that could have the rule {:?} is named with useHeaderRoutes: true (HTTPRoutes and GRPCRoutes can)",
            asked.name()
        );
        Some(Trouble { object: format!("TrafficRouter/{}", self.name), message })
    }
}

/// What was found, each object once.
fn found(view: View<'_>) -> impl Iterator<Item = &Seen> {
    let is_first = move |at: usize, seen: &Seen| !view.objects[..at].iter().any(|before| before.is_same(seen));
    view.objects.iter().enumerate().filter(move |(at, seen)| is_first(*at, seen)).map(|(_, seen)| seen)
}

impl TrafficRouter for GatewayApi {
    fn name(&self) -> &str {
        &self.name
    }

    fn queries(&self) -> Vec<Query> {
        self.queries.clone()
    }

    fn observe(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Observed {
        let found: Vec<(&Seen, &Value)> = found(view).filter_map(|seen| Some((seen, seen.found().ok()?))).collect();
        let shares = |route| rules::shares(route, &self.client, &canary.service, &stable.service);
        let picked = found.iter().filter(|(seen, _)| self.picks(seen));
        let lowest = picked.flat_map(|(_, route)| shares(route)).min();
        let highest = found.iter().flat_map(|(_, route)| shares(route)).max();
        let heard: Vec<Option<bool>> = found.iter().map(|(_, route)| heard::heard(route)).collect();
        let services = [canary.service.as_str(), stable.service.as_str()];
        let unresolved = |route| heard::unresolved(route, Home::of(route, &self.client), services);
        let wrong = |route| heard::refusal(route).or_else(|| unresolved(route));
        let trouble = found.iter().find_map(|(seen, route)| Some(seen.trouble(wrong(route)?)));
        let observed = Observed {
            lowest: lowest.unwrap_or(0),
            highest: highest.unwrap_or(0),
            // What no gateway takes up, none does.
            verified: if trouble.is_some() { Some(false) } else { all(&heard) },
            behind: found
                .iter()
                .find(|(_, route)| heard::heard(route) == Some(false))
                .map(|(seen, _)| seen.reference()),
            trouble,
            has_routes: found.iter().any(|(_, route)| managed::has_any(route, &self.client)),
            ..Observed::default()
        };
        // Some gateways say that they have heard a moment before they act on it.
        self.client.believe(observed, view.now, view.objects)
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer { trouble: self.unable(routing), ..Answer::default() };
        if view.objects.is_empty() {
            let message = "names no route, so nothing carries the weights".to_owned();
            answer.trouble = Some(Trouble { object: format!("TrafficRouter/{}", self.name), message });
        }
        for seen in found(view) {
            answer.add(if self.picks(seen) {
                self.tell(view.now, seen, routing)
            } else {
                Ok(self.tell_left(view.now, seen, routing))
            });
        }
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let routing = Routing::back_to(canary, stable, self.client.max);
        let mut answer = Answer::default();
        for seen in found(view) {
            // What is not there, or has other backends by now, is nobody's to clean up.
            let Ok(before) = seen.found() else { continue };
            let told = self.told(seen, before, false, &routing);
            answer.add(Ok(seen.turned_into(before, &self.forgotten(told.undo(before)))));
        }
        answer
    }
}
