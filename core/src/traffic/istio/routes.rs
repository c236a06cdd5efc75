//! The routes of a `VirtualService`: their weights, and what is written down about them.

use serde_json::{Value, json};

use super::super::Routing;
use super::super::cookie::{self, Cookie};
use super::super::memory::{Memories, Memory, forget};
use super::super::retold::{self, leads};
use super::super::routers::Client;
use super::ends::{self, Ends};
use super::heard::heard;
use super::select::{Place, Protocol, Selected, select};
use super::weights::{self, Leave, Shares};
use super::{affinity, managed};
use crate::api::IstioVirtualService;

/// What a VirtualService is told.
#[derive(Clone, Debug)]
pub(super) struct Told<'a> {
    pub(super) client: &'a Client,
    pub(super) wanted: &'a IstioVirtualService,
    pub(super) ends: &'a Ends,
    pub(super) routing: &'a Routing,
    /// Whether the destinations are subsets of a DestinationRule.
    pub(super) by_subset: bool,
    /// What keeps clients on the canary.
    pub(super) cookie: Option<Cookie<'a>>,
    pub(super) leave: Leave,
}

/// The canary's share in each route that carries the weights, out of all of them.
pub(super) fn shares(object: &Value, wanted: &IstioVirtualService, ends: &Ends, client: &Client) -> Vec<i32> {
    let places = select(object, wanted, ends, &managed::names(object, client)).places;
    places.into_iter().map(|place| weights::share(at(object, place), ends, client.max)).collect()
}

/// Whether any route of a VirtualService leads to a subset.
pub(super) fn leads_to(object: &Value, name: &str) -> bool {
    let all = Protocol::ALL.iter().flat_map(|protocol| protocol.routes(object));
    all.flat_map(ends::entries).any(|entry| ends::subset(entry) == name)
}

fn at(object: &Value, (protocol, index): Place) -> &Value {
    &protocol.routes(object)[index]
}

impl Told<'_> {
    /// The VirtualService that says so, and what keeps it from saying all.
    ///
    /// The same weights in other numbers have it read again: whoever has heard of them has heard of whatever happened before, such
    /// as a Service that leads elsewhere.
    pub(super) fn apply(&self, before: &Value) -> (Value, Option<String>) {
        let mut memories = Memories::of(before, self.client);
        let old = memories.get().cloned().unwrap_or_default();
        let heard = heard(before);
        let leads = leads(self.routing);
        // Where nobody says what was heard, telling it again proves nothing; and a subset's move is written into another object.
        let is_news = heard.is_some() && !self.by_subset && old.leads != leads;
        let kept = if heard.is_none() || (heard == Some(true) && self.is_at_rest()) { 1 } else { self.scale(before) };
        let (same, plain) = (self.written(before, &old, kept), self.written(before, &old, 1));
        let (mut after, why) = match (same.0 != *before, is_news) {
            (false, false) => same,
            _ if plain.0 != *before => plain,
            _ => self.written(before, &old, 2),
        };
        let remembers = (heard.is_some() && !self.by_subset) || after != *before;
        if remembers && self.leave != Leave::Nothing {
            let cookie = match &self.cookie {
                Some(_) if self.keeps_cookie() => old.cookie.clone(),
                cookie => cookie.as_ref().map(|cookie| cookie.name.to_owned()),
            };
            let experiments = retold::experiments(self.routing);
            let rules = managed::made(&after, self.client, self.routing);
            let memory = Memory { leads, experiments, cookie, rules, ..old };
            memories.set(Some(memory).filter(|memory| *memory != Memory::default()));
            memories.write(&mut after);
        }
        (after, why)
    }

    /// The VirtualService without anything that it was told.
    pub(super) fn undo(&self, before: &Value) -> Value {
        let old = Memories::of(before, self.client).get().cloned().unwrap_or_default();
        let (mut after, _) = self.written(before, &old, 1);
        forget(&mut after, self.client);
        after
    }

    /// Whether routes for certain requests can be added to a VirtualService.
    pub(super) fn takes_routes(&self, object: &Value) -> bool {
        self.selected(object).places.iter().any(|(protocol, _)| *protocol == Protocol::Http)
    }

    /// Whether nothing is on its way: all goes to one revision, by the numbers of the manifest.
    fn is_at_rest(&self) -> bool {
        let Routing { canary, stable, weight, additional, routes } = self.routing;
        weight.value() == 0 && canary.hash == stable.hash && additional.is_empty() && routes.is_empty()
    }

    /// Whether the cookie stays as it is for now: nothing new leads to the canary until its subset does.
    fn keeps_cookie(&self) -> bool {
        self.leave != Leave::Free && self.cookie.is_some()
    }

    fn selected(&self, object: &Value) -> Selected {
        select(object, self.wanted, self.ends, &managed::names(object, self.client))
    }

    /// The numbers in which the routes speak now.
    fn scale(&self, object: &Value) -> i64 {
        let max = self.routing.weight.max();
        let places = self.selected(object).places.into_iter();
        places.map(|place| weights::scale(at(object, place), self.ends, max)).max().unwrap_or(1)
    }

    /// The VirtualService with its weights, in these numbers, and its routes; and what keeps them from being complete.
    fn written(&self, before: &Value, was: &Memory, scale: i64) -> (Value, Option<String>) {
        let Selected { places, unclear } = self.selected(before);
        let why = unclear.map(|unclear| format!("{unclear}; mend its routes, or name others in trafficRouting.istio"));
        let mut after = before.clone();
        if self.leave == Leave::Nothing {
            return (after, why);
        }
        let leads = leads(self.routing);
        let gone = was.experiments.iter().filter(|name| !leads.contains_key(*name)).cloned().collect();
        let Told { ends, routing, by_subset, leave, .. } = *self;
        let shares = Shares { ends, routing, by_subset, gone: &gone, leave };
        for (protocol, index) in &places {
            if let Some(route) = after["spec"][protocol.field()].get_mut(*index) {
                shares.write(route, scale);
                if *protocol == Protocol::Http && !self.keeps_cookie() {
                    affinity::mark(self.cookie.as_ref(), was.cookie.as_deref(), route, ends);
                }
            }
        }
        let http: Vec<usize> = places.iter().filter(|(kind, _)| *kind == Protocol::Http).map(|(_, at)| *at).collect();
        let routes = Protocol::Http.routes(&after);
        if routes.is_empty() {
            return (after, why);
        }
        let sources: Vec<&Value> = http.iter().map(|at| &routes[*at]).collect();
        // Nothing new leads to the canary until its subset does.
        let is_there = |name: &str| routes.iter().any(|route| route["name"] == name);
        let allowed = routing.routes.iter().filter(|route| leave == Leave::Free || is_there(route.name()));
        let (mut made, wrong) = managed::routes(allowed, &sources, ends);
        let name = cookie::route_name(self.client);
        if self.keeps_cookie() {
            made.extend(routes.iter().filter(|route| route["name"] == name.as_str()).cloned());
        } else if let Some(cookie) = &self.cookie {
            let each = sources.iter().filter_map(|source| affinity::route(cookie, &name, source, ends).ok().flatten());
            made.extend(each);
        }
        let put = managed::put(routes, made, &managed::names(before, self.client), http.first().copied());
        after["spec"]["http"] = json!(put);
        (after, why.or(wrong))
    }
}
