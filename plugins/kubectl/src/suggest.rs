//! Hints for a name that is not there: one like it, or the same name in another namespace.

use kube::api::{Api, DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, ResourceExt};

use crate::client::Session;
use crate::problem::{Missing, Problem};

/// No more names are compared.
const MOST: u32 = 500;
/// The shortest part of a name that is worth to be taken for it, in characters.
const SHORTEST_PART: usize = 3;

/// The same problem with a better hint, if there is one.
pub async fn improve(problem: Problem, session: &Session) -> Problem {
    let Some(Missing { kind, name }) = problem.missing().cloned() else { return problem };
    let Some((kind, word)) = known(&kind) else { return problem };
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("argoproj.io", "v1alpha1", kind));
    let (client, namespace) = (session.client.clone(), session.namespace.as_str());
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let Ok(here) = api.list_metadata(&ListParams::default().limit(MOST)).await else { return problem };
    let here: Vec<String> = here.items.iter().map(ResourceExt::name_any).collect();
    if let Some(like) = nearest(&name, &here) {
        return problem.advise(format!("There is no {word} '{name}' in namespace {namespace}; did you mean '{like}'?"));
    }
    let elsewhere = elsewhere(client, &resource, &name).await;
    match elsewhere.as_slice() {
        [] => problem,
        namespaces => {
            let (named, first) = (namespaces.join(", "), &namespaces[0]);
            problem.advise(format!("There is a {word} '{name}' in {named}: add -n {first}"))
        }
    }
}

/// Kind and word for what the API server calls so.
fn known(plural: &str) -> Option<(&'static str, &'static str)> {
    match plural {
        "rollouts" => Some(("Rollout", "rollout")),
        "experiments" => Some(("Experiment", "experiment")),
        "analysisruns" => Some(("AnalysisRun", "analysis run")),
        _ => None,
    }
}

/// Namespaces that have an object of this name; none where one may not look.
async fn elsewhere(client: Client, resource: &ApiResource, name: &str) -> Vec<String> {
    let api: Api<DynamicObject> = Api::all_with(client, resource);
    let params = ListParams::default().fields(&format!("metadata.name={name}")).limit(5);
    let listed = api.list_metadata(&params).await;
    let mut found: Vec<String> =
        listed.map(|list| list.items).unwrap_or_default().iter().filter_map(ResourceExt::namespace).collect();
    found.sort();
    found
}

/// The name that is most like another, if one is like it at all: a few slips of the pen away, or a part of it.
fn nearest<'a>(name: &str, others: &'a [String]) -> Option<&'a str> {
    let slips = (name.chars().count() / 3).max(1);
    let distance = |other: &String| match strsim::damerau_levenshtein(name, other) {
        few if few <= slips => Some(few),
        _ if name.chars().count() >= SHORTEST_PART && other.contains(name) => Some(slips + 1),
        _ => None,
    };
    let near = others.iter().filter_map(|other| Some((distance(other)?, other)));
    near.min().map(|(_, other)| other.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_another_name_none() {
        let others = ["web", "checkout", "payments-api"].map(str::to_owned);
        assert_eq!(nearest("wbe", &others), Some("web"));
        assert_eq!(nearest("chekout", &others), Some("checkout"));
        assert_eq!(nearest("payments", &others), Some("payments-api"));
        assert_eq!(nearest("inventory", &others), None);
        assert_eq!(nearest("", &others), None);
        assert_eq!(nearest("web", &[]), None);
    }
}
