//! APISIX: the weights of two Services in the rules of an `ApisixRoute`, and for each header route a copy of it with those rules that
//! leads to the canary alone.
//!
//! The ingress controller of APISIX says in the status which generation of a route it has handed on.

mod copies;
mod rules;

use jiff::Timestamp;
use serde_json::Value;

use super::heard::{all, is_current};
use super::memory::{Memories, Memory, forget};
use super::object::{Pick, Query, RouteWrite, Seen, Trouble};
use super::retold;
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::share;
use super::{Destination, Routing};
use crate::api::ApisixTrafficRouting;
use crate::object_kind::ObjectKind;

const ROUTE: ObjectKind =
    ObjectKind { group: "apisix.apache.org", kind: "ApisixRoute", plural: "apisixroutes", versions: &["v2"] };

/// The routes of one rollout.
#[derive(Debug)]
pub(super) struct Apisix {
    client: Client,
    name: String,
    /// Names of the rules that have the weights; all that lead to both Services where it is empty.
    rules: Vec<String>,
}

impl Apisix {
    pub(super) fn new(client: &Client, config: &ApisixTrafficRouting) -> Apisix {
        let route = config.route.clone().unwrap_or_default();
        Apisix { client: client.clone(), name: route.name, rules: route.rules }
    }

    fn route<'a>(&self, view: View<'a>) -> Option<&'a Seen> {
        view.objects.iter().find(|seen| seen.name == self.name)
    }

    /// The copies that header routes may have.
    fn copies<'a>(&self, view: View<'a>) -> Vec<&'a Seen> {
        let is_copy = |seen: &&Seen| seen.name != self.name && self.client.managed.contains(&seen.name);
        view.objects.iter().filter(is_copy).collect()
    }

    /// The copies that are there.
    fn own_copies<'a>(&self, view: View<'a>) -> Vec<(&'a Seen, &'a Value)> {
        let found = self.copies(view).into_iter().filter_map(|seen| Some((seen, seen.found().ok()?)));
        found.filter(|(_, copy)| self.client.controls(copy)).collect()
    }

    /// The write that makes the route say it.
    fn tell(
        &self,
        now: Timestamp,
        seen: &Seen,
        before: &Value,
        routing: &Routing,
    ) -> Result<Option<RouteWrite>, Trouble> {
        let written = |was: &Memory, next: &Memory| {
            Ok((rules::written(before, &self.rules, &self.client, routing, (was, next))?, next.clone()))
        };
        let told = retold::tell(before, &self.client, routing, heard(before), written);
        let mut after = told.map_err(|message| seen.trouble(message))?;
        self.client.date(now, before, &mut after, routing);
        Ok(seen.turned_into(before, &after))
    }
}

/// Whether the ingress controller has seen a route as it is.
fn heard(route: &Value) -> Option<bool> {
    let conditions = route["status"]["conditions"].as_array().into_iter().flatten();
    let each: Vec<Option<bool>> = conditions.map(|condition| is_current(condition, route)).collect();
    all(&each)
}

/// Why it does not take the route up.
fn refusal(route: &Value) -> Option<String> {
    let conditions = route["status"]["conditions"].as_array().into_iter().flatten();
    let mut refused = conditions.filter(|it| it["status"] == "False" && is_current(it, route) != Some(false));
    let said = refused.next()?["message"].as_str().unwrap_or_default();
    Some(format!("APISIX does not take it up: {said}"))
}

impl TrafficRouter for Apisix {
    fn name(&self) -> &'static str {
        "Apisix"
    }

    fn queries(&self) -> Vec<Query> {
        let names = std::iter::once(&self.name).chain(self.client.managed.iter().filter(|name| **name != self.name));
        let query = |name: &String| Query {
            kind: ROUTE,
            namespace: self.client.namespace.clone(),
            pick: Pick::Named(name.clone()),
        };
        names.map(query).collect()
    }

    fn observe(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Observed {
        let route = self.route(view).and_then(|seen| Some((seen, seen.found().ok()?)));
        let shares = route.map(|(_, route)| rules::shares(route, &self.rules, &self.client, canary, stable));
        let copies = self.own_copies(view);
        let speaks = route.is_some_and(|(_, route)| heard(route).is_some());
        // Where one has a status, another one without has not been looked at yet.
        let says = |object: &Value| heard(object).or(speaks.then_some(false));
        let objects: Vec<_> = route.into_iter().chain(copies.iter().copied()).collect();
        let each: Vec<Option<bool>> = objects.iter().map(|(_, object)| says(object)).collect();
        let trouble = objects.iter().find_map(|(seen, object)| Some(seen.trouble(refusal(object)?)));
        let lags = objects.iter().find(|(_, object)| says(object) == Some(false));
        let observed = Observed {
            verified: if trouble.is_some() { Some(false) } else { all(&each) },
            behind: lags.map(|(seen, _)| seen.reference()),
            has_routes: !copies.is_empty(),
            trouble,
            ..share::observed(&shares.unwrap_or_default())
        };
        self.client.believe(observed, view.now, objects.into_iter().map(|(seen, _)| seen))
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer::default();
        let Some(seen) = self.route(view) else { return answer };
        // Shares of experiments are for the other routers of the rollout.
        let routing = &Routing { additional: Vec::new(), ..routing.clone() };
        let route = match seen.found() {
            Ok(route) => {
                answer.add(self.tell(view.now, seen, route, routing));
                let unfit = rules::unfit(route, &self.rules, &self.client, routing);
                answer.trouble = answer.trouble.or(unfit.map(|message| seen.trouble(message)));
                Some(route)
            }
            Err(trouble) => {
                answer.add(Err(trouble));
                None
            }
        };
        for copy in self.copies(view) {
            answer.add(copies::tell(view.now, copy, route, &self.rules, &self.client, routing));
        }
        if routing.routes.iter().any(|asked| asked.name() == self.name) {
            let message =
                "a route of managedRoutes has its name, under which its copy is to be made; rename that route";
            answer.add(Err(seen.trouble(message)));
        }
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let mut answer = Answer::default();
        if let Some((seen, before)) = self.route(view).and_then(|seen| Some((seen, seen.found().ok()?))) {
            let routing = Routing::back_to(canary, stable, self.client.max);
            let was = Memories::of(before, &self.client).get().cloned().unwrap_or_default();
            let plain = Memory { doubled: false, ..was.clone() };
            // What has other backends by now is nobody's to clean up.
            let told = rules::written(before, &self.rules, &self.client, &routing, (&was, &plain));
            let mut after = told.unwrap_or_else(|_| before.clone());
            forget(&mut after, &self.client);
            answer.add(Ok(seen.turned_into(before, &after)));
        }
        answer.writes.extend(self.copies(view).into_iter().filter_map(|seen| self.client.unmake(seen)));
        answer
    }
}
