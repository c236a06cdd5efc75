//! What was confirmed, carried out.

use sluice_core::act::action::Details;

use super::state::Request;
use crate::client::Session;
use crate::clock;

/// Does it; what is said afterwards, or why it was refused.
pub async fn perform(request: &Request, session: &Session) -> Result<String, Vec<String>> {
    let details = Details { revision: request.revision, ..Details::default() };
    let done = session.steer().act(&request.key.name, request.action, &details, clock::now()).await;
    done.map_err(|refusal| {
        let problem = session.because(refusal);
        std::iter::once(problem.to_string()).chain(problem.next_step().map(str::to_owned)).collect()
    })
}
