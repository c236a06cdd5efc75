//! ingress-nginx: a canary Ingress beside each stable one, with the weight in its annotations.
//!
//! The canary Ingress has the rules of the stable one that lead to the stable Service, and leads them to the canary Service. It is
//! made, and deleted, by the router. Its name and annotations are those of Argo Rollouts, which never deletes it. Whether nginx has
//! heard, nobody says.

mod canary;

use std::collections::BTreeMap;

use serde_json::Value;

use super::ingress;
use super::object::{Query, RouteWrite, Seen, Trouble};
use super::router::{Answer, Observed, TrafficRouter, View};
use super::routers::Client;
use super::{Destination, Routing};
use crate::api::NginxTrafficRouting;
use crate::sight::Sight;

/// Prefix of the annotations where the manifest gives none.
const PREFIX: &str = "nginx.ingress.kubernetes.io";
/// The longest name of an object.
const LONGEST: usize = 253;
const SUFFIX: &str = "-canary";
/// The annotation that says what the weight is out of, without its prefix.
const TOTAL: &str = "canary-weight-total";

/// The Ingresses of one rollout.
#[derive(Debug)]
pub(super) struct Nginx {
    client: Client,
    prefix: String,
    /// Annotations that the manifest asks for, by their whole keys.
    annotations: BTreeMap<String, String>,
    /// Whether the weight is out of something else than 100.
    says_total: bool,
    /// The names of the stable Ingresses, with those of their canaries.
    pairs: Vec<(String, String)>,
}

impl Nginx {
    pub(super) fn new(client: &Client, config: &NginxTrafficRouting, says_total: bool) -> Nginx {
        let prefix = ingress::prefix(config.annotation_prefix.as_ref(), PREFIX);
        let whole = |key: &str| if key.starts_with(&prefix) { key.to_owned() } else { format!("{prefix}/{key}") };
        let mut annotations: BTreeMap<String, String> =
            config.additional_ingress_annotations.iter().map(|(key, value)| (whole(key), value.clone())).collect();
        annotations.extend(config.canary_ingress_annotations.clone());
        // What the weight is out of is what the steps' weights are out of.
        annotations.remove(&format!("{prefix}/{TOTAL}"));
        let stable = config.stable_ingress.as_deref().unwrap_or_default();
        let names = ingress::names(stable, &config.stable_ingresses);
        let pairs = names.iter().map(|name| ((*name).to_owned(), canary_name(&client.name, name))).collect();
        Nginx { client: client.clone(), prefix, annotations, says_total, pairs }
    }

    /// The write that makes a canary Ingress say it. What keeps its rules from being known does not keep its weight from being set.
    fn tell(&self, stable: &Seen, canary: &Seen, view: View<'_>, routing: &Routing) -> Answer {
        let rules = self.rules(stable, routing);
        let mut answer = Answer::default();
        let write = match (&canary.object, &rules) {
            (Sight::Missing, Err(_)) => Ok(None),
            (Sight::Missing, Ok(rules)) => {
                let mut made = self.made(canary, rules);
                self.write_down(&mut made, Some(rules), routing);
                self.client.date(view.now, &Value::Null, &mut made, routing);
                Ok(Some(canary.created(made)))
            }
            _ => self.own(canary).map(|before| {
                let mut after = before.clone();
                self.write_down(&mut after, rules.as_ref().ok(), routing);
                self.client.date(view.now, before, &mut after, routing);
                canary.turned_into(before, &after)
            }),
        };
        answer.add(write);
        answer.add(rules.map(|_| None));
        answer
    }

