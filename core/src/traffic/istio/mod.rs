//! Istio: `VirtualService` and `DestinationRule`.
//!
//! The weights are those of the destinations of both revisions in the routes that the manifest means. They are told apart by their
//! Services, or by two subsets of a `DestinationRule`, which the controller keeps on the revisions. A subset leads to its revision
//! before anything more is sent there, and never by the same write. What is compatible is what Argo Rollouts does with the same
//! configuration; it does not ask whether the proxies have heard, and deletes destinations and subsets that it does not know.

mod affinity;
pub(crate) mod ends;
mod heard;
mod managed;
mod matches;
mod routes;
mod rule;
pub(crate) mod select;
mod weights;

use jiff::Timestamp;
use serde_json::Value;

use self::ends::Ends;
use self::heard::heard;
use self::routes::Told;
use self::rule::Rule;
use self::weights::Leave;
use super::cookie::{self, Cookie};
use super::heard::all;
use super::object::{Pick, Query, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::{Destination, Routing, Weight};
use crate::api::{IstioDestinationRule, IstioTrafficRouting, IstioVirtualService, SessionAffinity};
use crate::object_kind::ObjectKind;

const GROUP: &str = "networking.istio.io";
const VERSIONS: &[&str] = &["v1", "v1beta1", "v1alpha3"];
const VIRTUAL_SERVICE: ObjectKind =
    ObjectKind { group: GROUP, kind: "VirtualService", plural: "virtualservices", versions: VERSIONS };
const DESTINATION_RULE: ObjectKind =
    ObjectKind { group: GROUP, kind: "DestinationRule", plural: "destinationrules", versions: VERSIONS };
const NAME: &str = "Istio";

/// The objects of one rollout.
#[derive(Debug)]
pub(super) struct Istio {
    client: Client,
    /// What the manifest means of each `VirtualService`, by namespace and name.
    wanted: Vec<(String, IstioVirtualService)>,
    rule: Option<IstioDestinationRule>,
    affinity: Option<SessionAffinity>,
}

impl Istio {
    pub(super) fn new(client: &Client, config: &IstioTrafficRouting) -> Istio {
        let one = |wanted: &IstioVirtualService| {
            let (name, namespace) = name_and_namespace(&wanted.name);
            let namespace = namespace.unwrap_or(&client.namespace).to_owned();
            (namespace, IstioVirtualService { name: name.to_owned(), ..wanted.clone() })
        };
        let mut wanted: Vec<(String, IstioVirtualService)> = Vec::new();
        for (namespace, more) in config.virtual_service.iter().chain(&config.virtual_services).map(one) {
            // What is meant of one object is written at once, however often it is named.
            match wanted.iter_mut().find(|(at, known)| *at == namespace && known.name == more.name) {
                Some((_, known)) => {
                    known.routes.extend(more.routes);
                    known.tls_routes.extend(more.tls_routes);
                    known.tcp_routes.extend(more.tcp_routes);
                }
                None => wanted.push((namespace, more)),
            }
        }
        let managed = client.managed.iter().cloned().chain([cookie::route_name(client)]).collect();
        Istio {
            client: Client { managed, ..client.clone() },
            wanted,
            rule: config.destination_rule.clone(),
            affinity: config.session_affinity.clone(),
        }
    }

    fn ends(&self, canary: &Destination, stable: &Destination) -> Ends {
        Ends::of(canary, stable, self.rule.as_ref())
    }

    /// What the manifest means of an object.
    fn wanted(&self, seen: &Seen) -> Option<&IstioVirtualService> {
        let mut all = self.wanted.iter();
        let found = all.find(|(namespace, wanted)| *namespace == seen.namespace && wanted.name == seen.name);
        found.map(|(_, wanted)| wanted).filter(|_| seen.kind == VIRTUAL_SERVICE)
    }

    /// Each `VirtualService`, with what the manifest means of it.
    fn services<'a>(&'a self, view: View<'a>) -> impl Iterator<Item = (&'a Seen, &'a IstioVirtualService)> {
        view.objects.iter().filter_map(|seen| Some((seen, self.wanted(seen)?)))
    }

    /// The DestinationRule, with how it is kept.
    fn rules<'a>(&'a self, view: View<'a>) -> impl Iterator<Item = (&'a Seen, Rule<'a>)> {
        let rule = self.rule.as_ref().map(|config| Rule { client: &self.client, config });
        let seen = view.objects.iter().filter(|seen| seen.kind == DESTINATION_RULE);
        seen.filter_map(move |seen| Some((seen, rule?)))
    }

    /// Has the subsets lead to their revisions, and says how far requests may follow by now.
    fn lead(&self, view: View<'_>, routing: &Routing) -> (Answer, Leave) {
        let (mut answer, mut leave) = (Answer::default(), Leave::Free);
        let is_in_use = |subset: &str| {
            let found = self.services(view).filter_map(|(seen, _)| seen.found().ok());
            found.into_iter().any(|object| routes::leads_to(object, subset))
        };
        for (seen, rule) in self.rules(view) {
            let written = seen.found().and_then(|before| {
                let after = rule.apply(before, routing, is_in_use).map_err(|message| seen.trouble(message))?;
                Ok((before, after))
            });
            let (before, mut after) = match written {
                Ok(written) => written,
                Err(trouble) => {
                    // Whoever knows where the canary's subset leads may take traffic away from it all the same.
                    answer.add(Err(trouble));
                    leave = Leave::NoMore;
                    continue;
                }
            };
            let moves = |subset: &str| rule::leads_to(before, subset) != rule::leads_to(&after, subset);
            let made = routing.additional.iter().any(|(to, _)| moves(&to.service));
            if moves(&rule.config.stable_subset_name) {
                leave = Leave::Nothing;
            } else if made || moves(&rule.config.canary_subset_name) || self.lags(view.now, seen, before) {
                leave = Leave::NoMore;
            }
            self.client.date(view.now, before, &mut after, routing);
            answer.add(Ok(seen.turned_into(before, &after)));
        }
        (answer, leave)
    }

    /// Whether proxies may still do what an object said before.
    fn lags(&self, now: Timestamp, seen: &Seen, object: &Value) -> bool {
        let observed = Observed { verified: heard(object), ..Observed::default() };
        self.client.believe(observed, now, [seen]).verified == Some(false)
    }

    fn told<'a>(&'a self, wanted: &'a IstioVirtualService, ends: &'a Ends, routing: &'a Routing) -> Told<'a> {
        let by_subset = self.rule.is_some();
        let cookie = Cookie::of(self.affinity.as_ref(), routing);
        Told { client: &self.client, wanted, ends, routing, by_subset, cookie, leave: Leave::Free }
    }

    /// What keeps everything from being told, whatever the objects say.
    fn unable(&self, ends: &Ends) -> Option<Trouble> {
        if self.wanted.is_empty() {
            return Some(trouble("names no VirtualService, so nothing carries the weights; set virtualService".into()));
        }
        for (role, end) in [("canary", &ends.canary), ("stable", &ends.stable)] {
            if end.service.is_empty() && end.subset.is_empty() {
                return Some(trouble(format!(
                    "neither {role}Service nor destinationRule.{role}SubsetName is set; set one, by which the {role} destination is known"
                )));
            }
        }
        None
    }

    /// What keeps a route that the steps ask for from being made.
    fn unrouted(&self, view: View<'_>, routing: &Routing, ends: &Ends) -> Option<Trouble> {
        let wanted = routing.routes.first()?;
        let mut found = self.services(view).filter_map(|(seen, wanted)| Some((seen.found().ok()?, wanted)));
        let takes = found.any(|(object, wanted)| self.told(wanted, ends, routing).takes_routes(object));
        let all_there = view.objects.iter().all(|seen| seen.found().is_ok());
        let message = format!("no HTTP route carries the weights, so the route {:?} cannot be made", wanted.name());
        (!takes && all_there).then(|| trouble(message))
    }
}

