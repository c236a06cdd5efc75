//! States and policies of Applications in a word or two.

use crate::api::{Application, ApplicationSource};
use crate::gitops::health::{DEGRADED, HEALTHY, MISSING, PROGRESSING, SUSPENDED};
use crate::gitops::operation::{ERROR, FAILED, SUCCEEDED};
use crate::gitops::report::{OUT_OF_SYNC, SYNCED};
use jiff::Timestamp;

use crate::info::age;
use crate::info::badge::{Badge, Tone};
use crate::info::text;

/// The longest text that is shown in full. Nobody writes more for people to read.
const LONGEST: usize = 4_000;
/// So much of a commit tells it from others.
const SHORT: usize = 7;
/// A commit's name.
const COMMIT: usize = 40;

/// Text from the cluster on one line.
pub fn line(text: &str) -> String {
    text::line(text, LONGEST)
}

/// A state that may not be known yet.
fn word(text: &str) -> String {
    if text.is_empty() { "Unknown".to_owned() } else { line(text) }
}

/// Whether the cluster has what Git says.
pub fn sync(status: &str) -> Badge {
    let tone = match status {
        SYNCED => Tone::Good,
        OUT_OF_SYNC => Tone::Doubtful,
        _ => Tone::Open,
    };
    Badge::new(tone, word(status))
}

/// How something is.
pub fn health(status: &str) -> Badge {
    let tone = match status {
        HEALTHY => Tone::Good,
        PROGRESSING => Tone::Busy,
        SUSPENDED => Tone::Held,
        MISSING => Tone::Doubtful,
        DEGRADED => Tone::Bad,
        _ => Tone::Open,
    };
    Badge::new(tone, word(status))
}

/// How far an operation, or a hook, is.
pub fn phase(phase: &str) -> Badge {
    let tone = match phase {
        SUCCEEDED => Tone::Good,
        FAILED | ERROR => Tone::Bad,
        _ => Tone::Busy,
    };
    Badge::new(tone, word(phase))
}

/// A commit or version, short enough to read.
pub fn short(revision: &str) -> String {
    let is_commit = revision.len() == COMMIT && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_commit { revision[..SHORT].to_owned() } else { line(revision) }
}

/// What a source should be at: `HEAD`, where it says nothing.
pub fn target(source: &ApplicationSource) -> String {
    if source.target_revision.is_empty() { "HEAD".to_owned() } else { line(&source.target_revision) }
}

/// Revisions, and what they stand for: `main (abc1234)`, or those of several sources.
pub fn revisions(sources: &[ApplicationSource], one: &str, several: &[String]) -> String {
    let told = |source: Option<&ApplicationSource>, revision: &str| {
        let target = source.map_or_else(String::new, target);
        match (target.is_empty(), revision.is_empty()) {
            (true, _) => short(revision),
            (false, true) => target,
            // What names a commit in full needs no other name.
            (false, false) if target == line(revision) => short(revision),
            (false, false) => format!("{target} ({})", short(revision)),
        }
    };
    if several.is_empty() {
        return told(sources.first(), one);
    }
    let all = several.iter().enumerate().map(|(index, revision)| told(sources.get(index), revision));
    all.collect::<Vec<_>>().join(", ")
}

/// `Synced to main (abc1234)`.
pub fn sync_to(application: &Application) -> Badge {
    let status = application.status().sync.clone().unwrap_or_default();
    let at = revisions(application.spec.all_sources(), &status.revision, &status.revisions);
    let Badge { tone, word } = sync(&status.status);
    let between = match status.status.as_str() {
        SYNCED => " to ",
        OUT_OF_SYNC => " from ",
        _ => return Badge::new(tone, word),
    };
    Badge::new(tone, format!("{word}{between}{at}"))
}

/// Whether it syncs by itself: `Auto-Prune` in lists.
pub fn policy_in_short(application: &Application) -> String {
    let policy = application.spec.sync_policy.as_ref().and_then(|policy| policy.automatic());
    match policy {
        None => "Manual".to_owned(),
        Some(automated) if automated.prune == Some(true) => "Auto-Prune".to_owned(),
        Some(_) => "Auto".to_owned(),
    }
}

/// The same with all that it does: `Automated (Prune, SelfHeal)`.
pub fn policy(application: &Application) -> String {
    let Some(automated) = application.spec.sync_policy.as_ref().and_then(|policy| policy.automatic()) else {
        return "Manual".to_owned();
    };
    let does = [("Prune", automated.prune), ("SelfHeal", automated.self_heal), ("AllowEmpty", automated.allow_empty)];
    let does: Vec<&str> = does.into_iter().filter(|(_, is_on)| *is_on == Some(true)).map(|(word, _)| word).collect();
    if does.is_empty() { "Automated".to_owned() } else { format!("Automated ({})", does.join(", ")) }
}

/// A time with how long ago it was.
pub fn time(at: Timestamp, now: Timestamp) -> String {
    format!("{at} ({} ago)", age::age(Some(at), now))
}

/// The cluster of an Application.
pub fn cluster(application: &Application) -> String {
    let destination = &application.spec.destination;
    line(if destination.server.is_empty() { &destination.name } else { &destination.server })
}
