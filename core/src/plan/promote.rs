//! Making the new revision the stable one.

use crate::api::PauseReason;
use crate::event::Note;
use crate::planted::{self, Bug};
use crate::status::duration::{self, completion};

use crate::strategy::Strategy;

use super::draft::Draft;
use super::rollback::Fast;
use super::{blue_green, lacking, rollback, traffic};

/// Promotes the new revision when all that was asked for has happened, and keeps a completed rollout's status tidy.
pub(super) fn promote_if_done(d: &mut Draft<'_>) {
    let Some(why) = reason_to_promote(d) else {
        if d.is_complete() {
            settle(d);
        }
        return;
    };
    d.promotes = true;
    let hash = d.revisions.hash.as_str().to_owned();
    d.notes.push(Note::completed(d.revisions.number, &hash, &why));
    if d.status.promote_full {
        duration::mark(&mut d.status, completion::FAST_PROMOTED);
    }
    d.status.stable_rs = hash;
    traffic::take_turns(d);
    settle(d);
}

/// Why the revision is to become stable now. The order and the words are those of Argo Rollouts.
fn reason_to_promote(d: &Draft<'_>) -> Option<String> {
    if d.is_first() {
        return Some("Initial deploy".into());
    }
    let halted = d.s.rollout.spec.paused && matches!(d.strategy, Strategy::Canary(_));
    if d.is_complete() || d.status.abort || d.begins || halted {
        return None;
    }
    if !has_arrived(d) {
        return None;
    }
    if d.status.promote_full {
        return Some("Full promotion requested".into());
    }
    if d.index() < d.steps.len() || is_undecided(d) {
        return None;
    }
    Some(match (rollback::fast(d), d.strategy) {
        (Some(Fast::WithinWindow), _) => "Rollback within window".into(),
        (Some(Fast::ToStable | Fast::StillUp), _) => "Fast rollback".into(),
        (None, Strategy::Canary(_)) => format!("Completed all {} canary steps", d.steps.len()),
        (None, Strategy::BlueGreen(_)) => "Completed blue-green update".into(),
    })
}

/// Whether a person has to decide what measurements could not.
fn is_undecided(d: &Draft<'_>) -> bool {
    let reasons = [PauseReason::INCONCLUSIVE_ANALYSIS_RUN, PauseReason::INCONCLUSIVE_EXPERIMENT];
    reasons.into_iter().any(|reason| d.status.paused_since(reason).is_some())
}

/// Whether the new revision is where the stable one was: enough of its pods serve, and the active Service selects them.
fn has_arrived(d: &Draft<'_>) -> bool {
    let Some(new) = d.revisions.new else { return false };
    match d.strategy {
        Strategy::Canary(_) => {
            let early = planted::is(Bug::PromotesTooEarly);
            let there = new.observed().available_replicas >= d.strategy.needed(d.s.replicas());
            early || (there && (d.status.promote_full || has_all_traffic(d)))
        }
        Strategy::BlueGreen(_) => blue_green::is_active(d),
    }
}

/// Whether the traffic that the steps give to the new revision has arrived there.
fn has_all_traffic(d: &Draft<'_>) -> bool {
    d.index() < d.steps.len()
        || !d.strategy.is_routed()
        || d.steps.is_empty()
        || lacking::of_step(d, d.steps.len()).is_none()
}

fn settle(d: &mut Draft<'_>) {
    d.status.pause_conditions.clear();
    d.status.controller_pause = false;
    d.status.abort = false;
    d.status.aborted_at = None;
    d.status.promote_full = false;
    d.set_index(d.steps.len());
    if let Some(blue_green) = &mut d.status.blue_green {
        blue_green.scale_up_preview_check_point = false;
    }
    if d.is_complete_and_serving() {
        duration::finish(&mut d.status, d.s.now, completion::PROMOTED);
    }
}
