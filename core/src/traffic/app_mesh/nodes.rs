//! The virtual nodes: which pods each of them has.
//!
//! A pod must not have the labels of two nodes, or the mesh refuses to start it. So where both Services lead to the same version, the
//! canary's node has none, by a label that no pod has.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::Routing;
use super::super::memory::forget;
use super::super::object::{RouteWrite, Seen, Trouble};
use super::super::router::{Observed, View};
use super::super::routers::Client;
use super::super::share;
use super::{VIRTUAL_NODE, heard};
use crate::api::labels::POD_TEMPLATE_HASH;

/// What the canary's node selects while there is no canary.
const NO_CANARY: &str = "canary";

fn node<'a>(view: View<'a>, name: &str) -> Option<&'a Seen> {
    view.objects.iter().find(|seen| seen.kind == VIRTUAL_NODE && seen.name == name)
}

/// The virtual nodes of one rollout.
#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) namespace: String,
    pub(super) canary: String,
    pub(super) stable: String,
}

impl Nodes {
    /// Those that are there.
    pub(super) fn found<'a>(&self, view: View<'a>) -> Vec<(&'a Seen, &'a Value)> {
        let nodes = [&self.canary, &self.stable].into_iter().filter_map(|name| node(view, name));
        nodes.filter_map(|seen| Some((seen, seen.found().ok()?))).collect()
    }

    /// Which revision each is to have; `None` where it is to stay as it is. A node that gets requests keeps its pods.
    pub(super) fn told<'a>(
        &self,
        view: View<'a>,
        routing: &Routing,
        has_requests: bool,
    ) -> Vec<(&'a Seen, Option<String>)> {
        let Routing { canary, stable, .. } = routing;
        let known = |hash: &String| Some(hash.clone()).filter(|hash| !hash.is_empty());
        let is_idle = canary.hash == stable.hash && routing.weight.value() == 0;
        let of_canary = match (is_idle, has_requests) {
            (true, true) => None,
            (true, false) => Some(NO_CANARY.to_owned()),
            (false, _) => known(&canary.hash),
        };
        let pairs = [(&self.canary, of_canary), (&self.stable, known(&stable.hash))];
        pairs.into_iter().filter_map(|(name, hash)| Some((node(view, name)?, hash))).collect()
    }

    /// Whether the canary's node and the stable one may get more requests: not before they are known to have their pods. To a stable
    /// node that is not there everything goes back all the same.
    pub(super) fn may_grow(&self, client: &Client, view: View<'_>, routing: &Routing) -> (bool, bool) {
        let has = |name: &str, hash: &str, otherwise: bool| {
            let found = node(view, name).and_then(|seen| Some((seen, seen.found().ok()?)));
            found.map_or(otherwise, |(seen, node)| {
                let observed = Observed { verified: heard(node), ..Observed::default() };
                selected(node) == Some(hash) && client.believe(observed, view.now, [seen]).verified != Some(false)
            })
        };
        let Routing { canary, stable, .. } = routing;
        (has(&self.canary, &canary.hash, false), stable.hash.is_empty() || has(&self.stable, &stable.hash, true))
    }

    /// Leaves the nodes to whoever comes next: the stable one has the pods of every revision, as far as it has other labels to know
    /// them by, and the canary's none.
    pub(super) fn released(&self, client: &Client, view: View<'_>) -> Vec<RouteWrite> {
        let found = |name: &str| node(view, name).and_then(|seen| Some((seen, seen.found().ok()?)));
        let forgotten = |seen: &Seen, node: &Value, mut after: Value| {
            forget(&mut after, client);
            seen.turned_into(node, &after)
        };
        let canary = found(&self.canary).and_then(|(seen, node)| {
            let led = selected(node).map_or_else(|| node.clone(), |_| selecting(node, NO_CANARY));
            forgotten(seen, node, led)
        });
        let stable = found(&self.stable).and_then(|(seen, node)| {
            let mut after = node.clone();
            let labels = after.pointer_mut("/spec/podSelector/matchLabels").and_then(Value::as_object_mut);
            if let Some(labels) = labels.filter(|labels| labels.keys().any(|label| label != POD_TEMPLATE_HASH)) {
                labels.remove(POD_TEMPLATE_HASH);
            }
            forgotten(seen, node, after)
        });
        canary.into_iter().chain(stable).collect()
    }

    /// Whether a destination of a route is a node.
    pub(super) fn is(&self, target: &Value, name: &str) -> bool {
        let reference = &target["virtualNodeRef"];
        let namespace = reference["namespace"].as_str().unwrap_or(&self.namespace);
        reference["name"] == name && namespace == self.namespace
    }
}

/// The write that gives a node its pods.
pub(super) fn tell(
    client: &Client,
    now: Timestamp,
    seen: &Seen,
    hash: Option<&str>,
    routing: &Routing,
) -> Result<Option<RouteWrite>, Trouble> {
    let before = seen.found()?;
    let mut after = hash.map_or_else(|| before.clone(), |hash| selecting(before, hash));
    client.date(now, before, &mut after, routing);
    Ok(seen.turned_into(before, &after))
}

fn selected(node: &Value) -> Option<&str> {
    node["spec"]["podSelector"]["matchLabels"][POD_TEMPLATE_HASH].as_str()
}

/// A node that has the pods of a revision.
fn selecting(node: &Value, hash: &str) -> Value {
    let mut node = node.clone();
    let Some(spec) = node.get_mut("spec").and_then(Value::as_object_mut) else { return node };
    let selector = spec.entry("podSelector").or_insert_with(|| json!({}));
    let mut labels = selector["matchLabels"].clone();
    share::set(&mut labels, POD_TEMPLATE_HASH, json!(hash));
    share::set(selector, "matchLabels", labels);
    node
}
