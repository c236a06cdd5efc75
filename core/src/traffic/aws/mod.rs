//! What AWS says of load balancers: an observation like any other, although no API server has it.
//!
//! Whoever asks AWS answers [`TrafficRouter::asks`](super::TrafficRouter::asks) with [`Said`]. It is of one moment: it holds what AWS
//! had, and what the Ingress and the Services said when AWS was asked. So it stays true while pods come and go, and is no evidence
//! any more once an action or a revision is another one.

mod bound;
mod health;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::ingress::INGRESS;
pub use bound::bound;
pub(super) use health::lacking;

use super::object::{Pick, Query, Seen};
use crate::api::AwsResourceRef;
use crate::object_kind::ObjectKind;
use crate::sight::Sight;

/// The load balancers of an Ingress, by its name.
pub const LOAD_BALANCERS: ObjectKind = ObjectKind {
    group: "elasticloadbalancing.amazonaws.com",
    kind: "LoadBalancer",
    plural: "loadbalancers",
    versions: &["2015-12-01"],
};

/// The target groups that `TargetGroupBindings` bind to a Service, by the name of the Service.
pub const TARGET_GROUPS: ObjectKind = ObjectKind { kind: "TargetGroup", plural: "targetgroups", ..LOAD_BALANCERS };

/// What AWS said last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    /// The actions that the Ingress had when AWS was asked: the text of each, by its annotation.
    pub actions: BTreeMap<String, String>,
    /// Its load balancers.
    pub balancers: Vec<Balancer>,
    /// Target groups, by ARN.
    pub groups: BTreeMap<String, Group>,
    /// What the Services led to when AWS was asked.
    pub services: BTreeMap<String, Led>,
    /// What they lead to now: what grows needs these pods, not those of the moment in which AWS was asked.
    pub now: BTreeMap<String, Led>,
    /// Why there is no answer.
    pub wrong: Option<Wrong>,
    /// Whether AWS has been asked at all.
    pub asked: bool,
}

/// A load balancer, and the rules of its listeners that forward requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Balancer {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// For each rule, the weights of target groups by their ARNs.
    pub rules: Vec<BTreeMap<String, u32>>,
}

/// A target group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Whose it is: the value of its tag, such as `shop/edge-web:80`.
    pub resource: String,
    /// Whether its targets are addresses of pods; otherwise they are nodes or others, which lead on to pods.
    pub of_addresses: bool,
    /// Whether those are of IPv6.
    pub ipv6: bool,
    /// Whether other clusters register targets too.
    pub shared: bool,
    /// Its targets.
    pub targets: Vec<Target>,
}

/// A target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// An address, or an instance.
    pub id: String,
    /// `healthy`, `initial`, `draining` and so on.
    pub state: String,
    /// Why, where AWS says so.
    pub reason: String,
}

/// The ready endpoints of a Service at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Led {
    /// Their revisions.
    pub revisions: BTreeSet<String>,
    /// Their addresses.
    pub addresses: BTreeSet<String>,
}

/// What kept AWS from answering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wrong {
    /// Whether there is no such load balancer; otherwise it could not be asked.
    pub not_found: bool,
    /// What happened, and what to do.
    pub message: String,
}

impl Said {
    /// What was said for a query; `None` where nobody asks AWS.
    pub(super) fn of(objects: &[Seen], kind: ObjectKind, name: &str) -> Option<Said> {
        let seen = objects.iter().find(|seen| seen.kind == kind && seen.name == name)?;
        let Sight::Found(said) = &seen.object else { return None };
        Some(serde_json::from_value(said.clone()).unwrap_or_else(|error| Said {
            wrong: Some(Wrong { not_found: false, message: format!("what AWS said does not read: {error}") }),
            ..Said::default()
        }))
    }

    /// The ARN of the group of a resource that a load balancer has.
    pub(super) fn group_of(&self, resource: &str) -> Option<(&String, &Group)> {
        self.groups.iter().find(|(_, group)| group.resource == resource)
    }
}

/// A query for what AWS says.
pub(super) fn query(kind: ObjectKind, namespace: &str, name: &str) -> Query {
    Query { kind, namespace: namespace.to_owned(), pick: Pick::Named(name.to_owned()) }
}

/// A load balancer or a target group as status names it; CloudWatch calls them by the end of their ARN.
pub(super) fn reference(name: &str, arn: &str) -> AwsResourceRef {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    let full_name = resource.strip_prefix("loadbalancer/").unwrap_or(resource);
    AwsResourceRef { name: name.to_owned(), arn: arn.to_owned(), full_name: full_name.to_owned() }
}

/// The actions of an Ingress, whoever wrote them: the text of each, by its annotation.
pub fn actions(ingress: &Value) -> BTreeMap<String, String> {
    let annotations = ingress["metadata"]["annotations"].as_object().into_iter().flatten();
    let actions = annotations.filter(|(key, _)| key.contains(super::alb::ACTIONS));
    actions.filter_map(|(key, text)| Some((key.clone(), text.as_str()?.to_owned()))).collect()
}

/// The Services that an Ingress forwards requests to by actions, with the tags that their target groups have.
pub fn tagged(namespace: &str, ingress: &str, actions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let groups = actions.values().flat_map(|text| super::alb::groups(text));
    groups.map(|group| (tag(namespace, ingress, &group.service, &group.port), group.service)).collect()
}

/// How the load balancer controller tags the target group of a port of a Service.
pub(super) fn tag(namespace: &str, ingress: &str, service: &str, port: &str) -> String {
    format!("{namespace}/{ingress}-{service}:{port}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_have_the_names_that_metrics_have() {
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123:loadbalancer/app/edge/50dc";
        assert_eq!(reference("edge", arn).full_name, "app/edge/50dc");
        let arn = "arn:aws:elasticloadbalancing:eu-west-1:123:targetgroup/web/73e2";
        assert_eq!(reference("web", arn).full_name, "targetgroup/web/73e2");
        assert_eq!(reference("web", "web").full_name, "");
    }

    #[test]
    fn the_target_groups_of_an_ingress_are_those_of_its_actions() {
        let forward =
            r#"{"Type":"forward","ForwardConfig":{"TargetGroups":[{"ServiceName":"web","ServicePort":"80"}]}}"#;
        let ingress = json!({ "metadata": { "annotations": {
            "alb.ingress.kubernetes.io/actions.web": forward,
            "alb.ingress.kubernetes.io/actions.teapot": "{}",
            "alb.ingress.kubernetes.io/scheme": "internal",
        } } });
        let found = tagged("shop", "edge", &actions(&ingress));
        assert_eq!(found, [("shop/edge-web:80".to_owned(), "web".to_owned())].into());
    }
}
