//! One round of questions: what the cluster says first, and then what AWS says of it.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;
use sluice_core::object_kind::ObjectKind;
use sluice_core::sight::Sight;
use sluice_core::traffic::aws::{self, Group, INGRESS, Led, Said, TARGET_GROUPS};
use sluice_core::traffic::{Pick, Query};

use super::super::children::Key;
use super::super::context::Context;
use super::super::endpoints;
use super::{Aws, Failure, Question};

/// What binds target groups to Services.
pub(super) const BINDINGS: ObjectKind = ObjectKind {
    group: "elbv2.k8s.aws",
    kind: "TargetGroupBinding",
    plural: "targetgroupbindings",
    versions: &["v1beta1"],
};

/// What the cluster says of a question.
#[derive(Debug, Default)]
pub(super) struct Subject {
    /// The actions of the Ingress.
    pub(super) actions: BTreeMap<String, String>,
    /// Where Services lead.
    pub(super) services: BTreeMap<String, Led>,
    /// The Ingress, or the bindings.
    objects: Vec<Value>,
    /// Why there are none.
    wrong: Option<String>,
}

impl Subject {
    /// Whether it is known that nothing binds a target group to the Service.
    pub(super) fn is_unbound(&self) -> bool {
        self.objects.is_empty() && self.wrong.is_none()
    }
}

/// Reads it; `None` while a cache is empty, or older than an own write.
pub(super) fn subject(cx: &Context, kind: ObjectKind, key: &Key) -> Option<Subject> {
    let (namespace, name) = key;
    let mut subject = Subject::default();
    let services = if kind == TARGET_GROUPS {
        let everything = Pick::Labelled(LabelSelector::default());
        let query = Query { kind: cx.balancers.bindings, namespace: namespace.clone(), pick: everything };
        for seen in cx.objects.find(&query)? {
            match &seen.object {
                Sight::Found(object) => subject.objects.push(object.clone()),
                // Where there are no bindings, nothing is bound.
                Sight::Missing | Sight::Absent(_) => {}
                Sight::Unreadable(why) => subject.wrong = Some(format!("cannot watch TargetGroupBindings: {why}")),
            }
        }
        subject.objects.retain(|binding| binding["spec"]["serviceRef"]["name"] == name.as_str());
        BTreeSet::from([name.clone()])
    } else {
        match cx.objects.sight(INGRESS, key)? {
            Sight::Found(ingress) => {
                subject.actions = aws::actions(&ingress);
                subject.objects.push(ingress);
            }
            Sight::Missing => {}
            Sight::Absent(why) | Sight::Unreadable(why) => {
                subject.wrong = Some(format!("cannot watch ingresses: {why}"));
            }
        }
        aws::tagged(namespace, name, &subject.actions).into_values().collect()
    };
    let pods = cx.pods();
    for service in services {
        let led = endpoints::led(&cx.endpoints, &pods, &(namespace.clone(), service.clone()))?;
        match led {
            Ok(led) => drop(subject.services.insert(service, led)),
            Err(why) => subject.wrong = Some(format!("cannot watch EndpointSlices: {why}")),
        }
    }
    Some(subject)
}

/// Asks AWS about it.
pub(super) async fn ask(cx: &Context, aws: &dyn Aws, question: &Question) -> Result<Said, Failure> {
    let (kind, key) = question;
    let Some(subject) = subject(cx, *kind, key) else {
        return Err(failure("the cluster has not said yet what AWS is to be asked".to_owned()));
    };
    if let Some(why) = &subject.wrong {
        return Err(failure(why.clone()));
    }
    if *kind == TARGET_GROUPS { of_bindings(aws, subject).await } else { of_ingress(aws, key, subject).await }
}

async fn of_ingress(aws: &dyn Aws, key: &Key, subject: Subject) -> Result<Said, Failure> {
    let (namespace, name) = key;
    let Some(ingress) = subject.objects.first() else {
        return Err(failure(format!("there is no Ingress {name:?} in namespace {namespace:?}")));
    };
    let hosts = ingress["status"]["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let hosts: BTreeSet<String> = hosts.filter_map(|one| one["hostname"].as_str()).map(str::to_owned).collect();
    let hosts: Vec<String> = hosts.into_iter().filter(|host| !host.is_empty()).collect();
    if hosts.is_empty() {
        let message = "it has no load balancer yet: its status names no host; look at the events of the AWS load balancer controller";
        return Err(Failure { not_found: true, ..failure(message.to_owned()) });
    }
    let tags = aws::tagged(namespace, name, &subject.actions).into_keys().collect();
    let mut found = aws.balancers(&hosts, &tags).await?;
    let shared = is_shared(ingress);
    found.groups.values_mut().for_each(|group| group.shared = shared);
    let Subject { actions, services, .. } = subject;
    Ok(Said { actions, services, balancers: found.balancers, groups: found.groups, asked: true, ..Said::default() })
}

/// Whether other clusters register targets in the groups of an Ingress.
fn is_shared(ingress: &Value) -> bool {
    let annotations = ingress["metadata"]["annotations"].as_object().into_iter().flatten();
    annotations.into_iter().any(|(key, value)| key.ends_with("/multi-cluster-target-group") && value == "true")
}

async fn of_bindings(aws: &dyn Aws, subject: Subject) -> Result<Said, Failure> {
    let mut groups = BTreeMap::new();
    for binding in &subject.objects {
        let spec = &binding["spec"];
        let Some(arn) = spec["targetGroupARN"].as_str() else { continue };
        let name = arn.rsplit('/').nth(1).unwrap_or(arn).to_owned();
        let group = Group {
            name,
            of_addresses: spec["targetType"] == "ip",
            ipv6: spec["ipAddressType"] == "ipv6",
            shared: spec["multiClusterTargetGroup"] == true,
            targets: aws.targets(arn).await?,
            ..Group::default()
        };
        groups.insert(arn.to_owned(), group);
    }
    Ok(Said { services: subject.services, groups, asked: true, ..Said::default() })
}

fn failure(message: String) -> Failure {
    Failure { message, not_found: false, after: None }
}