    /// A canary Ingress that is there, unless it is somebody else's.
    fn own<'a>(&self, canary: &'a Seen) -> Result<&'a Value, Trouble> {
        let object = canary.found()?;
        if self.client.controls(object) {
            return Ok(object);
        }
        let name = &canary.name;
        let message = format!(
            "canary ingress `{name}` controlled by different object; delete it, or give the Rollout or the stable Ingress another name"
        );
        Err(canary.trouble(message))
    }

    /// The canary Ingresses of a view that were made for this rollout.
    fn canaries<'a>(&self, view: View<'a>) -> impl Iterator<Item = (&'a Seen, &'a Value)> {
        let is_canary = |seen: &&Seen| self.pairs.iter().any(|(_, canary)| *canary == seen.name);
        let all = view.objects.iter().filter(is_canary).filter_map(|seen| Some((seen, self.own(seen).ok()?)));
        all.collect::<Vec<_>>().into_iter()
    }
}

impl TrafficRouter for Nginx {
    fn name(&self) -> &'static str {
        "Nginx"
    }

    fn queries(&self) -> Vec<Query> {
        let both = self.pairs.iter().flat_map(|(stable, canary)| [stable, canary]);
        both.map(|name| ingress::query(&self.client.namespace, name)).collect()
    }

    fn observe(&self, view: View<'_>, _: &Destination, _: &Destination) -> Observed {
        let mut shares: Vec<(i32, i32)> = self.canaries(view).map(|(_, canary)| self.share(canary)).collect();
        // Without a canary Ingress nothing goes to the canary.
        if shares.len() < self.pairs.len() {
            shares.push((0, 0));
        }
        let observed = Observed {
            lowest: shares.iter().map(|(lowest, _)| *lowest).min().unwrap_or(0),
            highest: shares.iter().map(|(_, highest)| *highest).max().unwrap_or(0),
            ..Observed::default()
        };
        self.client.believe(observed, view.now, self.canaries(view).map(|(seen, _)| seen))
    }

    fn change(&self, view: View<'_>, routing: &Routing) -> Answer {
        let mut all = Answer::default();
        let find = |name: &str| view.objects.iter().find(|seen| seen.name == name);
        for (stable, canary) in &self.pairs {
            if let (Some(stable), Some(canary)) = (find(stable), find(canary)) {
                let one = self.tell(stable, canary, view, routing);
                all.writes.extend(one.writes);
                all.trouble = all.trouble.or(one.trouble);
            }
        }
        all
    }

    fn release(&self, view: View<'_>, _: &Destination, _: &Destination) -> Answer {
        let writes: Vec<RouteWrite> = self.canaries(view).map(|(seen, canary)| seen.deleted(canary)).collect();
        Answer { writes, ..Answer::default() }
    }
}

/// The name of a canary Ingress; what stands before its end is cut off where it is too long.
fn canary_name(rollout: &str, stable: &str) -> String {
    let mut name = format!("{rollout}-{stable}");
    let mut end = name.len().min(LONGEST - SUFFIX.len());
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    name + SUFFIX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_canary_ingress_keeps_its_end_however_long_it_is() {
        assert_eq!(canary_name("web", "edge"), "web-edge-canary");
        let long = canary_name("web", &"a".repeat(300));
        assert_eq!((long.len(), long.ends_with("aa-canary"), long.starts_with("web-aa")), (253, true, true));
        assert_eq!(canary_name("web", &"a".repeat(242)), format!("web-{}-canary", "a".repeat(242)));
        assert!(canary_name("w", &"ä".repeat(300)).len() <= 253, "no character is cut in two");
    }

    #[test]
    fn annotations_have_the_prefix_and_the_later_ones_win() {
        let config: NginxTrafficRouting = serde_json::from_value(serde_json::json!({
            "stableIngress": "edge",
            "annotationPrefix": "custom.example.com",
            "additionalIngressAnnotations": { "canary-by-header": "X-Beta", "custom.example.com/a": "1", "b": "1", "canary-weight-total": "9" },
            "canaryIngressAnnotations": { "custom.example.com/b": "2", "team": "shop" },
        }))
        .expect("a configuration");
        let nginx = Nginx::new(&Client::default(), &config, false);
        let pairs: Vec<(&str, &str)> =
            nginx.annotations.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("custom.example.com/a", "1"),
                ("custom.example.com/b", "2"),
                ("custom.example.com/canary-by-header", "X-Beta"),
                ("team", "shop"),
            ]
        );
    }
}
