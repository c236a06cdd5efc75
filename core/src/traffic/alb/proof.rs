//! Whether a load balancer does what an Ingress says, by what AWS says of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::Destination;
use super::super::aws::{self, Balancer, LOAD_BALANCERS, Said};
use super::super::ingress::{INGRESS, all_paths, annotation};
use super::super::object::{Seen, Trouble};
use super::super::router::{FromAws, Lag, Observed, View};
use super::managed::{self, Managed};
use super::{Alb, action, routes};
use crate::api::AlbStatus;

/// What is known of a Service that has moved.
const NOT_SINCE: &str = "AWS has not been asked since its Service led elsewhere";

/// Weights of Services; those without any are left out.
type Shares = BTreeMap<String, u64>;

/// What is known of the load balancers of one Ingress.
struct Proof<'a> {
    seen: &'a Seen,
    ingress: &'a Value,
    said: &'a Said,
    /// Their Services, by the tags of target groups.
    tags: BTreeMap<String, String>,
    /// The actions that are the router's, by their annotations.
    own: BTreeMap<String, String>,
}

impl Alb {
    /// Adds what AWS says; nothing where nobody asks it.
    pub(super) fn prove(
        &self,
        mut observed: Observed,
        view: View<'_>,
        canary: &Destination,
        stable: &Destination,
    ) -> Observed {
        let root = self.root(stable);
        let mut from = FromAws::default();
        let mut lags = Vec::new();
        for seen in view.objects.iter().filter(|seen| seen.kind == INGRESS) {
            let Some(said) = Said::of(view.objects, LOAD_BALANCERS, &seen.name) else { continue };
            let Ok(ingress) = seen.found() else { continue };
            let proof = self.proof(seen, ingress, &said, root);
            from.statuses.push(self.status(&proof, canary, stable));
            let lag = proof.lacking([canary, stable]);
            from.is_mute |= said.wrong.is_some();
            from.not_found |= said.wrong.as_ref().is_some_and(|wrong| wrong.not_found);
            if let (Some(_), Some(wrong)) = (&lag, &said.wrong) {
                observed.trouble.get_or_insert_with(|| seen.trouble(wrong.message.clone()));
            }
            lags.push(lag);
        }
        if lags.is_empty() {
            return observed;
        }
        observed.verified = Some(lags.iter().all(Option::is_none));
        let lag = lags.into_iter().flatten().next();
        observed.behind = lag.as_ref().map(|lag| lag.object.clone());
        observed.lag = lag.map(|lag| lag.message);
        observed.aws = Some(from);
        observed
    }

    /// What a load balancer lacks of doing what its Ingress says; nothing where nobody asks.
    pub(super) fn lag(&self, seen: &Seen, view: View<'_>, canary: &Destination, stable: &Destination) -> Option<Lag> {
        let said = Said::of(view.objects, LOAD_BALANCERS, &seen.name)?;
        self.proof(seen, seen.found().ok()?, &said, self.root(stable)).lacking([canary, stable])
    }

    /// What the target group of a Service lacks of taking more requests than it gets now: all pods that are ready now, healthy. One
    /// that is `idle` so far need not have checked them. Where the load balancer does not know the Service yet, it has to be told of
    /// it first.
    pub(super) fn not_ready(&self, seen: &Seen, view: View<'_>, to: &Destination, idle: bool) -> Option<Lag> {
        let said = Said::of(view.objects, LOAD_BALANCERS, &seen.name)?;
        let known = aws::actions(seen.found().ok()?);
        let tag = self.tag(seen, &to.service);
        aws::tagged(&seen.namespace, &seen.name, &known).get(&tag)?;
        let Some((_, group)) = said.group_of(&tag) else {
            return Some(Lag { object: seen.reference(), message: format!("AWS has no target group of {tag}") });
        };
        let lag = |message: String| Some(Lag { object: group_reference(&group.name), message });
        let Some(then) = said.services.get(&to.service) else { return lag(NOT_SINCE.to_owned()) };
        let led = said.now.get(&to.service).unwrap_or(then);
        if led.addresses.is_empty() {
            return lag("its Service has no ready pods".to_owned());
        }
        lag(aws::lacking(group, led, Some(&to.hash), idle)?)
    }

