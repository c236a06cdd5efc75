//! What was confirmed, carried out.

use std::time::Duration;

use sluice::steer::Outcome;
use tokio::time;

use super::state::Request;
use crate::client::Session;
use crate::clock;

/// An answer that takes longer does not come any more.
const LONGEST: Duration = Duration::from_secs(30);

/// Does it; what is said afterwards, or why it was refused.
pub async fn perform(request: &Request, session: &Session) -> Result<String, Vec<String>> {
    let (name, action) = (&request.key.name, request.action);
    let steer = session.steer();
    let done = time::timeout(LONGEST, steer.act(name, action, &request.details, clock::now())).await;
    let unknown = || vec![format!("it is not known what came of it: {} rollout '{name}'", action.label())];
    match done.map_err(|_| unknown())? {
        Ok(Outcome::Done) => Ok(action.done(name)),
        Ok(Outcome::Nothing(why)) => Ok(why),
        Err(refusal) => {
            let problem = session.because(refusal);
            Err(std::iter::once(problem.to_string()).chain(problem.next_step().map(str::to_owned)).collect())
        }
    }
}
