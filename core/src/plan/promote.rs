//! Making the new revision the stable one.

use crate::event::Note;
use crate::planted::{self, Bug};
use crate::status::duration::{self, completion};

use super::draft::Draft;

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
    settle(d);
}

/// Why the revision is to become stable now. The order and the words are those of Argo Rollouts.
fn reason_to_promote(d: &Draft<'_>) -> Option<String> {
    if d.status.stable_rs.is_empty() {
        // There is nothing to compare a first revision with, so it is stable from the start.
        return Some("Initial deploy".into());
    }
    if d.is_complete() || d.status.abort || d.begins || d.s.rollout.spec.paused {
        return None;
    }
    let available = d.revisions.new.map_or(0, |new| new.observed().available_replicas);
    let early = planted::is(Bug::PromotesTooEarly);
    if d.revisions.new.is_none() || (available < d.s.replicas() && !early) {
        return None;
    }
    if d.status.promote_full {
        return Some("Full promotion requested".into());
    }
    (d.index() == d.steps.len()).then(|| format!("Completed all {} canary steps", d.steps.len()))
}

fn settle(d: &mut Draft<'_>) {
    d.status.pause_conditions.clear();
    d.status.controller_pause = false;
    d.status.abort = false;
    d.status.aborted_at = None;
    d.status.promote_full = false;
    d.set_index(d.steps.len());
    if d.is_complete_and_serving() {
        duration::finish(&mut d.status, d.s.now, completion::PROMOTED);
    }
}
