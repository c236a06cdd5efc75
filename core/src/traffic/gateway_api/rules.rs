//! The rules of a route: their weights, and what is written down about them.

use serde_json::{Value, json};

use super::super::cookie::{self, Cookie};
use super::super::memory::{Memories, Memory};
use super::super::retold;
use super::super::routers::Client;
use super::super::share::{self, rescaled};
use super::super::{Destination, Routing};
use super::home::Home;
use super::{affinity, heard, managed};
use crate::api::SessionAffinity;
use crate::object_kind::ObjectKind;

/// What a route is told.
pub(super) struct Told<'a> {
    pub(super) kind: ObjectKind,
    pub(super) client: &'a Client,
    pub(super) home: Home<'a>,
    /// Whether rules for certain requests are added to it.
    pub(super) takes_rules: bool,
    pub(super) affinity: Option<&'a SessionAffinity>,
    pub(super) routing: &'a Routing,
}

impl Told<'_> {
    /// The route that says so, and whether any canary gets requests by it.
    pub(super) fn apply(&self, before: &Value) -> Result<(Value, bool), String> {
        let written = |was: &Memory, next: &Memory| self.written(before, was, next);
        let after = retold::tell(before, self.client, self.routing, heard::heard(before), written)?;
        let busy = Memories::of(&after, self.client).any_busy();
        Ok((after, busy))
    }

    /// The route without anything that it was told.
    pub(super) fn undo(&self, before: &Value) -> Value {
        let memory = Memories::of(before, self.client).get().cloned().unwrap_or_default();
        let plain = Memory { doubled: false, ..memory.clone() };
        self.written(before, &memory, &plain).map_or_else(|_| before.clone(), |(route, _)| route)
    }

    /// The route with its weights and rules, and what is to be remembered of the latter.
    fn written(&self, before: &Value, was: &Memory, next: &Memory) -> Result<(Value, Memory), String> {
        let mut route = before.clone();
        let all = route["spec"]["rules"].as_array().cloned().unwrap_or_default();
        let mut rules: Vec<Value> =
            all.iter().filter(|rule| !managed::is_managed(rule, self.client, self.home, was)).cloned().collect();
        let mut sources = Vec::new();
        let cookie = Cookie::of(self.affinity, self.routing);
        for rule in &mut rules {
            if self.weigh(rule, was, next, cookie.as_ref()) {
                sources.push(rule.clone());
            }
        }
        let Routing { canary, stable, .. } = self.routing;
        if sources.is_empty() {
            return Err(match canary.service.as_str() {
                "" => {
                    format!("none of its rules has the Service {:?}{} as a backend", stable.service, self.home.named())
                }
                canary => format!(
                    "none of its rules has both Services {:?} and {canary:?}{} as backends; add the one that is missing, with weight 0",
                    stable.service,
                    self.home.named()
                ),
            });
        }
        let mut made =
            if self.takes_rules { managed::rules(self.kind, self.home, self.routing, &sources)? } else { Vec::new() };
        if let Some(cookie) = &cookie {
            let rule = |source: &Value| affinity::rule(cookie, self.home, self.routing, source);
            made.extend(managed::named(&cookie::route_name(self.client), &sources, rule)?);
        }
        let remembered = made.iter().map(managed::remembered).collect();
        managed::without_dropped_names(&mut made, &all, was);
        rules.splice(0..0, made);
        route["spec"]["rules"] = json!(rules);
        let cookie = cookie.map(|cookie| cookie.name.to_owned());
        Ok((route, Memory { rules: remembered, cookie, ..next.clone() }))
    }

    /// Gives the backends of a rule their weights. Says whether it is one of this rollout's.
    fn weigh(&self, rule: &mut Value, was: &Memory, next: &Memory, cookie: Option<&Cookie<'_>>) -> bool {
        let (home, Routing { canary, stable, weight, additional, .. }) = (self.home, self.routing);
        let Some(backends) = rule["backendRefs"].as_array_mut() else { return false };
        let has = |service: &str| backends.iter().any(|backend| home.is(backend, service));
        let both = has(&stable.service) && (canary.service.is_empty() || has(&canary.service));
        if !both {
            return false;
        }
        // What experiments had is known by the names that they had.
        let gone = |backend: &Value| {
            was.experiments.iter().any(|service| home.is(backend, service))
                && ![canary, stable].iter().any(|to| home.is(backend, &to.service))
                && !additional.iter().any(|(to, _)| home.is(backend, &to.service))
        };
        backends.retain(|backend| !gone(backend));
        let template = backends.iter().find(|backend| home.is(backend, &stable.service)).cloned();
        for (to, _) in additional {
            if let Some(template) = template.as_ref().filter(|_| !backends.iter().any(|it| home.is(it, &to.service))) {
                let mut backend = template.clone();
                backend["name"] = json!(to.service);
                backends.push(backend);
            }
        }
        let scale = if next.doubled { 2 } else { 1 };
        for backend in backends {
            let share =
                |to: &Destination, weight: i32| home.is(backend, &to.service).then_some(i64::from(weight) * scale);
            let own = (!canary.service.is_empty())
                .then(|| share(canary, weight.value()).or_else(|| share(stable, self.routing.rest())))
                .flatten()
                .or_else(|| additional.iter().find_map(|(to, weight)| share(to, *weight)));
            let now = backend["weight"].as_i64().unwrap_or(1);
            let weight = own.unwrap_or_else(|| rescaled(now, was, next));
            if weight != now {
                backend["weight"] = json!(weight);
            }
            affinity::mark(cookie, was.cookie.as_deref(), home.is(backend, &canary.service), backend);
        }
        true
    }
}

/// The canary's share in each rule that has both Services, out of `max`. Where weights add up to something else, which somebody
/// else has written, it is rounded up.
pub(super) fn shares(route: &Value, client: &Client, canary: &str, stable: &str) -> Vec<i32> {
    let (max, home) = (client.max, Home::of(route, client));
    let memory = Memories::of(route, client).get().cloned().unwrap_or_default();
    let scale = if memory.doubled { 2 } else { 1 };
    let rules = route["spec"]["rules"].as_array().into_iter().flatten();
    let rules = rules.filter(|rule| !managed::is_managed(rule, client, home, &memory));
    let share = |rule: &Value| {
        let backends = rule["backendRefs"].as_array()?;
        let weight = |service: &str| backends.iter().find(|it| home.is(it, service)).map(weight_of);
        let (canary_has, stable_has) = (weight(canary)?, weight(stable)?);
        let extra = |backend: &&Value| memory.experiments.iter().any(|name| home.is(backend, name));
        let all = canary_has + stable_has + backends.iter().filter(extra).map(weight_of).sum::<i64>();
        if all == i64::from(max) * scale {
            return i32::try_from(canary_has / scale).ok();
        }
        Some(share::share(canary_has, canary_has + stable_has, max))
    };
    rules.filter_map(share).collect()
}

fn weight_of(backend: &Value) -> i64 {
    share::weight_of(backend, 1)
}