    /// Why AWS does not say what it does, where it does not.
    pub(super) fn wrong(seen: &Seen, view: View<'_>) -> Option<Trouble> {
        let said = Said::of(view.objects, LOAD_BALANCERS, &seen.name)?;
        said.wrong.map(|wrong| seen.trouble(wrong.message))
    }

    fn tag(&self, seen: &Seen, service: &str) -> String {
        aws::tag(&seen.namespace, &seen.name, service, &self.config.service_port.to_string())
    }

    fn proof<'a>(&self, seen: &'a Seen, ingress: &'a Value, said: &'a Said, root: &str) -> Proof<'a> {
        let managed = Managed::of(ingress, &self.client, root);
        let root_key = self.action_key(root);
        let keys = std::iter::once(&root_key).chain(managed.own()).filter(|key| key.contains(managed::ACTIONS));
        let own = keys.filter_map(|key| Some((key.clone(), annotation(ingress, key)?.to_owned()))).collect();
        let tags = aws::tagged(&seen.namespace, &seen.name, &aws::actions(ingress));
        Proof { seen, ingress, said, tags, own }
    }

    fn status(&self, proof: &Proof<'_>, canary: &Destination, stable: &Destination) -> AlbStatus {
        let group = |to: &Destination| {
            let (arn, group) = proof.said.group_of(&self.tag(proof.seen, &to.service))?;
            Some(aws::reference(&group.name, arn))
        };
        let balancer = proof.said.balancers.first();
        AlbStatus {
            load_balancer: balancer.map(|balancer| aws::reference(&balancer.name, &balancer.arn)),
            canary_target_group: group(canary),
            stable_target_group: group(stable),
            ingress: proof.seen.name.clone(),
        }
    }
}

