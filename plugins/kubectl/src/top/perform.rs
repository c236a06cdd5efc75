//! What was confirmed, carried out.

use jiff::SignedDuration;
use sluice::steer::Undone;
use sluice_core::act::promote::Extent;

use super::action::Action;
use super::state::Request;
use crate::client::Session;
use crate::clock;

/// Does it; what is said afterwards, or why it was refused.
pub async fn perform(request: &Request, session: &Session) -> Result<String, Vec<String>> {
    let (steer, name) = (session.steer(), request.key.name.as_str());
    let done = match request.action {
        Action::Promote => steer.promote(name, Extent::Next).await,
        Action::PromoteFull => steer.promote(name, Extent::Full).await,
        Action::Abort => steer.abort(name).await,
        Action::Retry => steer.retry(name).await,
        Action::Pause => steer.pause(name).await,
        Action::Restart => steer.restart(name, clock::now(), SignedDuration::ZERO).await,
        Action::Undo => match steer.undo(name, request.revision).await {
            Ok(Undone::AlreadyThere(revision)) => {
                return Ok(format!("rollout '{name}' is at revision {revision} already"));
            }
            Ok(Undone::Done) => Ok(()),
            Err(refusal) => Err(refusal),
        },
    };
    done.map(|()| request.action.done(&request.key)).map_err(|refusal| {
        let problem = session.because(refusal);
        std::iter::once(problem.to_string()).chain(problem.next_step().map(str::to_owned)).collect()
    })
}
