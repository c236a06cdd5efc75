//! Which rollouts are listed, and in which order.

use std::cmp::Reverse;
use std::sync::Arc;

use serde::Deserialize;
use sluice_core::api::Rollout;
use sluice_core::info::phase;

use crate::dashboard::html;

/// How a list is put in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// What needs a person comes first.
    Status,
    /// The newest first.
    Age,
}

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// In this namespace; empty for all.
    pub namespace: String,
    /// With this in the name, the namespace or an image.
    pub search: String,
    /// In this phase; empty for all.
    pub status: String,
    /// In this order.
    pub sort: Order,
}

/// The phases, those that need a person first.
pub const PHASES: [&str; 4] = ["Degraded", "Paused", "Progressing", "Healthy"];

impl Query {
    /// Whether a rollout is asked for, apart from its phase.
    fn concerns(&self, rollout: &Rollout) -> bool {
        let metadata = &rollout.metadata;
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let name = metadata.name.as_deref().unwrap_or_default();
        if !self.namespace.is_empty() && self.namespace != namespace {
            return false;
        }
        let wanted = self.search.trim().to_lowercase();
        let text = format!("{namespace}/{name}").to_lowercase();
        wanted.split_whitespace().all(|word| text.contains(word))
    }

    /// The rollouts that are asked for, in order, and how many there are in each phase, whichever is asked for.
    pub fn select(&self, rollouts: Vec<Arc<Rollout>>) -> (Vec<Arc<Rollout>>, [usize; 4]) {
        let mut counts = [0; 4];
        let mut found: Vec<(Arc<Rollout>, usize)> = Vec::new();
        for rollout in rollouts.into_iter().filter(|rollout| self.concerns(rollout)) {
            let phase = phase::shown(&rollout).0;
            // Without a phase nobody has looked at it yet: it is on its way.
            let rank = PHASES.iter().position(|known| *known == phase).unwrap_or(2);
            counts[rank] += 1;
            if self.status.is_empty() || self.status == PHASES[rank] {
                found.push((rollout, rank));
            }
        }
        let name = |rollout: &Rollout| (rollout.metadata.namespace.clone(), rollout.metadata.name.clone());
        found.sort_by_cached_key(|(rollout, _)| name(rollout));
        match self.sort {
            Order::Name => {}
            Order::Status => found.sort_by_key(|(_, rank)| *rank),
            Order::Age => found.sort_by_cached_key(|(rollout, _)| {
                Reverse(rollout.metadata.creation_timestamp.as_ref().map(|time| time.0))
            }),
        }
        (found.into_iter().map(|(rollout, _)| rollout).collect(), counts)
    }

    /// The same as part of a path.
    pub fn to_text(&self) -> String {
        let sort = match self.sort {
            Order::Name => "",
            Order::Status => "status",
            Order::Age => "age",
        };
        let parts = [
            ("namespace", self.namespace.as_str()),
            ("search", &self.search),
            ("status", &self.status),
            ("sort", sort),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", html::query(value)))
            .collect();
        if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rollouts() -> Vec<Arc<Rollout>> {
        let each = [
            ("shop", "web", "Paused", "2026-01-03T00:00:00Z"),
            ("shop", "api", "Healthy", "2026-01-01T00:00:00Z"),
            ("bank", "web", "Degraded", "2026-01-02T00:00:00Z"),
            ("bank", "new", "", "2026-01-04T00:00:00Z"),
        ];
        let one = |(namespace, name, phase, created): (&str, &str, &str, &str)| {
            let rollout = json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"strategy": {"canary": {}}},
                "metadata": {"namespace": namespace, "name": name, "generation": 1, "creationTimestamp": created},
                "status": {"phase": phase, "observedGeneration": "1"},
            });
            Arc::new(serde_json::from_value(rollout).expect("a rollout"))
        };
        each.map(one).to_vec()
    }

    #[track_caller]
    fn lists(query: &Query, expected: &[&str]) -> [usize; 4] {
        let (found, counts) = query.select(rollouts());
        let name = |rollout: &Arc<Rollout>| {
            let metadata = &rollout.metadata;
            format!("{}/{}", metadata.namespace.as_deref().unwrap_or("?"), metadata.name.as_deref().unwrap_or("?"))
        };
        assert_eq!(found.iter().map(name).collect::<Vec<_>>(), expected, "{query:?}");
        counts
    }

    #[test]
    fn a_list_has_what_is_asked_for_in_order() {
        let all = || Query::default();
        assert_eq!(lists(&all(), &["bank/new", "bank/web", "shop/api", "shop/web"]), [1, 1, 1, 1]);
        lists(&Query { namespace: "shop".to_owned(), ..all() }, &["shop/api", "shop/web"]);
        lists(&Query { search: " WEB ".to_owned(), ..all() }, &["bank/web", "shop/web"]);
        lists(&Query { search: "web shop".to_owned(), ..all() }, &["shop/web"]);
        lists(&Query { sort: Order::Status, ..all() }, &["bank/web", "shop/web", "bank/new", "shop/api"]);
        lists(&Query { sort: Order::Age, ..all() }, &["bank/new", "shop/web", "bank/web", "shop/api"]);
    }

    #[test]
    fn a_phase_leaves_the_counts_of_the_others() {
        let paused = Query { status: "Paused".to_owned(), ..Query::default() };
        assert_eq!(lists(&paused, &["shop/web"]), [1, 1, 1, 1]);
    }

    #[test]
    fn it_is_written_as_it_is_read() {
        let query = Query {
            namespace: "shop".to_owned(),
            search: "a&b c".to_owned(),
            status: "Paused".to_owned(),
            sort: Order::Age,
        };
        assert_eq!(query.to_text(), "?namespace=shop&search=a%26b%20c&status=Paused&sort=age");
        assert_eq!(Query::default().to_text(), "");
    }
}