/// Has one VirtualService say it, as far as it can.
fn tell(now: Timestamp, seen: &Seen, told: &Told<'_>, answer: &mut Answer) {
    let before = match seen.found() {
        Ok(before) => before,
        Err(trouble) => return answer.add(Err(trouble)),
    };
    let (mut after, why) = told.apply(before);
    told.client.date(now, before, &mut after, told.routing);
    answer.add(Ok(seen.turned_into(before, &after)));
    if let Some(message) = why {
        answer.add(Err(seen.trouble(message)));
    }
}

/// Something that is wrong with no object, but with what the manifest says of them.
fn trouble(message: String) -> Trouble {
    Trouble { object: format!("TrafficRouter/{NAME}"), message }
}

/// A name may carry its namespace, as in `web.shop`.
pub(crate) fn name_and_namespace(name: &str) -> (&str, Option<&str>) {
    name.split_once('.').map_or((name, None), |(name, namespace)| (name, Some(namespace)))
}

impl TrafficRouter for Istio {
    fn name(&self) -> &str {
        NAME
    }

    fn queries(&self) -> Vec<Query> {
        let query = |kind, namespace: &String, name: &String| Query {
            kind,
            namespace: namespace.clone(),
            pick: Pick::Named(name.clone()),
        };
        let services = self.wanted.iter().map(|(namespace, wanted)| query(VIRTUAL_SERVICE, namespace, &wanted.name));
        let rule = self.rule.iter().map(|rule| query(DESTINATION_RULE, &self.client.namespace, &rule.name));
        services.chain(rule).collect()
    }

