//! Data planes behind plugins: programs that are asked, not objects that are written.
//!
//! What is known of one stands in the place of an object: a [`Heard`], under a kind that no API server has. The writes are calls
//! ([`Tell`]); a write is done when the call is on its way, and what came of it is the next observation. Nothing is remembered
//! across a restart of the controller: a plugin is asked what its data plane does before it is told anything.

mod share;
mod words;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sluice_plugin::{Apply, Observation, Observe, Release, Subject, capability};

use super::object::{Pick, Plane, Query, RouteAction, RouteWrite, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::{Destination, Route, Routing};
use crate::object_kind::ObjectKind;
use crate::sight::Sight;

/// The kind under which plugins are asked for.
pub const ROUTER_PLUGIN: ObjectKind =
    ObjectKind { group: "", kind: "TrafficRouterPlugin", plural: "plugins", versions: &["1"] };

/// A call of a traffic router plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tell {
    /// What does its data plane do? Asked before it is told anything.
    Observe(Observe),
    /// This is to be.
    Apply(Apply),
    /// It is not wanted any more.
    Release(Release),
}

impl Tell {
    /// The routing that an observation in the answer speaks of.
    pub fn routing(&self) -> Option<&sluice_plugin::Routing> {
        match self {
            Tell::Observe(call) => Some(&call.routing),
            Tell::Apply(call) => Some(&call.routing),
            Tell::Release(_) => None,
        }
    }
}

/// What is known of the data plane of a plugin, for one rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// What the plugin can do besides; `None` while it is not there.
    pub capabilities: Option<BTreeSet<String>>,
    /// What it was told last, as far as it has answered.
    pub told: Option<Tell>,
    /// What it is being told, until it answers.
    pub telling: Option<Tell>,
    /// The routing that was asked for last, and what the data plane does of it.
    pub seen: Option<(sluice_plugin::Routing, Observation)>,
    /// What it was told since then without an answer: it may do that too.
    pub maybe: Vec<sluice_plugin::Routing>,
    /// Why there is no answer.
    pub trouble: Option<String>,
}

