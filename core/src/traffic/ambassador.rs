//! Ambassador: for each Mapping a copy that leads to the canary's Service, with a weight in percent; the Mapping itself has the rest.
//!
//! A copy comes with the first weight. It goes once its weight has been seen to be 0 and both Services lead to the same version: by
//! then it makes no difference to a request which of the two Mappings it takes, so nobody has to wait for Ambassador, which says
//! nowhere what it has taken up.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::made::gone;
use super::object::{Pick, Query, RouteWrite, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::share;
use super::{Destination, Routing};
use crate::api::AmbassadorTrafficRouting;
use crate::object_kind::ObjectKind;

/// The second group is that of a preview of the third version of the API.
const KINDS: [ObjectKind; 2] = [
    ObjectKind { group: "getambassador.io", kind: "Mapping", plural: "mappings", versions: &["v3alpha1", "v2", "v1"] },
    ObjectKind {
        group: "x.getambassador.io",
        kind: "AmbassadorMapping",
        plural: "ambassadormappings",
        versions: &["v3alpha1"],
    },
];

/// What a copy adds to the name of its Mapping, which is cut so that the whole is still a name.
const SUFFIX: &str = "-canary";
const LONGEST: usize = 253 - SUFFIX.len();

/// What a copy has that somebody has taken the weight from: those without one share alike.
const WITHOUT_WEIGHT: i64 = 50;

/// The Mappings of one rollout.
#[derive(Debug)]
pub(super) struct Ambassador {
    client: Client,
    mappings: Vec<String>,
}

impl Ambassador {
    pub(super) fn new(client: &Client, config: &AmbassadorTrafficRouting) -> Ambassador {
        let named = config.mappings.iter().filter(|name| !name.is_empty());
        Ambassador { client: client.clone(), mappings: named.cloned().collect() }
    }

    /// Each Mapping with its copy, in each group that has one of them.
    fn pairs<'a>(&self, view: View<'a>) -> Vec<(Option<&'a Value>, &'a Seen)> {
        let pairs = self.mappings.iter().flat_map(|name| KINDS.map(|kind| (kind, name)));
        let pair = |(kind, name): (ObjectKind, &String)| {
            let find = |name: &str| view.objects.iter().find(|seen| seen.kind == kind && seen.name == name);
            Some((find(name).and_then(|seen| seen.found().ok()), find(&copy_name(name))?))
        };
        pairs.filter_map(pair).collect()
    }

    /// The write that makes a copy say it.
    fn tell(
        &self,
        now: Timestamp,
        base: Option<&Value>,
        seen: &Seen,
        routing: &Routing,
    ) -> Result<Option<RouteWrite>, Trouble> {
        let Routing { canary, stable, weight, .. } = routing;
        let is_needed = weight.value() > 0 && base.is_some();
        let Some(before) = (if is_needed { seen.found_or_none()? } else { seen.found().ok() }) else {
            let Some(base) = base.filter(|_| is_needed) else { return Ok(None) };
            let version = base["apiVersion"].as_str().unwrap_or_default();
            return Ok(Some(self.client.make(now, seen, version, &spec(base, routing), routing)));
        };
        if !self.is_own(before, &canary.service) {
            let message = "it is not this Rollout's, which needs a Mapping of that name for the canary; rename it";
            return if is_needed { Err(seen.trouble(message)) } else { Ok(None) };
        }
        if weight.value() == 0 && weight_of(before) == 0 && canary.hash == stable.hash {
            return Ok(gone(seen, before));
        }
        let mut after = before.clone();
        self.own(&mut after);
        match base {
            Some(base) => after["spec"] = spec(base, routing),
            // Without a Mapping that it could be a copy of, it can only give back.
            None if weight_of(before) > i64::from(weight.value()) => {
                share::set(&mut after["spec"], "weight", json!(weight.value()));
            }
            None => {}
        }
        self.client.date(now, before, &mut after, routing);
        Ok(seen.turned_into(before, &after))
    }

    /// Whether a copy is the rollout's. Those that Argo Rollouts has made say so nowhere.
    fn is_own(&self, copy: &Value, canary: &str) -> bool {
        let owners = copy["metadata"]["ownerReferences"].as_array().into_iter().flatten();
        let is_free = owners.into_iter().all(|owner| owner["controller"] != true);
        let service = copy["spec"]["service"].as_str().unwrap_or_default();
        self.client.controls(copy) || (is_free && !canary.is_empty() && parts(service).host_label() == canary)
    }

    fn own(&self, copy: &mut Value) {
        if self.client.controls(copy) {
            return;
        }
        let mut owners = copy["metadata"]["ownerReferences"].as_array().cloned().unwrap_or_default();
        owners.push(self.client.owner_reference());
        copy["metadata"]["ownerReferences"] = json!(owners);
    }
}

/// What a copy says: what its Mapping does, but for where it leads.
fn spec(base: &Value, routing: &Routing) -> Value {
    let mut spec = base["spec"].clone();
    let service = spec["service"].as_str().unwrap_or_default();
    let service = canary_service(service, &routing.stable.service, &routing.canary.service);
    share::set(&mut spec, "service", json!(service));
    share::set(&mut spec, "weight", json!(routing.weight.value()));
    spec
}

