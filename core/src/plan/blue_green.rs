//! The plan of a blue-green update: two revisions side by side, and one switch of the active Service.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::analysis::Standing;
use crate::analysis::origin::{Origin, Request};
use crate::api::{BlueGreenStatus, BlueGreenStrategy, PauseCondition, PauseReason, ReplicaSet};
use crate::effect::Phase;
use crate::planted::{self, Bug};
use crate::snapshot::{Service, Snapshot};
use crate::status::{counters, waiting};
use crate::strategy::Strategy;
use crate::time;

use super::draft::{Draft, object_of};
use super::{
    Plan, active, affinity, analysis, analysis_history, delay, experiment, former, history, metadata, ownership,
    promote, report, requests, restart, revise, rollback, scale, services, workload,
};

pub(super) fn plan(snapshot: &Snapshot, blue_green: &BlueGreenStrategy) -> Plan {
    let mut draft = Draft::new(snapshot, Strategy::BlueGreen(blue_green));
    draft.traffic = active::observe(&draft);
    if revise::pass_over_taken_name(&mut draft) {
        return draft.finish();
    }
    ownership::settle(&mut draft);
    revise::number_revisions(&mut draft);
    revise::begin_update(&mut draft);
    observe(&mut draft, blue_green);
    requests::heed(&mut draft);
    let clear = precheck(&mut draft, blue_green) && pause(&mut draft, blue_green);
    let verified = postcheck(&mut draft, blue_green);
    requests::abort_if_overdue(&mut draft);
    if verified {
        promote::promote_if_done(&mut draft);
    }
    former::release(&mut draft);
    active::tell(&mut draft);
    resize(&mut draft, blue_green);
    switch(&mut draft, blue_green, clear);
    services::release(&mut draft);
    workload::follow(&mut draft);
    affinity::renew(&mut draft);
    restart::replace_old_pods(&mut draft);
    analysis::end_others(&mut draft);
    experiment::end_others(&mut draft);
    history::collect(&mut draft);
    analysis_history::collect(&mut draft);
    metadata::settle(&mut draft);
    report::report(&mut draft);
    draft.finish()
}

/// Writes down what the Services select, and counts pods accordingly.
fn observe(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy) {
    let selected = |name: Option<&str>| {
        name.and_then(|name| d.s.service(name)).and_then(Service::hash).unwrap_or_default().to_owned()
    };
    let (active, preview) =
        (selected(Some(&blue_green.active_service)), selected(blue_green.preview_service.as_deref()));
    counters::count_blue_green(&mut d.status, &d.revisions, &active, d.s.replicas());
    let before = d.status.blue_green.take().unwrap_or_default();
    d.status.canary = None;
    d.status.blue_green = Some(BlueGreenStatus { active_selector: active, preview_selector: preview, ..before });
}

/// The revision that the active Service selects.
pub(super) fn selected<'s>(d: &'s Draft<'_>) -> &'s str {
    d.status.blue_green.as_ref().map_or("", |status| status.active_selector.as_str())
}

/// Whether the active Service selects the revision asked for.
pub(super) fn is_active(d: &Draft<'_>) -> bool {
    selected(d) == d.revisions.hash.as_str()
}

fn is_past_checkpoint(d: &Draft<'_>) -> bool {
    d.status.blue_green.as_ref().is_some_and(|status| status.scale_up_preview_check_point)
}

fn pass_checkpoint(d: &mut Draft<'_>) {
    d.status.pause_conditions.retain(|condition| condition.reason != PauseReason::BLUE_GREEN_PAUSE);
    d.status.controller_pause = !d.status.pause_conditions.is_empty();
    d.status.blue_green.get_or_insert_default().scale_up_preview_check_point = true;
}

