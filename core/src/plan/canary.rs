//! The plan of a canary, as the list of what is decided, in order.

use crate::api::CanaryStrategy;
use crate::snapshot::Snapshot;

use super::draft::Draft;
use super::{Plan, history, ownership, promote, report, requests, restart, revise, scale, walk};

pub(super) fn plan(snapshot: &Snapshot, canary: &CanaryStrategy) -> Plan {
    let mut draft = Draft::new(snapshot, canary);
    if revise::pass_over_taken_name(&mut draft) {
        return draft.finish();
    }
    ownership::settle(&mut draft);
    revise::number_revisions(&mut draft);
    revise::begin_update(&mut draft);
    requests::heed(&mut draft);
    walk::walk_steps(&mut draft);
    requests::abort_if_overdue(&mut draft);
    promote::promote_if_done(&mut draft);
    scale::resize(&mut draft);
    restart::replace_old_pods(&mut draft);
    history::collect(&mut draft);
    report::report(&mut draft);
    draft.finish()
}
