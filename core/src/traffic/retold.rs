//! Telling a data plane that a Service leads elsewhere.
//!
//! The same weights in other numbers make whoever runs it read an object again: by having heard of them it has heard of whatever
//! happened before, such as a Service that leads to other pods.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Routing;
use super::memory::{Memories, Memory};
use super::routers::Client;
use crate::planted::{self, Bug};

/// The object that says it, with what is to be remembered of that. `heard` is what its status says of the object as it is, and
/// `written` writes the weights by what was remembered and what is to be remembered, and adds to the latter what it has made.
pub(super) fn tell(
    before: &Value,
    client: &Client,
    routing: &Routing,
    heard: Option<bool>,
    written: impl Fn(&Memory, &Memory) -> Result<(Value, Memory), String>,
) -> Result<Value, String> {
    let mut memories = Memories::of(before, client);
    let was = memories.get().cloned().unwrap_or_default();
    let leads = leads(routing);
    // Where nobody says what has been heard, telling it again proves nothing.
    let is_news = heard.is_some() && was.leads != leads && !planted::is(Bug::TellsNoMoves);
    let at_rest = heard == Some(true) && is_at_rest(routing);
    let told = |doubled: bool| {
        let experiments = experiments(routing);
        let next = Memory { doubled, experiments, leads: leads.clone(), ..was.clone() };
        written(&was, &next)
    };
    let (mut after, mut memory) = in_numbers(before, was.doubled && !at_rest, is_news, told)?;
    memory.busy = routing.weight.value() > 0 || !routing.routes.is_empty();
    if heard.is_some() || after["spec"] != before["spec"] || memory.busy != was.busy {
        memories.set(Some(memory));
        memories.write(&mut after);
    }
    Ok(after)
}

/// The Services of experiments.
pub(super) fn experiments(routing: &Routing) -> Vec<String> {
    routing.additional.iter().map(|(to, _)| to.service.clone()).collect()
}

/// The revision that each Service leads to.
pub(super) fn leads(routing: &Routing) -> BTreeMap<String, String> {
    let Routing { canary, stable, additional, .. } = routing;
    let all = [canary, stable].into_iter().chain(additional.iter().map(|(to, _)| to));
    all.filter(|to| !to.service.is_empty()).map(|to| (to.service.clone(), to.hash.clone())).collect()
}

/// Whether nothing is on its way: all goes to one revision, by the numbers of the manifest.
pub(super) fn is_at_rest(routing: &Routing) -> bool {
    let Routing { canary, stable, weight, additional, routes } = routing;
    let same = canary.service.is_empty() || canary.hash == stable.hash;
    weight.value() == 0 && same && additional.is_empty() && routes.is_empty()
}

/// Chooses the numbers: others than before where there is news that the weights do not tell, and the plain ones where they tell it,
/// or once everything is at rest.
fn in_numbers(
    before: &Value,
    doubled: bool,
    is_news: bool,
    told: impl Fn(bool) -> Result<(Value, Memory), String>,
) -> Result<(Value, Memory), String> {
    let same = told(doubled)?;
    let plain = told(false)?;
    let differs = |told: &(Value, Memory)| told.0["spec"] != before["spec"];
    match (differs(&same), is_news) {
        (false, false) => Ok(same),
        _ if differs(&plain) => Ok(plain),
        _ => told(true),
    }
}