    fn observe(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Observed {
        let ends = self.ends(canary, stable);
        let found: Vec<(&Seen, &Value)> =
            view.objects.iter().filter_map(|seen| Some((seen, seen.found().ok()?))).collect();
        let services = self.services(view).filter_map(|(seen, wanted)| Some((seen.found().ok()?, wanted)));
        let shares: Vec<i32> =
            services.flat_map(|(object, wanted)| routes::shares(object, wanted, &ends, &self.client)).collect();
        let rule = self.rules(view).find_map(|(seen, rule)| Some((seen.found().ok()?, rule)));
        let hash = rule.map(|(object, rule)| rule::leads_to(object, &rule.config.canary_subset_name));
        let each: Vec<Option<bool>> = found.iter().map(|(_, object)| heard(object)).collect();
        let observed = Observed {
            lowest: shares.iter().copied().min().unwrap_or(0),
            highest: shares.iter().copied().max().unwrap_or(0),
            verified: all(&each),
            behind: found.iter().find(|(_, object)| heard(object) == Some(false)).map(|(seen, _)| seen.reference()),
            has_routes: found.iter().any(|(_, object)| managed::has_any(object, &managed::names(object, &self.client))),
            hash: hash.filter(|hash| !hash.is_empty()).map(str::to_owned),
            ..Observed::default()
        };
        self.client.believe(observed, view.now, view.objects)
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let ends = self.ends(&routing.canary, &routing.stable);
        if let Some(trouble) = self.unable(&ends) {
            return Answer { trouble: Some(trouble), ..Answer::default() };
        }
        let (lead, leave) = self.lead(view, routing);
        let mut answer = Answer { trouble: lead.trouble, ..Answer::default() };
        for (seen, wanted) in self.services(view) {
            tell(view.now, seen, &Told { leave, ..self.told(wanted, &ends, routing) }, &mut answer);
        }
        // What is taken away from a subset goes before that leads elsewhere; what is given comes in another pass.
        answer.writes.extend(lead.writes);
        answer.trouble = answer.trouble.or_else(|| self.unrouted(view, routing, &ends));
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let routing = Routing {
            canary: canary.clone(),
            stable: stable.clone(),
            weight: Weight::new(0, self.client.max),
            additional: Vec::new(),
            routes: Vec::new(),
        };
        let ends = self.ends(canary, stable);
        let mut answer = Answer::default();
        // What is not there, or has other routes by now, is nobody's to clean up.
        for (seen, wanted) in self.services(view) {
            let Ok(before) = seen.found() else { continue };
            let after = self.told(wanted, &ends, &routing).undo(before);
            answer.add(Ok(seen.turned_into(before, &after)));
        }
        // Subsets lead to every pod again only when no route sends anything to the canary's.
        if answer.is_nothing() {
            for (seen, rule) in self.rules(view) {
                let Ok(before) = seen.found() else { continue };
                answer.add(Ok(seen.turned_into(before, &rule.undo(before))));
            }
        }
        answer
    }
}
