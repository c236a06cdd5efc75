//! `explain` as text: short paragraphs, the answer first, the commands last.

use jiff::Timestamp;
use sluice_core::info::badge::Badge;
use sluice_core::info::explain::advice::Advice;
use sluice_core::info::explain::metrics::Verdict;
use sluice_core::info::explain::pods::PodFault;
use sluice_core::info::explain::{Explanation, Waiting};
use sluice_core::info::{age, badge::Tone};

use super::events;
use super::paint::Paint;
use super::width::{space, width};

/// The page.
pub fn render(it: &Explanation, now: Timestamp, paint: Paint) -> String {
    let badge = Badge::phase(&it.phase);
    let phase = paint.apply(Some(badge.tone), &badge.text());
    let message = if it.message.is_empty() { String::new() } else { format!(": {}", it.message) };
    let mut page = format!("Rollout {}/{} is {phase}{message}\n", it.namespace, it.name);
    for line in standing(it) {
        page.extend(["  ", &line, "\n"]);
    }
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            page.extend(["\n", title, "\n"]);
            page.extend(lines.iter().map(|line| format!("  {line}\n")));
        }
    };
    part("It waits for", it.waiting.iter().flat_map(|on| waiting(on, now)).collect());
    part("The update was given up", it.aborted.iter().map(|aborted| since(&aborted.why, aborted.at, now)).collect());
    let holds = it
        .holds
        .iter()
        .map(|hold| since(&format!("{} ({}): {}", hold.condition, hold.reason, hold.message), Some(hold.since), now));
    part("Conditions", holds.collect());
    part("Measured", it.metrics.iter().flat_map(|verdict| metric(verdict, paint)).chain(runs(it)).collect());
    let mut faults: Vec<String> = it.pods.iter().flat_map(|fault| pod(fault, paint)).collect();
    if it.more_pods > 0 {
        faults.push(format!("and {} more", it.more_pods));
    }
    part("Pods that are not ready", faults);
    part("Not known", it.unread.iter().map(|what| format!("{what} cannot be read")).collect());
    part("Last decision", decision(it, now));
    let events = match &it.events {
        Some(events) => events::render(events, now, paint).lines().map(str::to_owned).collect(),
        None => vec!["unknown: events cannot be read".to_owned()],
    };
    part("Last events", events);
    part("What to do next", next(it));
    page
}

/// Where it stands, in lines of their own.
fn standing(it: &Explanation) -> Vec<String> {
    let mut lines = Vec::new();
    if !it.is_observed {
        lines.push("the controller has not looked at the last change of the manifest yet".to_owned());
    }
    if it.is_updating {
        let number = |number: Option<i64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
        lines.push(format!("from revision {} (stable) to {}", number(it.stable_revision), number(it.new_revision)));
    }
    lines.extend(it.step.as_ref().map(sluice_core::info::explain::step::StepAt::text));
    if let Some(weights) = it.weights.as_ref().filter(|_| it.is_updating) {
        let verified = match weights.is_verified {
            Some(true) => ", verified",
            Some(false) => ", not verified yet",
            None => "",
        };
        lines.push(format!("weight: {} asked for, {} seen{verified}", weights.asked, weights.seen));
    }
    lines
}

fn waiting(on: &Waiting, now: Timestamp) -> Vec<String> {
    let object = on.object.as_ref().filter(|object| !on.message.contains(object.as_str()));
    let object = object.map(|object| format!("{object}: ")).unwrap_or_default();
    let long = on.since.map(|since| format!(", for {}", age::human(now.duration_since(since)))).unwrap_or_default();
    vec![format!("{object}{} ({}){long}", on.message, on.reason)]
}

/// With how long it has been so.
fn since(text: &str, since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| text.to_owned(), |since| format!("{text}, {} ago", age::human(now.duration_since(since))))
}

fn metric(it: &Verdict, paint: Paint) -> Vec<String> {
    let badge = Badge::analysis(&it.phase);
    let phase = paint.apply(Some(badge.tone), &badge.text());
    let value = it.value.as_ref().map(|value| format!(", last {value}")).unwrap_or_default();
    let mut lines = vec![format!("{phase}  {} of analysis run {}{value}", it.metric, it.run)];
    lines.extend(it.conditions.iter().map(|condition| format!("  {condition}")));
    lines.extend(it.query.iter().map(|query| format!("  query: {query}")));
    lines.extend(Some(&it.message).filter(|text| !text.is_empty()).map(|message| format!("  {message}")));
    lines
}

fn runs(it: &Explanation) -> Vec<String> {
    let line = |run: &sluice_core::info::explain::metrics::RunSays| {
        let message = if run.message.is_empty() { String::new() } else { format!(": {}", run.message) };
        format!("{}  analysis run {}{message}", Badge::analysis(&run.phase).text(), run.run)
    };
    it.runs.iter().map(line).collect()
}

/// What was decided last, where no event and no other part says it.
fn decision(it: &Explanation, now: Timestamp) -> Vec<String> {
    let is_told = it.events.as_ref().is_some_and(|events| !events.is_empty()) || it.aborted.is_some();
    let decision = it.decision.iter().filter(|_| !is_told);
    decision
        .filter(|decision| it.holds.iter().all(|hold| hold.reason != decision.reason))
        .map(|decision| since(&format!("{}: {}", decision.reason, decision.message), Some(decision.at), now))
        .collect()
}

fn pod(it: &PodFault, paint: Paint) -> Vec<String> {
    let roles = if it.roles.is_empty() { String::new() } else { format!(" ({})", it.roles.join(", ")) };
    let mut lines = vec![format!("{}{}: {}", it.name, paint.apply(Some(Tone::Marked), &roles), it.state)];
    lines.extend(it.why.iter().map(|why| format!("  {why}")));
    lines
}

fn next(it: &Explanation) -> Vec<String> {
    if it.next.is_empty() {
        let is_all_known = it.unread.is_empty();
        return vec![
            if is_all_known { "Nothing: it is as it should be." } else { "Nothing, by what is known." }.to_owned(),
        ];
    }
    let column = it.next.iter().map(|advice| width(&advice.command)).max().unwrap_or(0);
    it.next.iter().map(|Advice { why, command }| format!("{command}{}  # {why}", space(command, column))).collect()
}