impl Heard {
    /// As an object.
    pub fn to_object(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// A plugin that a rollout names.
#[derive(Debug)]
pub(super) struct Plugin {
    client: Client,
    name: String,
    config: Value,
}

impl Plugin {
    pub(super) fn new(client: &Client, name: &str, config: &Value) -> Plugin {
        Plugin { client: client.clone(), name: name.to_owned(), config: config.clone() }
    }

    fn rollout(&self) -> Subject {
        let Client { namespace, name, uid, .. } = self.client.clone();
        Subject { namespace, name, uid }
    }

    fn trouble(&self, message: impl Into<String>) -> Trouble {
        Trouble { object: format!("{}/{}", ROUTER_PLUGIN.kind, self.name), message: message.into() }
    }

    /// What is known; nothing where another router of the rollout speaks with the same plugin.
    fn heard(view: View<'_>) -> Option<Heard> {
        let found = view.objects.iter().find_map(|seen| seen.found().ok())?;
        serde_json::from_value(found.clone()).ok()
    }

    fn write(&self, tell: Tell) -> Answer {
        let write = RouteWrite {
            kind: ROUTER_PLUGIN,
            version: String::new(),
            namespace: self.client.namespace.clone(),
            name: self.name.clone(),
            action: RouteAction::Tell(Box::new(tell)),
        };
        Answer { writes: vec![write], ..Answer::default() }
    }

    /// What the plugin says that it cannot do of a routing.
    fn lacks(&self, heard: &Heard, routing: &Routing) -> Option<Trouble> {
        let can = heard.capabilities.as_ref()?;
        let needs = |route: &Route| match route {
            Route::Header(_) => ("setHeaderRoute", capability::HEADER_ROUTES),
            Route::Mirror(_) => ("setMirrorRoute", capability::MIRROR_ROUTES),
        };
        let experiments = (!routing.additional.is_empty()).then_some(("experiments", capability::ADDITIONAL));
        let needed = routing.routes.iter().map(needs).chain(experiments);
        let (what, capability) = needed.into_iter().find(|(_, capability)| !can.contains(*capability))?;
        Some(self.trouble(format!("the plugin does not do {what}: it has no capability {capability:?}")))
    }
}

impl TrafficRouter for Plugin {
    fn name(&self) -> &str {
        &self.name
    }

    fn queries(&self) -> Vec<Query> {
        let pick = Pick::Plugin(Box::new(Plane {
            plugin: self.name.clone(),
            rollout: self.rollout(),
            config: self.config.to_string(),
        }));
        vec![Query { kind: ROUTER_PLUGIN, namespace: self.client.namespace.clone(), pick }]
    }

    fn observe(&self, view: View<'_>, canary: &Destination, _: &Destination) -> Observed {
        let Some(heard) = Plugin::heard(view) else { return Observed::default() };
        let max = self.client.max;
        let seen = heard.seen.as_ref();
        let (mut lowest, mut highest) = seen.map_or((0, max), |(asked, it)| share::of(asked, it, canary, max));
        let mut has_routes = seen.is_none_or(|(_, it)| it.has_routes);
        let telling = heard.telling.as_ref().filter(|telling| !matches!(telling, Tell::Observe(_)));
        // It may have heard already.
        for routing in telling.and_then(Tell::routing).into_iter().chain(&heard.maybe) {
            let to = share::of(routing, &Observation::of(routing), canary, max);
            (lowest, highest) = (lowest.min(to.0), highest.max(to.1));
            has_routes |= !routing.routes.is_empty();
        }
        let it = seen.map(|(_, it)| it);
        let message = heard.trouble.as_ref().or(it.and_then(|it| it.message.as_ref()));
        let is_sure = heard.telling.is_none() && heard.maybe.is_empty() && heard.trouble.is_none() && it.is_some();
        let verified = if is_sure { it.and_then(|it| it.verified) } else { Some(false) };
        Observed {
            lowest,
            highest,
            verified,
            behind: (verified == Some(false)).then(|| format!("{}/{}", ROUTER_PLUGIN.kind, self.name)),
            lag: it.and_then(|it| it.behind.as_ref()).map(|part| format!("{part} is behind")),
            aws: None,
            until: None,
            trouble: message.map(|message| self.trouble(message)),
            has_routes,
            hash: it.and_then(|it| it.hash.clone()).filter(|_| canary.service.is_empty()),
        }
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let Some(heard) = Plugin::heard(view) else { return Answer::default() };
        let config = self.config.clone();
        let (wanted, unclear) = words::routing(routing, self.client.max);
        let unclear = unclear.map(|message| self.trouble(message));
        if let Some(trouble) = unclear.or_else(|| self.lacks(&heard, routing)) {
            return Answer { trouble: Some(trouble), ..Answer::default() };
        }
        if heard.seen.is_none() {
            return match heard.telling {
                None => self.write(Tell::Observe(Observe { rollout: self.rollout(), config, routing: wanted })),
                // One that cannot say what it does may still do what it is told.
                Some(Tell::Observe(_)) if heard.trouble.is_some() => {
                    self.write(Tell::Apply(Apply { rollout: self.rollout(), config, routing: wanted }))
                }
                Some(Tell::Observe(_)) => Answer::default(),
                Some(telling) => self.unless_told(Some(&telling), wanted, true),
            };
        }
        let agrees = heard.seen.as_ref().is_some_and(|(asked, it)| share::agrees(asked, it, &wanted));
        match heard.telling.filter(|telling| !matches!(telling, Tell::Observe(_))) {
            Some(telling) => self.unless_told(Some(&telling), wanted, true),
            None => self.unless_told(heard.told.as_ref(), wanted, agrees),
        }
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let Some(heard) = Plugin::heard(view) else { return Answer::default() };
        if heard.telling.is_none() && matches!(heard.told, Some(Tell::Release(_))) {
            return Answer::default();
        }
        if matches!(heard.telling, Some(Tell::Release(_))) {
            let trouble = heard.trouble.map(|why| {
                let way_out = "configure it again, or remove the annotation rollout.argoproj.io/routes-by";
                self.trouble(format!("{why}; the plugin has to take back what it did: {way_out}"))
            });
            let behind = Some(format!("{}/{}", ROUTER_PLUGIN.kind, self.name));
            return Answer { trouble, behind, ..Answer::default() };
        }
        let (canary, stable) = (words::destination(canary), words::destination(stable));
        self.write(Tell::Release(Release { rollout: self.rollout(), config: self.config.clone(), canary, stable }))
    }
}

impl Plugin {
    /// Nothing where this was said last and `holds`; the call otherwise.
    fn unless_told(&self, last: Option<&Tell>, routing: sluice_plugin::Routing, holds: bool) -> Answer {
        let apply = Tell::Apply(Apply { rollout: self.rollout(), config: self.config.clone(), routing });
        if holds && last == Some(&apply) { Answer::default() } else { self.write(apply) }
    }
}

impl Plane {
    /// What is known of it, in the place of an object.
    pub fn seen(&self, heard: &Heard) -> Seen {
        Seen {
            kind: ROUTER_PLUGIN,
            namespace: self.rollout.namespace.clone(),
            name: format!("{} {}", self.plugin, self.config),
            object: Sight::Found(heard.to_object()),
        }
    }
}

impl Tell {
    /// Whose call it is.
    pub fn plane(&self, plugin: &str) -> Plane {
        let (rollout, config) = match self {
            Tell::Observe(call) => (&call.rollout, &call.config),
            Tell::Apply(call) => (&call.rollout, &call.config),
            Tell::Release(call) => (&call.rollout, &call.config),
        };
        Plane { plugin: plugin.to_owned(), rollout: rollout.clone(), config: config.to_string() }
    }
}

#[cfg(test)]
mod tests;
