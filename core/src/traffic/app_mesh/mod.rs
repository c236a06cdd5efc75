//! AWS App Mesh: the weights of two virtual nodes in the routes of a virtual router, and which pods each of the nodes has.
//!
//! The App Mesh controller says in the status of each object which generation of it has been handed to App Mesh. A node gets more
//! requests only once it is known to have the pods of its revision.

mod nodes;
mod routes;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;

use self::nodes::Nodes;
use super::heard::{all, is_current};
use super::memory::forget;
use super::object::{Pick, Query, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::share;
use super::{Destination, Routing};
use crate::api::{AppMeshTrafficRouting, AppMeshVirtualNodeReference};
use crate::object_kind::ObjectKind;
use crate::sight::Sight;

const VIRTUAL_SERVICE: ObjectKind = kind("VirtualService", "virtualservices");
const VIRTUAL_ROUTER: ObjectKind = kind("VirtualRouter", "virtualrouters");
const VIRTUAL_NODE: ObjectKind = kind("VirtualNode", "virtualnodes");

const fn kind(kind: &'static str, plural: &'static str) -> ObjectKind {
    ObjectKind { group: "appmesh.k8s.aws", kind, plural, versions: &["v1beta2"] }
}

/// The objects of one rollout.
#[derive(Debug)]
pub(super) struct AppMesh {
    client: Client,
    service: String,
    /// Names of the routes that have the weights; all that lead to both nodes where it is empty.
    routes: Vec<String>,
    nodes: Nodes,
}

impl AppMesh {
    pub(super) fn new(client: &Client, config: &AppMeshTrafficRouting) -> AppMesh {
        let service = config.virtual_service.clone().unwrap_or_default();
        let group = config.virtual_node_group.clone().unwrap_or_default();
        let name = |node: Option<AppMeshVirtualNodeReference>| node.unwrap_or_default().name;
        let (canary, stable) = (name(group.canary_virtual_node_ref), name(group.stable_virtual_node_ref));
        AppMesh {
            client: client.clone(),
            service: service.name,
            routes: service.routes,
            nodes: Nodes { namespace: client.namespace.clone(), canary, stable },
        }
    }

    /// Whether the canary's node gets requests, or may still get some.
    fn reaches_canary(&self, router: &Value) -> bool {
        let shares = routes::shares(router, &self.routes, &self.nodes, &self.client);
        shares.iter().any(|share| *share > 0) || heard(router) == Some(false)
    }

    /// The virtual router behind the virtual service.
    fn router<'a>(&self, view: View<'a>) -> Result<(&'a Seen, &'a Value), Trouble> {
        let of_kind = |kind: ObjectKind| view.objects.iter().filter(move |seen| seen.kind == kind);
        let Some(service) = of_kind(VIRTUAL_SERVICE).find(|seen| seen.name == self.service) else {
            let message = "names no virtual service, so nothing carries the weights".to_owned();
            return Err(Trouble { object: "TrafficRouter/AppMesh".into(), message });
        };
        let reference = &service.found()?["spec"]["provider"]["virtualRouter"]["virtualRouterRef"];
        let Some(name) = reference["name"].as_str() else {
            return Err(
                service.trouble("it has no virtual router as its provider; give it one, with routes to both nodes")
            );
        };
        if reference["namespace"].as_str().is_some_and(|namespace| namespace != self.client.namespace) {
            let message = format!("its virtual router {name:?} is in another namespace than the Rollout; move it");
            return Err(service.trouble(message));
        }
        let unreadable = || of_kind(VIRTUAL_ROUTER).find(|seen| matches!(seen.object, Sight::Unreadable(_)));
        match of_kind(VIRTUAL_ROUTER).find(|seen| seen.name == name).or_else(unreadable) {
            Some(seen) => Ok((seen, seen.found()?)),
            None => Err(Trouble {
                object: format!("{}/{name}", VIRTUAL_ROUTER.kind),
                message: format!(
                    "{} {name:?} not found in namespace {:?}",
                    VIRTUAL_ROUTER.resource(),
                    self.client.namespace
                ),
            }),
        }
    }
}

