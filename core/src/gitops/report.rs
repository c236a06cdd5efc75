//! What an Application's status says.

use std::fmt::Write as _;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::automatic::is_out;
use super::compare::Verdict;
use super::operation::{self, is_left_over};
use super::snapshot::{Goes, Object, Rendered, Snapshot};
use super::{health, marks};
use crate::api::{
    ApplicationCondition, ApplicationSource, ApplicationStatus, ApplicationSummary, ComparedTo, HealthStatus,
    ResourceStatus, SyncStatus,
};
use crate::time::floor_to_second;

/// Git and the cluster agree.
pub const SYNCED: &str = "Synced";
/// They do not.
pub const OUT_OF_SYNC: &str = "OutOfSync";
/// That cannot be told.
pub const UNKNOWN: &str = "Unknown";

/// Something cannot be compared.
pub const COMPARISON_ERROR: &str = "ComparisonError";
/// The Application itself is wrong.
pub const INVALID_SPEC: &str = "InvalidSpecError";
/// A sync did not come to its end, or does not begin.
pub const SYNC_ERROR: &str = "SyncError";
/// An Application that goes cannot take its objects along.
pub const DELETION_ERROR: &str = "DeletionError";
/// There are objects that no Application has.
pub const ORPHANED: &str = "OrphanedResourceWarning";
/// An object is there twice.
pub const REPEATED: &str = "RepeatedResourceWarning";
/// An object is another Application's, too.
pub const SHARED: &str = "SharedResourceWarning";

/// Writes down how the cluster stands to what the sources say.
pub fn compared(s: &Snapshot, status: &mut ApplicationStatus) {
    let Rendered::Done { revisions, types, .. } = &s.rendered else { return };
    // What was sent is nothing that the sources say.
    if operation::sent(status).is_some() {
        return;
    }
    let spec = &s.application.spec;
    status.resources =
        s.objects.iter().filter(|object| object.wanted.is_some() || is_own(object)).map(resource).collect();
    let is_refused = |object: &Object| matches!(object.verdict, Some(Verdict::Refused(_)));
    let code = match () {
        () if s.objects.iter().any(is_refused) => UNKNOWN,
        () if s.objects.iter().any(is_out) => OUT_OF_SYNC,
        () => SYNCED,
    };
    let (several, first) = (spec.has_several(), revisions.first().cloned().unwrap_or_default());
    status.sync = Some(SyncStatus {
        status: code.to_owned(),
        compared_to: Some(ComparedTo {
            source: spec.source.as_ref().filter(|_| !several).map(ApplicationSource::stored),
            destination: spec.destination.clone(),
            sources: spec.sources.iter().map(ApplicationSource::stored).collect(),
            ignore_differences: spec.ignore_differences.clone(),
        }),
        revision: if several { String::new() } else { first },
        revisions: if several { revisions.clone() } else { Vec::new() },
    });
    status.source_type = types.first().filter(|_| !several).cloned().unwrap_or_default();
    status.source_types = if several { types.clone() } else { Vec::new() };
    status.summary = Some(ApplicationSummary { images: images(s), ..ApplicationSummary::default() })
        .filter(|summary| *summary != ApplicationSummary::default());
    let healths = s.objects.iter().filter(|object| object.wanted.is_some()).map(|object| match &object.live {
        Some(live) => live.health.as_ref().map(|health| health.status.as_str()),
        None => Some(health::MISSING),
    });
    let now = health::worst(healths);
    set_health(status, now, s.now);
}

fn set_health(status: &mut ApplicationStatus, now: &str, at: Timestamp) {
    if status.health.as_ref().is_none_or(|health| health.status != now) {
        let last_transition_time = Some(Time(floor_to_second(at)));
        status.health = Some(HealthStatus { status: now.to_owned(), message: String::new(), last_transition_time });
    }
}

fn is_own(object: &Object) -> bool {
    object.live.as_ref().is_some_and(|live| live.is_own)
}

