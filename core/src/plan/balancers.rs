//! What AWS says of load balancers, written into the status of a canary, and told once for each time that it changes.

use crate::api::RolloutStatus;
use crate::event::Note;
use crate::status::conditions::{self, kind};
use crate::status::waiting;
use crate::strategy::Strategy;
use crate::traffic::FromAws;

use super::draft::Draft;

/// Writes down which load balancers and target groups carry the traffic. Before its weights are written.
pub(super) fn record(d: &mut Draft<'_>) {
    let asked = d.traffic.observed.iter().filter(|observed| observed.aws.is_some());
    let verified = asked.clone().map(|observed| observed.verified == Some(true)).reduce(|all, one| all && one);
    let lags: Vec<&str> = asked.filter_map(|observed| observed.lag.as_deref()).collect();
    let lag = lags.first().copied().unwrap_or_default().to_owned();
    let from: Option<FromAws> = d.traffic.observed.iter().find_map(|observed| observed.aws.clone());
    let Some(from) = from else { return forget(d) };
    let several = d.strategy.routing().and_then(|routing| routing.alb).is_some_and(|alb| !alb.ingresses.is_empty());
    if from.statuses.iter().any(|status| status.load_balancer.is_some()) {
        (d.status.alb, d.status.albs) =
            if several { (None, from.statuses) } else { (from.statuses.into_iter().next(), Vec::new()) };
    }
    // Where another router has a say, what the status says of all is no measure for AWS.
    if d.traffic.observed.iter().any(|observed| observed.aws.is_none()) {
        return;
    }
    let was = d.status.canary.as_ref().and_then(|canary| canary.weights.as_ref()?.verified);
    let to = format!("{} of {} to the canary", d.traffic.lowest, d.strategy.max_weight());
    match verified {
        Some(true) if was != Some(true) => d.notes.push(Note::balancer_verified(&to)),
        Some(false) if was == Some(true) => {
            let detail = if lag.is_empty() { to } else { format!("{to}: {lag}") };
            d.notes.push(Note::balancer_unverified(&detail));
        }
        _ => {}
    }
}

/// Forgets them, where nobody asks for any.
pub(super) fn forget(d: &mut Draft<'_>) {
    d.status.alb = None;
    d.status.albs.clear();
}

/// The same for the active Service of blue-green, of which only what the rollout waits for is written down.
pub(super) fn of_active(d: &Draft<'_>, after: &RolloutStatus) -> Option<Note> {
    let asked = d.traffic.observed.iter().find(|observed| observed.aws.is_some())?;
    let Strategy::BlueGreen(blue_green) = d.strategy else { return None };
    let waits = |status: &RolloutStatus| conditions::reason_of(status, kind::WAITING) == waiting::VERIFICATION;
    let what = || format!("where Service {} leads", blue_green.active_service);
    match (waits(d.before()), waits(after)) {
        (false, true) => {
            let message = conditions::get(after, kind::WAITING).map(|on| on.message.clone());
            Some(Note::balancer_unverified(&message.unwrap_or_else(what)))
        }
        (true, false) if asked.verified == Some(true) => Some(Note::balancer_verified(&what())),
        _ => None,
    }
}
