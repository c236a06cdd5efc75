//! The operation of an Application: the one under way, or the last one.

use jiff::Timestamp;
use sluice_core::api::{Application, Operation, OperationState};

use super::words;
use crate::application::operation::{Progress, progress};
use crate::view::paint::Paint;
use sluice_core::info::age;
use sluice_core::info::application::summary::{by, what};
use sluice_core::info::badge::Tone;

/// A label and its value.
pub type Line = (&'static str, String);

/// The lines about the operation; with all that was asked for, or with what became of it alone.
pub fn lines(application: &Application, in_full: bool, now: Timestamp, paint: Paint) -> Vec<Line> {
    let mut lines = Vec::new();
    match progress(application) {
        Progress::Idle(None) => {}
        Progress::Asked => {
            let operation = application.operation.clone().unwrap_or_default();
            lines.push(("Operation:", what(&operation)));
            lines.push(("Phase:", paint.apply(Some(Tone::Held), "॥ asked for, and no controller has begun it")));
            lines.extend(asked(&operation, in_full));
        }
        Progress::Idle(Some(state)) | Progress::Running(state) | Progress::Settling(state) => {
            lines.push(("Operation:", what(&state.operation)));
            lines.extend(of_state(application, state, now, paint));
            lines.extend(asked(&state.operation, in_full));
        }
    }
    lines
}

fn of_state(application: &Application, state: &OperationState, now: Timestamp, paint: Paint) -> Vec<Line> {
    let phase = words::phase(&state.phase);
    let mut lines = vec![("Phase:", paint.apply(Some(phase.tone), &phase.text()))];
    let is_under_way = matches!(progress(application), Progress::Running(_));
    if !state.message.is_empty() {
        // What it waits for is what one looks for.
        let (label, tone) = if is_under_way { ("Waiting:", Some(Tone::Held)) } else { ("Message:", None) };
        lines.push((label, paint.apply(tone, &words::line(&state.message))));
    }
    if let Some(result) = &state.sync_result {
        let revisions: Vec<&String> = match result.revisions.as_slice() {
            [] => vec![&result.revision],
            several => several.iter().collect(),
        };
        let revisions: Vec<String> = revisions.into_iter().map(|revision| words::line(revision)).collect();
        lines.push(("Sync Revision:", revisions.join(", ")));
    }
    lines.push(("Start:", words::time(state.started_at.0, now)));
    let ended = state.finished_at.as_ref().filter(|_| !is_under_way);
    if let Some(ended) = ended {
        lines.push(("Finished:", words::time(ended.0, now)));
    }
    let until = ended.map_or(now, |ended| ended.0);
    lines.push(("Duration:", age::human(until.duration_since(state.started_at.0))));
    if state.retry_count > 0 {
        let limit = state.operation.retry.as_ref().map_or(0, |retry| retry.limit);
        let of = if limit > 0 { format!(" of {limit}") } else { String::new() };
        lines.push(("Retry:", format!("{}{of}", state.retry_count)));
    }
    lines
}

/// Who asked, and with `in_full` for what.
fn asked(operation: &Operation, in_full: bool) -> Vec<Line> {
    let mut lines = vec![("Initiated By:", by(operation.initiated_by.as_ref()))];
    if !in_full {
        return lines;
    }
    let sync = operation.sync.clone().unwrap_or_default();
    let strategy = sync.sync_strategy.clone().unwrap_or_default();
    let is_forced = strategy.apply.iter().chain(&strategy.hook).any(|strategy| strategy.force);
    let strategy = if strategy.apply.is_some() { "apply" } else { "hook" };
    lines.push(("Strategy:", format!("{strategy}{}", if is_forced { ", force" } else { "" })));
    lines.push(("Prune:", sync.prune.to_string()));
    if !sync.revision.is_empty() {
        lines.push(("Asked For:", words::line(&sync.revision)));
    }
    if !sync.sync_options.is_empty() {
        lines.push(("Options:", words::line(&sync.sync_options.join(", "))));
    }
    if let Some(retry) = &operation.retry {
        lines.push(("Retries:", retries(retry)));
    }
    for (index, it) in sync.resources.iter().enumerate() {
        let space = if it.namespace.is_empty() { String::new() } else { format!("{}/", it.namespace) };
        let label = if index == 0 { "Resources:" } else { "" };
        lines.push((label, words::line(&format!("{}:{}:{space}{}", it.group, it.kind, it.name))));
    }
    for (index, info) in operation.info.iter().enumerate() {
        let label = if index == 0 { "Info:" } else { "" };
        lines.push((label, words::line(&format!("{} = {}", info.name, info.value))));
    }
    lines
}

fn retries(retry: &sluice_core::api::Retry) -> String {
    let count = if retry.limit < 0 { "without limit".to_owned() } else { format!("at most {}", retry.limit) };
    let backoff = retry.backoff.as_ref().map(|backoff| {
        let said = |text: &str, usual: &str| words::line(if text.is_empty() { usual } else { text });
        let (first, most) = (said(&backoff.duration, "5s"), said(&backoff.max_duration, "3m"));
        format!(", after {first} first and {} times as long each time, up to {most}", backoff.factor.unwrap_or(2))
    });
    let fresh = if retry.refresh { ", of the newest commit" } else { "" };
    format!("{count}{}{fresh}", backoff.unwrap_or_default())
}