impl Proof<'_> {
    /// What the load balancers lack of doing what the Ingress says.
    fn lacking(&self, destinations: [&Destination; 2]) -> Option<Lag> {
        let Proof { seen, said, own, .. } = self;
        let of_ingress = |message: &str| Some(Lag { object: seen.reference(), message: message.to_owned() });
        if own.is_empty() {
            return of_ingress("it has no action for these Services yet");
        }
        if own.iter().any(|(key, text)| said.actions.get(key) != Some(text)) {
            return of_ingress("AWS has not been asked about its present actions yet");
        }
        if said.balancers.is_empty() {
            return of_ingress("AWS has not said anything of its load balancer yet");
        }
        let wanted: Vec<Shares> = own.values().map(|text| shares(text)).collect();
        let misled = said.balancers.iter().find_map(|balancer| self.misled(balancer, &wanted));
        misled.or_else(|| {
            let services: BTreeSet<&String> = wanted.iter().flat_map(Shares::keys).collect();
            services.into_iter().find_map(|service| self.unhealthy(service, destinations))
        })
    }

    /// A rule that divides requests among these Services otherwise than the Ingress says, or an action that no rule has.
    fn misled(&self, balancer: &Balancer, wanted: &[Shares]) -> Option<Lag> {
        let own: BTreeSet<String> =
            self.own.values().flat_map(|text| action::groups(text)).map(|it| it.service).collect();
        let otherwise = serde_json::json!({ "backend": self.ingress["spec"]["defaultBackend"] });
        let paths = all_paths(self.ingress).chain(std::iter::once(&otherwise));
        let direct = paths.filter(|path| !routes::uses_annotation(path));
        let direct = direct.filter_map(|path| path["backend"]["service"]["name"].as_str());
        let direct = direct.map(|service| Shares::from([(service.to_owned(), 1)]));
        let others = self.said.actions.iter().filter(|(key, _)| !self.own.contains_key(*key));
        let allowed: Vec<Shares> = direct.chain(others.map(|(_, text)| shares(text))).collect();
        let rules: Vec<Shares> = balancer.rules.iter().map(|rule| self.by_service(rule)).collect();
        let mut concerned =
            balancer.rules.iter().zip(&rules).filter(|(_, rule)| rule.keys().any(|it| own.contains(it)));
        let odd = concerned.find(|(_, rule)| !wanted.iter().chain(&allowed).any(|wanted| is_same(wanted, rule)));
        if let Some((rule, odd)) = odd {
            let group =
                rule.keys().find_map(|arn| self.said.groups.get(arn).filter(|it| self.tags.contains_key(&it.resource)));
            let object = group.map_or_else(|| self.seen.reference(), |group| group_reference(&group.name));
            let message = format!("a rule of load balancer {} forwards to {}", balancer.name, in_words(odd));
            return Some(Lag { object, message });
        }
        let lacks = wanted.iter().find(|wanted| !rules.iter().any(|rule| is_same(wanted, rule)))?;
        let message = format!("no rule of load balancer {} forwards to {}", balancer.name, in_words(lacks));
        Some(Lag { object: self.seen.reference(), message })
    }

    /// A rule by the names of Services; target groups of others keep their ARNs.
    fn by_service(&self, rule: &BTreeMap<String, u32>) -> Shares {
        let service = |arn: &String| {
            let resource = self.said.groups.get(arn).map(|group| group.resource.as_str());
            resource.and_then(|resource| self.tags.get(resource)).unwrap_or(arn).clone()
        };
        rule.iter().filter(|(_, weight)| **weight > 0).map(|(arn, weight)| (service(arn), u64::from(*weight))).collect()
    }

    /// What keeps the target groups of a Service that gets requests from sending them to its pods.
    fn unhealthy(&self, service: &str, destinations: [&Destination; 2]) -> Option<Lag> {
        let leads = destinations.into_iter().find(|to| to.service == service).map(|to| to.hash.as_str());
        let tags = self.tags.iter().filter(|(_, own)| *own == service).map(|(tag, _)| tag);
        let mut groups = tags.filter_map(|tag| self.said.group_of(tag)).map(|(_, group)| group);
        groups.find_map(|group| {
            let message = match self.said.services.get(service) {
                Some(led) => aws::lacking(group, led, leads, false)?,
                None => NOT_SINCE.to_owned(),
            };
            Some(Lag { object: group_reference(&group.name), message })
        })
    }
}

fn group_reference(name: &str) -> String {
    format!("{}/{name}", aws::TARGET_GROUPS.kind)
}

/// What an action gives to each Service.
fn shares(text: &str) -> Shares {
    let mut shares = Shares::new();
    for group in action::groups(text).into_iter().filter(|group| group.weight > 0) {
        *shares.entry(group.service).or_default() += group.weight;
    }
    shares
}

/// Whether requests are divided in the same way, in whatever numbers.
fn is_same(one: &Shares, other: &Shares) -> bool {
    let total = |shares: &Shares| shares.values().map(|weight| u128::from(*weight)).sum::<u128>();
    let (all, all_others) = (total(one), total(other));
    let part = |weight: &u64, of: u128| u128::from(*weight) * of;
    one.len() == other.len()
        && one.iter().all(|(service, weight)| {
            other.get(service).is_some_and(|theirs| part(weight, all_others) == part(theirs, all))
        })
}

fn in_words(shares: &Shares) -> String {
    let each: Vec<String> = shares.iter().map(|(service, weight)| format!("{service} {weight}")).collect();
    if each.is_empty() { "nobody".to_owned() } else { each.join(", ") }
}

#[cfg(test)]
#[path = "proof_tests.rs"]
mod tests;
