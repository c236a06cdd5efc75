//! Which destination of a route is which: by its subset, or by the first label of its host.

use serde_json::Value;

use super::super::Destination;
use crate::api::IstioDestinationRule;

/// How one share's destination is known; what is empty tells nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    /// Its Service.
    pub(crate) service: String,
    /// Its subset of the DestinationRule.
    pub(crate) subset: String,
}

/// How the destinations of the two revisions are known.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) canary: End,
    pub(crate) stable: End,
}

/// Whose a destination is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Canary,
    Stable,
}

impl Ends {
    /// Of two Services, and of the subsets where there is a DestinationRule.
    pub(crate) fn new(canary: &str, stable: &str, rule: Option<&IstioDestinationRule>) -> Ends {
        let end = |service: &str, subset: Option<&String>| End {
            service: service.to_owned(),
            subset: subset.cloned().unwrap_or_default(),
        };
        Ends {
            canary: end(canary, rule.map(|rule| &rule.canary_subset_name)),
            stable: end(stable, rule.map(|rule| &rule.stable_subset_name)),
        }
    }

    pub(super) fn of(canary: &Destination, stable: &Destination, rule: Option<&IstioDestinationRule>) -> Ends {
        Ends::new(&canary.service, &stable.service, rule)
    }

    fn all(&self) -> [(Role, &End); 2] {
        [(Role::Canary, &self.canary), (Role::Stable, &self.stable)]
    }

    /// Whose an entry of a route is; nothing where it is neither's.
    pub(crate) fn role(&self, entry: &Value) -> Option<Role> {
        let (host, subset) = (service(entry), subset(entry));
        let by = |found: &str, name: fn(&End) -> &str| {
            self.all().into_iter().find(|(_, end)| !found.is_empty() && name(end) == found).map(|(role, _)| role)
        };
        // Both revisions may have one host, so the subset tells first.
        by(subset, |end| end.subset.as_str()).or_else(|| by(host, |end| end.service.as_str()))
    }

    /// Whether a route leads to both.
    ///
    /// # Errors
    /// Says which destination it lacks.
    pub(crate) fn are_in(&self, route: &Value) -> Result<(), String> {
        let entries = entries(route);
        for (role, end) in self.all() {
            let (field, name) = if end.subset.is_empty() { ("host", &end.service) } else { ("subset", &end.subset) };
            if !name.is_empty() && !entries.iter().any(|entry| self.role(entry) == Some(role)) {
                return Err(format!("no destination has the {field} {name:?}"));
            }
        }
        Ok(())
    }
}

/// The weighted destinations of a route.
pub(super) fn entries(route: &Value) -> &[Value] {
    route["route"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The Service of an entry: its host may say more, as in `web.shop.svc.cluster.local`.
pub(super) fn service(entry: &Value) -> &str {
    entry["destination"]["host"].as_str().unwrap_or_default().split('.').next().unwrap_or_default()
}

/// The subset of an entry; empty where it has none.
pub(super) fn subset(entry: &Value) -> &str {
    entry["destination"]["subset"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_destination_is_known_by_its_subset_first_and_else_by_the_first_label_of_its_host() {
        let rule = IstioDestinationRule {
            name: "web".into(),
            canary_subset_name: "new".into(),
            stable_subset_name: "old".into(),
            ..IstioDestinationRule::default()
        };
        let hosts = Ends::new("web-canary", "web-stable", None);
        let subsets = Ends::new("", "", Some(&rule));
        let both = Ends::new("web-canary", "web-stable", Some(&rule));
        for (ends, host, subset, role) in [
            (&hosts, "web-canary", "", Some(Role::Canary)),
            (&hosts, "web-stable.shop.svc.cluster.local", "", Some(Role::Stable)),
            (&hosts, "web-stable-2", "", None),
            (&hosts, "", "", None),
            (&subsets, "web", "new", Some(Role::Canary)),
            (&subsets, "web", "old", Some(Role::Stable)),
            (&subsets, "web", "", None),
            (&both, "web-canary", "old", Some(Role::Stable)),
            (&both, "web-canary.shop", "other", Some(Role::Canary)),
        ] {
            let entry = json!({"destination": {"host": host, "subset": subset}});
            assert_eq!(ends.role(&entry), role, "{host} {subset}");
        }
        assert_eq!(hosts.role(&json!("nonsense")), None);
    }
}
