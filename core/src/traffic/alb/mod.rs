//! The AWS load balancer controller: weights are the action of an Ingress, in an annotation.
//!
//! Paths of the Ingress lead to a Service by the name of the action, through the port `use-annotation`. Names, texts and the list of
//! what was written (`managed-alb-annotations`) are those of Argo Rollouts. Annotations raise no generation, so the Ingress does not
//! say whether the load balancer has heard; where AWS is asked (`proof`), it does.

mod action;
mod managed;
mod proof;
mod routes;

use std::borrow::Cow;

use serde_json::Value;

use self::action::TargetGroup;
pub(super) use self::action::groups;
pub(super) use self::managed::ACTIONS;
use self::managed::Managed;
use super::aws::{self, LOAD_BALANCERS};
use super::ingress::{self, INGRESS, annotation};
use super::memory::{Memories, set_entry};
use super::object::{Query, RouteWrite, Seen, Trouble};
use super::router::{Answer, Lag, Observed, TrafficRouter, View};
use super::routers::Client;
use super::{Destination, Route, Routing, Weight};
use crate::api::AlbTrafficRouting;

/// Prefix of the annotations where the manifest gives none.
const PREFIX: &str = "alb.ingress.kubernetes.io";

/// The Ingresses of one rollout.
#[derive(Debug)]
pub(super) struct Alb {
    client: Client,
    prefix: String,
    config: AlbTrafficRouting,
}

impl Alb {
    pub(super) fn new(client: &Client, config: &AlbTrafficRouting) -> Alb {
        let prefix = ingress::prefix(config.annotation_prefix.as_ref(), PREFIX);
        Alb { client: client.clone(), prefix, config: config.clone() }
    }

    /// The Service by whose name paths lead to the action.
    fn root<'a>(&'a self, stable: &'a Destination) -> &'a str {
        self.config.root_service.as_deref().filter(|root| !root.is_empty()).unwrap_or(&stable.service)
    }

    fn action_key(&self, name: &str) -> String {
        format!("{}{}{name}", self.prefix, managed::ACTIONS)
    }

    fn condition_key(&self, name: &str) -> String {
        format!("{}{}{name}", self.prefix, managed::CONDITIONS)
    }

    /// The annotations that say it, in the order in which they are written down, and why some routes cannot be made.
    fn annotations(&self, routing: &Routing) -> (Vec<(String, String)>, Vec<String>) {
        let port = self.config.service_port;
        let Routing { canary, stable, weight, additional, routes } = routing;
        let mut groups = vec![TargetGroup::new(&canary.service, port, weight.value())];
        groups.extend(additional.iter().map(|(to, share)| TargetGroup::new(&to.service, port, (*share).max(0))));
        groups.push(TargetGroup::new(&stable.service, port, routing.rest()));
        let forward = action::forward(groups, self.config.stickiness_config.as_ref());
        let root = self.root(stable);
        let mut annotations = vec![(self.action_key(root), forward)];
        let mut unclear = Vec::new();
        for route in routes::headers(routes) {
            match routes::conditions(route, root) {
                Ok(conditions) => {
                    let all = vec![TargetGroup::new(&canary.service, port, 100)];
                    annotations.push((self.action_key(&route.name), action::forward(all, None)));
                    annotations.push((self.condition_key(&route.name), conditions));
                }
                Err(why) => unclear.push(why),
            }
        }
        (annotations, unclear)
    }

    /// The Ingresses among what was found.
    fn ingresses(view: View<'_>) -> impl Iterator<Item = &Seen> {
        view.objects.iter().filter(|seen| seen.kind == INGRESS)
    }

