//! The question that comes before something is done: what exactly will happen, to which object, and where.

use sluice_core::act::action::{Action, Details};
use sluice_core::act::asked::Asked;
use sluice_core::info::text::printable;

use super::state::{Place, Request, Row};

/// A question that is answered by yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is done after a yes.
    pub request: Request,
    /// What is asked.
    pub title: String,
    /// What will happen.
    pub effect: String,
    /// To which object, where.
    pub object: String,
    /// Whether it was another question until somebody said yes.
    pub is_changed: bool,
}

/// The question before `action`, or why there is nothing to ask.
pub fn ask(row: &Row, action: Action, place: &Place) -> Result<Question, String> {
    let name = printable(&row.key.name);
    let revision = if action == Action::Undo { earlier(row, &name)? } else { 0 };
    let asked = Some(Asked::about(action, &row.rollout));
    let details = Details { revision, asked, ..Details::default() };
    let effect = action.effect(&row.rollout, row.revisions.as_deref().unwrap_or_default(), &details);
    let effect = effect.map_err(|why| format!("rollout '{name}' {why}"))?;
    Ok(Question {
        request: Request { key: row.key.clone(), action, details },
        title: format!("{} rollout '{name}'?", action.label()),
        effect,
        object: format!(
            "rollout {name}, namespace {}, context {}",
            printable(&row.key.namespace),
            printable(&place.context)
        ),
        is_changed: false,
    })
}

/// The revision before the newest; 0 where there is none.
fn earlier(row: &Row, name: &str) -> Result<i64, String> {
    let revisions =
        row.revisions.as_ref().ok_or_else(|| format!("the revisions of rollout '{name}' cannot be read"))?;
    Ok(revisions.get(1).copied().unwrap_or(0))
}