/// What keeps a Mapping from having a copy beside it.
fn unfit(base: &Value) -> Option<String> {
    let name = &base["metadata"]["name"];
    if !base["spec"]["weight"].is_null() {
        // With one it shares in a way that nobody has asked for; a copy is not to add to that.
        return Some(format!("Ambassador mapping {name} can not define weight; take spec.weight out of it"));
    }
    base["spec"]["service"].as_str().is_none().then(|| "it has no spec.service; have it lead to the stable one".into())
}

fn copy_name(name: &str) -> String {
    let kept: String = name.chars().take(LONGEST).collect();
    format!("{kept}{SUFFIX}")
}

fn weight_of(copy: &Value) -> i64 {
    share::weight_of(&copy["spec"], WITHOUT_WEIGHT)
}

/// The address of a Service as Mappings have it: `scheme://host:port`, of which only the host is always there.
struct Address<'a> {
    scheme: &'a str,
    host: &'a str,
    port: &'a str,
}

impl Address<'_> {
    fn host_label(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }
}

fn parts(service: &str) -> Address<'_> {
    let at = service.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = service.split_at(at);
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let at = rest.rfind(':').filter(|at| is_port(&rest[at + 1..])).unwrap_or(rest.len());
    let (host, port) = rest.split_at(at);
    Address { scheme, host, port }
}

/// The canary's Service, addressed as the other one is: by the same scheme and port, and where that was the stable Service, in the
/// same namespace.
fn canary_service(service: &str, stable: &str, canary: &str) -> String {
    let address = parts(service);
    let namespace = address.host.strip_prefix(stable).filter(|rest| rest.starts_with('.')).unwrap_or_default();
    format!("{}{canary}{namespace}{}", address.scheme, address.port)
}

impl TrafficRouter for Ambassador {
    fn name(&self) -> &'static str {
        "Ambassador"
    }

    fn queries(&self) -> Vec<Query> {
        let names = self.mappings.iter().flat_map(|name| [name.clone(), copy_name(name)]);
        let query = |(kind, name)| Query { kind, namespace: self.client.namespace.clone(), pick: Pick::Named(name) };
        names.flat_map(|name| KINDS.map(|kind| (kind, name.clone()))).map(query).collect()
    }

    fn observe(&self, view: View<'_>, canary: &Destination, _: &Destination) -> Observed {
        let share = |(base, seen): (Option<&Value>, &Seen)| {
            let copy = seen.found().ok().filter(|copy| self.is_own(copy, &canary.service));
            let weight = copy.map(weight_of).or(base.map(|_| 0))?;
            Some(share::share(weight, 100, self.client.max))
        };
        let shares: Vec<i32> = self.pairs(view).into_iter().filter_map(share).collect();
        let copies = self.pairs(view).into_iter().map(|(_, copy)| copy);
        self.client.believe(share::observed(&shares), view.now, copies)
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut answer = Answer::default();
        if self.mappings.is_empty() {
            let message = "names no Mapping, so nothing carries the weights".to_owned();
            answer.trouble = Some(Trouble { object: "TrafficRouter/Ambassador".into(), message });
        }
        for name in &self.mappings {
            match share::in_any_group(view, &KINDS, name) {
                Err(trouble) => answer.add(Err(trouble)),
                Ok(bases) => {
                    let unfit = bases.iter().find_map(|(seen, base)| Some(seen.trouble(unfit(base)?)));
                    answer.trouble = answer.trouble.or(unfit);
                }
            }
        }
        for (base, seen) in self.pairs(view) {
            let base = base.filter(|base| unfit(base).is_none());
            answer.add(self.tell(view.now, base, seen, routing));
        }
        answer
    }

    fn release(&self, view: View<'_>, canary: &Destination, _: &Destination) -> Answer {
        let mut answer = Answer::default();
        for (_, seen) in self.pairs(view) {
            let Some(before) = seen.found().ok().filter(|copy| self.is_own(copy, &canary.service)) else { continue };
            let mut after = before.clone();
            share::set(&mut after["spec"], "weight", json!(0));
            answer.add(Ok(if weight_of(before) == 0 { gone(seen, before) } else { seen.turned_into(before, &after) }));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_addressed_as_the_stable_service_is() {
        for (service, expected) in [
            ("web-stable", "web-canary"),
            ("web-stable:8080", "web-canary:8080"),
            ("https://web-stable:443", "https://web-canary:443"),
            ("web-stable.shop", "web-canary.shop"),
            ("http://web-stable.shop.svc.cluster.local:80", "http://web-canary.shop.svc.cluster.local:80"),
            ("web:80", "web-canary:80"),
            ("web-stable-2.shop:80", "web-canary:80"),
            ("web.elsewhere:80", "web-canary:80"),
            ("web-stable:http", "web-canary"),
            ("", "web-canary"),
        ] {
            assert_eq!(canary_service(service, "web-stable", "web-canary"), expected, "{service}");
        }
    }

    #[test]
    fn the_name_of_a_copy_is_never_too_long() {
        assert_eq!(copy_name("web"), "web-canary");
        let long = "w".repeat(253);
        assert_eq!(copy_name(&long), format!("{}-canary", "w".repeat(246)));
    }
}