    /// What is to be told to one Ingress, where AWS is asked: a destination gets no more requests than it has, by weight or by header,
    /// before its target group can take them. Says what is lacking. An abort waits for nothing.
    fn hold<'a>(&self, seen: &Seen, view: View<'_>, routing: &'a Routing) -> (Cow<'a, Routing>, Option<Lag>) {
        let Ok(ingress) = seen.found() else { return (Cow::Borrowed(routing), None) };
        let root = self.root(&routing.stable);
        let shares = self.shares(ingress, &routing.canary.service, root);
        let now = shares.into_iter().map(|(_, highest)| highest).max().unwrap_or(0);
        let max = routing.weight.max();
        let has_routes = routes::has_any(ingress, &Managed::of(ingress, &self.client, root).routes);
        let is_made = |route: &Route| annotation(ingress, &self.action_key(route.name())).is_some();
        let grows = routing.weight.value() > now || !routing.routes.iter().all(is_made);
        // Both lead to the same version: after a promotion nothing is in a hurry.
        let same = !routing.canary.hash.is_empty() && routing.canary.hash == routing.stable.hash;
        let lag = if grows {
            self.not_ready(seen, view, &routing.canary, now == 0 && !has_routes)
        } else if same && routing.weight.value() < now {
            self.not_ready(seen, view, &routing.stable, now == max)
        } else {
            None
        };
        if lag.is_none() {
            return (Cow::Borrowed(routing), None);
        }
        let mut held = Routing { weight: Weight::new(now, max), ..routing.clone() };
        if routing.weight.value() < now && !same {
            held.weight = routing.weight;
        }
        held.routes.retain(is_made);
        (Cow::Owned(held), lag)
    }

    /// What one Ingress needs to say it. One without a path for it is left alone, unless the router has written on it before.
    fn tell(&self, seen: &Seen, view: View<'_>, routing: &Routing) -> Answer {
        let (routing, held) = self.hold(seen, view, routing);
        let mut answer = Answer { held, ..Answer::default() };
        let before = match seen.found() {
            Ok(before) => before,
            Err(trouble) => return Answer { trouble: Some(trouble), ..answer },
        };
        let root = self.root(&routing.stable);
        let mut managed = Managed::of(before, &self.client, root);
        answer.trouble = not_led(seen, before, root);
        if answer.trouble.is_some() && managed.keys.is_empty() {
            return answer;
        }
        let (mut annotations, _) = self.annotations(&routing);
        let mut after = before.clone();
        let is_made = |name: &&str| annotations.iter().any(|(key, _)| *key == self.condition_key(name));
        let names: Vec<&str> =
            routes::headers(&routing.routes).map(|route| route.name.as_str()).filter(is_made).collect();
        routes::place(&mut after, root, &names, &managed.routes);
        let forward = annotations.first().map(|(_, text)| text.clone()).unwrap_or_default();
        let stale = managed.own().filter(|key| !annotations.iter().any(|(wanted, _)| wanted == *key));
        let stale: Vec<String> = stale.cloned().collect();
        for key in &stale {
            if managed.is_needed(&after, key) {
                annotations.push((key.clone(), forward.clone()));
            } else {
                set_entry(&mut after, "annotations", key, None);
            }
        }
        for (key, text) in &annotations {
            set_entry(&mut after, "annotations", key, Some(text));
        }
        managed.write(&mut after, annotations.iter().map(|(key, _)| key.as_str()));
        self.client.date(view.now, before, &mut after, &routing);
        answer.writes.extend(seen.turned_into(before, &after));
        answer
    }

    /// The write that leaves one Ingress to whoever comes next.
    fn leave(&self, seen: &Seen, stable: &Destination) -> Option<RouteWrite> {
        let before = seen.found().ok()?;
        let root = self.root(stable);
        let mut managed = Managed::of(before, &self.client, root);
        let mut after = before.clone();
        routes::place(&mut after, root, &[], &managed.routes);
        let only = action::forward(vec![TargetGroup::new(&stable.service, self.config.service_port, 100)], None);
        // An action of that name is its own, whether that is written down or not.
        let unlisted = Some(self.action_key(root)).filter(|key| annotation(before, key).is_some());
        for key in managed.own().chain(&unlisted) {
            let text = managed.is_needed(&after, key).then_some(only.as_str());
            set_entry(&mut after, "annotations", key, text);
        }
        managed.write(&mut after, std::iter::empty());
        let mut memories = Memories::of(&after, &self.client);
        if memories.get().is_some() {
            memories.set(None);
            memories.write(&mut after);
        }
        seen.turned_into(before, &after)
    }

    /// The lowest and the highest weight that one Ingress may give to the canary, by its action and those of names before that are
    /// still in use.
    fn shares(&self, ingress: &Value, canary: &str, root: &str) -> Vec<(i32, i32)> {
        let managed = Managed::of(ingress, &self.client, root);
        let current = self.action_key(root);
        let former = managed.own().filter(|key| **key != current && managed.is_needed(ingress, key));
        let text = |key: &String| annotation(ingress, key);
        let share = |key| text(key).map_or((0, 0), |text| action::share(text, canary, self.client.max));
        let (lowest, highest) = share(&current);
        // What no path leads to sends nothing anywhere.
        let own = if managed.is_needed(ingress, &current) { (lowest, highest) } else { (0, highest) };
        std::iter::once(own).chain(former.map(share)).collect()
    }
}

