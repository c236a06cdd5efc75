//! The plan of a canary, as the list of what is decided, in order.

use crate::snapshot::Snapshot;
use crate::strategy::Strategy;

use super::draft::Draft;
use super::{
    Plan, affinity, analysis, analysis_history, balancers, experiment, former, history, metadata, ownership, promote,
    report, requests, restart, revise, routed, scale, services, step_plugins, traffic, walk, workload,
};

pub(super) fn plan(snapshot: &Snapshot, strategy: Strategy<'_>) -> Plan {
    let mut draft = Draft::new(snapshot, strategy);
    draft.status.blue_green = None;
    if strategy.is_routed() {
        draft.traffic = traffic::observe(&draft);
        if let Some(time) = draft.traffic.look_again() {
            draft.wake_at(time);
        }
    }
    if revise::pass_over_taken_name(&mut draft) {
        return draft.finish();
    }
    ownership::settle(&mut draft);
    revise::number_revisions(&mut draft);
    revise::begin_update(&mut draft);
    requests::heed(&mut draft);
    if analysis::background(&mut draft) {
        walk::walk_steps(&mut draft);
    }
    requests::abort_if_overdue(&mut draft);
    promote::promote_if_done(&mut draft);
    step_plugins::undo(&mut draft);
    former::release(&mut draft);
    if strategy.is_routed() {
        services::point_routed(&mut draft);
        traffic::route(&mut draft);
        routed::resize(&mut draft);
    } else if !former::keeps_pods(&mut draft) {
        scale::resize(&mut draft);
        services::point_canary(&mut draft);
        if let Some(status) = &mut draft.status.canary {
            status.weights = None;
        }
        balancers::forget(&mut draft);
    }
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