fn resource(object: &Object) -> ResourceStatus {
    let crate::gitops::key::Key { group, kind, namespace, name } = object.key.clone();
    let is_hook = object.live.as_ref().is_some_and(|live| live.hook.is_some());
    let code = match &object.verdict {
        // A hook is no part of what is compared.
        None if is_hook => "",
        Some(Verdict::Refused(_)) => UNKNOWN,
        _ if is_out(object) => OUT_OF_SYNC,
        _ => SYNCED,
    };
    let missing = || HealthStatus { status: health::MISSING.to_owned(), ..HealthStatus::default() };
    ResourceStatus {
        group,
        version: object.version.clone(),
        kind,
        namespace,
        name,
        status: code.to_owned(),
        health: match &object.live {
            Some(live) => live.health.clone(),
            None => Some(missing()),
        },
        requires_pruning: is_left_over(object),
        hook: is_hook,
        sync_wave: object
            .wanted
            .as_ref()
            .map_or_else(|| object.live.as_ref().map_or(0, |live| live.wave), |manifest| marks::wave(&manifest.value)),
        requires_deletion_confirmation: object
            .live
            .as_ref()
            .is_some_and(|live| live.prune == Goes::Asks || live.delete == Goes::Asks),
    }
}

/// The images of what there should be.
fn images(s: &Snapshot) -> Vec<String> {
    let mut images = Vec::new();
    for manifest in s.objects.iter().filter_map(|object| object.wanted.as_ref()) {
        for at in ["/spec/template/spec", "/spec", "/spec/jobTemplate/spec/template/spec"] {
            let pod = manifest.value.pointer(at);
            let containers =
                ["initContainers", "containers"].into_iter().filter_map(|field| pod?.get(field)?.as_array());
            images.extend(containers.flatten().filter_map(|container| Some(container["image"].as_str()?.to_owned())));
        }
    }
    images.sort();
    images.dedup();
    images
}

/// What is wrong with an Application.
pub fn problems(s: &Snapshot) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    if let Rendered::Failed(why) = &s.rendered {
        problems.push((COMPARISON_ERROR, why.clone()));
    }
    let refused = s.objects.iter().filter_map(|object| match &object.verdict {
        Some(Verdict::Refused(why)) => {
            let file = object.wanted.as_ref().map_or("", |manifest| manifest.file.as_str());
            Some(format!("{} ({file}): {why}", object.key))
        }
        _ => None,
    });
    let refused: Vec<String> = refused.collect();
    if !refused.is_empty() {
        problems.push((COMPARISON_ERROR, first_of(&refused)));
    }
    if let Rendered::Done { repeated, .. } = &s.rendered {
        problems.extend(
            repeated
                .iter()
                .map(|key| (REPEATED, format!("Resource {key} appeared 2 times among application resources."))),
        );
    }
    let shared = s.objects.iter().filter(|object| object.wanted.is_some());
    problems.extend(shared.filter_map(|object| {
        let other = object.live.as_ref()?.other.as_ref()?;
        let name = s.application.metadata.name.as_deref().unwrap_or_default();
        Some((SHARED, format!("{} is part of applications {name} and {other}", object.key)))
    }));
    if !s.orphans.is_empty() {
        let named: Vec<String> = s.orphans.iter().map(ToString::to_string).collect();
        let told = format!("Application has {} orphaned resources: {}", named.len(), first_of(&named));
        problems.push((ORPHANED, told));
    }
    problems
}

/// Some lines, of which there may be many.
fn first_of(lines: &[String]) -> String {
    const SHOWN: usize = 5;
    let mut text = lines.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("; ");
    if lines.len() > SHOWN {
        let _ = write!(text, "; and {} more", lines.len() - SHOWN);
    }
    text
}

/// Conditions out of problems; those that were there already stay as they are.
pub fn conditions(status: &mut ApplicationStatus, problems: Vec<(&'static str, String)>, now: Timestamp) {
    let before = std::mem::take(&mut status.conditions);
    let told = problems.into_iter().map(|(type_, message)| {
        let known = before.iter().find(|known| known.type_ == type_ && known.message == message).cloned();
        let time = Some(Time(floor_to_second(now)));
        known.unwrap_or(ApplicationCondition { type_: type_.to_owned(), message, last_transition_time: time })
    });
    status.conditions = told.collect();
}