/// What keeps the paths of an Ingress from leading to the action.
fn not_led(seen: &Seen, ingress: &Value, root: &str) -> Option<Trouble> {
    let mut to_root = ingress::all_paths(ingress).filter(|path| ingress::leads_to(path, root)).peekable();
    if to_root.peek().is_none() {
        return Some(ingress::no_rules(seen, root));
    }
    let port = routes::USE_ANNOTATION;
    let message = format!(
        "no path to service {root} has the port {port:?}, without which its load balancer does not read the weights; set `port: {{name: {port}}}`"
    );
    (!to_root.any(routes::uses_annotation)).then(|| seen.trouble(message))
}

impl TrafficRouter for Alb {
    fn name(&self) -> &'static str {
        "ALB"
    }

    fn queries(&self) -> Vec<Query> {
        let names = ingress::names(&self.config.ingress, &self.config.ingresses);
        names.into_iter().map(|name| ingress::query(&self.client.namespace, name)).collect()
    }

    fn asks(&self) -> Vec<Query> {
        let names = ingress::names(&self.config.ingress, &self.config.ingresses);
        names.into_iter().map(|name| aws::query(LOAD_BALANCERS, &self.client.namespace, name)).collect()
    }

    fn observe(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Observed {
        let found: Vec<&Value> = Alb::ingresses(view).filter_map(|seen| seen.found().ok()).collect();
        let root = self.root(stable);
        let shares: Vec<(i32, i32)> =
            found.iter().flat_map(|ingress| self.shares(ingress, &canary.service, root)).collect();
        let has_routes = |ingress: &&Value| routes::has_any(ingress, &Managed::of(ingress, &self.client, root).routes);
        let observed = Observed {
            lowest: shares.iter().map(|(lowest, _)| *lowest).min().unwrap_or(0),
            highest: shares.iter().map(|(_, highest)| *highest).max().unwrap_or(0),
            has_routes: found.iter().any(has_routes),
            ..Observed::default()
        };
        let observed = self.prove(observed, view, canary, stable);
        self.client.believe(observed, view.now, Alb::ingresses(view))
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer::default();
        for seen in Alb::ingresses(view) {
            let one = self.tell(seen, view, routing);
            answer.writes.extend(one.writes);
            answer.trouble = answer.trouble.or(one.trouble);
            let is_held = one.held.is_some();
            answer.held = answer.held.or(one.held);
            answer.trouble = answer.trouble.or_else(|| Alb::wrong(seen, view).filter(|_| is_held));
        }
        let (_, unclear) = self.annotations(routing);
        let unclear = unclear.into_iter().next();
        answer.trouble = answer
            .trouble
            .or_else(|| unclear.map(|message| Trouble { object: format!("TrafficRouter/{}", self.name()), message }));
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let writes: Vec<_> = Alb::ingresses(view).filter_map(|seen| self.leave(seen, stable)).collect();
        // Where AWS is asked, it has to say that nothing goes to the canary any more.
        let behind = Alb::ingresses(view).filter(|_| writes.is_empty()).find_map(|seen| {
            let has_action = annotation(seen.found().ok()?, &self.action_key(self.root(stable))).is_some();
            self.lag(seen, view, canary, stable).filter(|_| has_action)
        });
        Answer { writes, behind: behind.map(|lag| lag.object), ..Answer::default() }
    }
}
