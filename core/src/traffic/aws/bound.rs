//! The target groups that are bound to the active Service of blue-green. Nothing is told to them: the load balancer controller
//! registers the pods of the Service, and AWS says when it has done so.

use std::sync::Arc;

use super::super::object::{Query, Trouble};
use super::super::router::{Answer, FromAws, Observed, TrafficRouter, View};
use super::super::{Destination, Routing};
use super::{Said, TARGET_GROUPS, lacking, query};
use crate::api::Rollout;
use crate::strategy::Strategy;

/// The target groups of one Service.
#[derive(Debug)]
struct Bound {
    namespace: String,
    service: String,
}

/// What has to be asked of AWS beside what the routers of a manifest ask.
pub fn bound(rollout: &Rollout) -> Option<Arc<dyn TrafficRouter>> {
    let Some(Strategy::BlueGreen(blue_green)) = Strategy::of(rollout) else { return None };
    let namespace = rollout.metadata.namespace.clone().unwrap_or_default();
    Some(Arc::new(Bound { namespace, service: blue_green.active_service.clone() }))
}

impl TrafficRouter for Bound {
    fn name(&self) -> &'static str {
        "TargetGroups"
    }

    fn queries(&self) -> Vec<Query> {
        Vec::new()
    }

    fn asks(&self) -> Vec<Query> {
        vec![query(TARGET_GROUPS, &self.namespace, &self.service)]
    }

    fn observe(&self, view: View<'_>, _: &Destination, stable: &Destination) -> Observed {
        let Some(said) = Said::of(view.objects, TARGET_GROUPS, &self.service) else { return Observed::default() };
        let service = || format!("Service/{}", self.service);
        let (behind, lag) = match said.services.get(&self.service) {
            None => (Some(service()), Some("AWS has not been asked about its target groups yet".to_owned())),
            // A Service that no target group is bound to is none of AWS's.
            Some(_) if said.groups.is_empty() && said.wrong.is_none() => return Observed::default(),
            Some(led) => {
                let lacks = |group| Some((group, lacking(group, led, Some(&stable.hash), false)?));
                let lacks = said.groups.values().find_map(lacks);
                lacks.map_or((None, None), |(group, lacks)| {
                    (Some(format!("{}/{}", TARGET_GROUPS.kind, group.name)), Some(lacks))
                })
            }
        };
        let unknown = said.wrong.as_ref().filter(|_| behind.is_some() || said.groups.is_empty());
        let trouble = unknown.map(|wrong| Trouble { object: service(), message: wrong.message.clone() });
        Observed {
            verified: Some(behind.is_none() && trouble.is_none()),
            behind: behind.or_else(|| trouble.as_ref().map(|trouble| trouble.object.clone())),
            lag,
            trouble,
            aws: Some(FromAws { is_mute: said.wrong.is_some(), ..FromAws::default() }),
            ..Observed::default()
        }
    }

    fn change(&self, _: View<'_>, _: &Routing) -> Answer {
        Answer::default()
    }

    fn release(&self, _: View<'_>, _: &Destination, _: &Destination) -> Answer {
        Answer::default()
    }
}