/// Pauses before the switch where the manifest asks for it. Says whether nothing holds the switch back.
fn pause(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy) -> bool {
    let needs_person = blue_green.auto_promotion_enabled == Some(false) && !planted::is(Bug::SwitchesWithoutAPerson);
    let seconds = blue_green.auto_promotion_seconds.filter(|seconds| !needs_person && *seconds > 0);
    let needless = d.is_first()
        || is_active(d)
        || is_past_checkpoint(d)
        || d.status.promote_full
        || d.is_complete()
        || !(needs_person || seconds.is_some());
    if d.status.abort || d.begins {
        return false;
    }
    if needless {
        let paused = d.status.paused_since(PauseReason::BLUE_GREEN_PAUSE).is_some();
        let small = blue_green.preview_replica_count.is_some() && preview_size(d, blue_green) != d.s.replicas();
        if small && !is_previewed(d, blue_green) {
            return false;
        }
        if paused || small {
            pass_checkpoint(d);
        }
        return true;
    }
    let since = match d.status.paused_since(PauseReason::BLUE_GREEN_PAUSE) {
        Some(since) => since,
        // The controller had recorded a pause and the record is gone: a person resumed.
        None if d.status.controller_pause => {
            pass_checkpoint(d);
            return true;
        }
        None if d.s.rollout.spec.paused || !is_previewed(d, blue_green) => return false,
        None => begin_pause(d),
    };
    let end = seconds.map(|seconds| time::after(since, SignedDuration::from_secs(i64::from(seconds))));
    // Whoever is to promote should know that pods are missing.
    is_previewed(d, blue_green);
    match end {
        Some(end) if end <= d.s.now => {
            pass_checkpoint(d);
            return true;
        }
        Some(end) => {
            d.wake_at(end);
            d.wait("BlueGreenPause", None, format!("the active Service is switched at {end}, or by a promotion"));
        }
        None => d.wait("BlueGreenPause", None, "the switch of the active Service waits for a promotion"),
    }
    false
}

/// Analyses the preview before it gets requests, where the manifest asks for it. Says whether nothing holds the switch back.
fn precheck(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy) -> bool {
    let Some(block) = &blue_green.pre_promotion_analysis else { return true };
    let needless = d.is_first() || is_active(d) || is_past_checkpoint(d) || d.status.promote_full || d.is_complete();
    if d.status.abort || d.begins || needless {
        return true;
    }
    let is_ready = !d.s.rollout.spec.paused && is_previewed(d, blue_green);
    is_passed(d, &Request::gate(block, Origin::PrePromotion), is_ready)
}

/// Analyses the new revision once it has the requests, where the manifest asks for it. Says whether nothing keeps it from being the
/// stable one.
fn postcheck(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy) -> bool {
    let Some(block) = &blue_green.post_promotion_analysis else { return true };
    let needless = d.is_first() || d.status.promote_full || d.is_complete() || rollback::fast(d).is_some();
    if d.status.abort || d.begins || needless || !is_active(d) {
        return true;
    }
    let Some(new) = d.revisions.new else { return true };
    // Gateways may still send requests to where the active Service led before.
    let is_ready = active::is_known(d) && is_there(d, new, d.s.replicas());
    is_passed(d, &Request::gate(block, Origin::PostPromotion), is_ready)
}

/// Whether an analysis is successful; where it is not, says so, or gives the update up. It begins once everything is ready for it; what
/// it has found counts also when something is not any more.
fn is_passed(d: &mut Draft<'_>, request: &Request<'_>, is_ready: bool) -> bool {
    if !is_ready && !analysis::is_asked(d, request.origin) {
        return false;
    }
    match analysis::stand(d, request) {
        Standing::Good => return is_ready,
        Standing::Waits(on) => d.wait(&on.reason, on.object, on.message),
        Standing::Inconclusive(why) => analysis::pause(d, PauseReason::INCONCLUSIVE_ANALYSIS_RUN, &why),
        Standing::Bad(why) => requests::give_up(d, &why),
    }
    false
}

fn begin_pause(d: &mut Draft<'_>) -> Timestamp {
    // Stored times have whole seconds: rounding the start up keeps the pause from ending early.
    let since = time::ceil_to_second(d.s.now);
    let reason = PauseReason::BLUE_GREEN_PAUSE.to_owned();
    d.status.pause_conditions.push(PauseCondition { reason, start_time: Time(since) });
    d.status.controller_pause = true;
    since
}

/// Whether the preview is there in full, so that people can judge it.
fn is_previewed(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy) -> bool {
    let wanted = preview_size(d, blue_green);
    let Some(new) = d.revisions.new else { return false };
    is_there(d, new, wanted)
}