/// Whether App Mesh has got an object as it is.
fn heard(object: &Value) -> Option<bool> {
    is_current(&object["status"], object)
}

/// Why it has not.
fn refusal(object: &Value) -> Option<String> {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let mut refused = conditions.filter(|it| it["status"] == "False" && heard(object) != Some(false));
    let said = refused.next()?["message"].as_str().unwrap_or_default();
    Some(format!("App Mesh does not take it up: {said}"))
}

impl TrafficRouter for AppMesh {
    fn name(&self) -> &'static str {
        "AppMesh"
    }

    fn queries(&self) -> Vec<Query> {
        let named =
            [(VIRTUAL_SERVICE, &self.service), (VIRTUAL_NODE, &self.nodes.canary), (VIRTUAL_NODE, &self.nodes.stable)];
        let query = |(kind, pick)| Query { kind, namespace: self.client.namespace.clone(), pick };
        let named = named.into_iter().filter(|(_, name)| !name.is_empty());
        let named = named.map(|(kind, name)| (kind, Pick::Named(name.clone())));
        // Which one it is stands in the virtual service alone.
        let any = (VIRTUAL_ROUTER, Pick::Labelled(LabelSelector::default()));
        named.chain([any]).map(query).collect()
    }

    fn observe(&self, view: View<'_>, _: &Destination, _: &Destination) -> Observed {
        let router = self.router(view).ok();
        let shares = router.map(|(_, router)| routes::shares(router, &self.routes, &self.nodes, &self.client));
        let objects: Vec<_> = router.into_iter().chain(self.nodes.found(view)).collect();
        let each: Vec<Option<bool>> = objects.iter().map(|(_, object)| heard(object)).collect();
        let trouble = objects.iter().find_map(|(seen, object)| Some(seen.trouble(refusal(object)?)));
        let lags = objects.iter().find(|(_, object)| heard(object) == Some(false));
        let observed = Observed {
            verified: if trouble.is_some() { Some(false) } else { all(&each) },
            behind: lags.map(|(seen, _)| seen.reference()),
            trouble,
            ..share::observed(&shares.unwrap_or_default())
        };
        self.client.believe(observed, view.now, objects.into_iter().map(|(seen, _)| seen))
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer::default();
        let router = self.router(view);
        let has_requests = router.as_ref().is_ok_and(|(_, router)| self.reaches_canary(router));
        for (seen, hash) in self.nodes.told(view, routing, has_requests) {
            answer.add(nodes::tell(&self.client, view.now, seen, hash.as_deref(), routing));
        }
        let (seen, before) = match router {
            Ok(found) => found,
            Err(trouble) => {
                answer.add(Err(trouble));
                return answer;
            }
        };
        let may_grow = self.nodes.may_grow(&self.client, view, routing);
        let (mut after, unfit) = routes::written(before, &self.routes, &self.nodes, routing, may_grow);
        self.client.date(view.now, before, &mut after, routing);
        answer.add(Ok(seen.turned_into(before, &after)));
        answer.trouble = answer.trouble.or(unfit.map(|message| seen.trouble(message)));
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, stable: &Destination) -> Answer {
        let mut answer = Answer::default();
        let routing = Routing::back_to(canary, stable, self.client.max);
        let router = self.router(view).ok();
        if let Some((seen, before)) = router {
            // What leads elsewhere by now is nobody's to clean up.
            let (mut after, _) = routes::written(before, &self.routes, &self.nodes, &routing, (true, true));
            forget(&mut after, &self.client);
            answer.add(Ok(seen.turned_into(before, &after)));
        }
        let nodes = self.nodes.released(&self.client, view);
        match router.filter(|(_, router)| self.reaches_canary(router)) {
            // As long as requests may go to the canary's node, it keeps its pods.
            Some((seen, _)) if !nodes.is_empty() => answer.behind = Some(seen.reference()),
            _ => answer.writes.extend(nodes),
        }
        answer
    }
}