/// Whether a ReplicaSet has exactly this size, and all of it available; otherwise says what it lacks.
fn is_there(d: &mut Draft<'_>, rs: &ReplicaSet, wanted: i32) -> bool {
    let serving = rs.certain();
    let there = rs.wanted() == wanted && serving >= wanted;
    if !there {
        let message = format!("{serving} of {wanted} pods of ReplicaSet {} are available", rs.name());
        d.wait(waiting::PODS, Some(object_of(rs)), message);
    }
    there
}

/// The new revision's pods: all of them, except where `previewReplicaCount` is enough until the switch is settled.
fn preview_size(d: &Draft<'_>, blue_green: &BlueGreenStrategy) -> i32 {
    let all = d.s.replicas();
    let Some(preview) = blue_green.preview_replica_count else { return all };
    let settled = d.is_first() || is_active(d) || d.status.promote_full || d.is_complete() || is_past_checkpoint(d);
    if settled && !planted::is(Bug::ForgetsToGrow) { all } else { preview }
}

/// Sizes: the stable revision in full, the new one as its preview wants it, the others after their delay.
fn resize(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy) {
    let halted = d.s.rollout.spec.paused;
    let preview = blue_green.preview_service.as_deref().filter(|name| !name.is_empty());
    let size = preview_size(d, blue_green);
    let Some(new) = d.revisions.new else {
        // A preview Service selects the pods before there are any: load balancers then gate their readiness.
        let first = if halted || preview.is_some() || d.status.abort { 0 } else { size };
        scale::create(d, first);
        return;
    };
    if halted {
        d.wait("UserPause", None, "spec.paused is true: sizes and Services stay as they are until it is unset");
        return;
    }
    let is_previewed = preview.is_none_or(|name| services::point_ahead(d, name, new));
    let stable = d.revisions.other_stable();
    // A revision whose successor is being promoted is asked for nothing any more.
    if let Some(stable) = stable.filter(|_| !d.promotes) {
        delay::keep(d, stable);
        scale::set_size(d, stable, d.s.replicas());
    }
    match stable.filter(|_| d.status.abort) {
        // Pods that the active Service still selects are in use.
        Some(_) if is_active(d) || !active::is_known(d) => scale::annotate_desired(d, new),
        Some(stable) => delay::drain_aborted(d, new, stable),
        None => {
            // The deadline tells a fast way back from others until the revision serves.
            if rollback::fast(d) != Some(rollback::Fast::StillUp) {
                delay::keep(d, new);
            }
            // A load balancer that gates the pods' readiness must see them from the first moment.
            if is_previewed || new.wanted() > 0 {
                scale::set_size(d, new, size);
            }
        }
    }
    // Gateways may still send requests to where the active Service led before.
    if !active::is_known(d) && !planted::is(Bug::ForgetsTheGateway) {
        return;
    }
    let names = [blue_green.active_service.as_str(), preview.unwrap_or_default()];
    delay::drain_old(d, |d, rs| services::is_used(d, &names, rs));
}

/// Points the active Service at the new revision once it is there in full and nothing holds it back; until then, and after an
/// abort, it is the stable one's, whatever somebody may have written into it.
fn switch(d: &mut Draft<'_>, blue_green: &BlueGreenStrategy, clear: bool) {
    if d.s.rollout.spec.paused || d.begins {
        return;
    }
    let name = blue_green.active_service.as_str();
    let Some(new) = d.revisions.new else { return };
    if !d.status.abort {
        let early = planted::is(Bug::SwitchesTooEarly) && new.size().serving() > 0;
        if is_active(d) || (clear && (early || is_there(d, new, d.s.replicas()))) {
            services::point(d, name, new, Phase::Shift);
            return;
        }
    }
    let Some(stable) = d.revisions.stable else { return };
    let active = d.revisions.with_hash(selected(d)).map_or(0, |rs| rs.size().serving());
    let carries_it = stable.certain() >= d.s.replicas() || stable.certain() >= active;
    if carries_it && !services::selects(d, name, stable) {
        services::point(d, name, stable, Phase::Shift);
    }
}
