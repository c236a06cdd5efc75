//! The differences, from a preview in this process.

use std::time::Duration;

use axum::http::StatusCode;
use maud::{Markup, html};
use similar::{ChangeTag, TextDiff};
use sluice_core::gitops::key::Key;
use sluice_core::info::application::{live, words};
use sluice_core::info::text::printable;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::dashboard::access::Caller;
use crate::dashboard::applications::act::MANAGER;
use crate::dashboard::applications::object::yaml;
use crate::dashboard::refused::Refused;
use crate::gitops::preview::{Preview, Sight, Stand, Wish};
use crate::steer::application::Applications;

/// Rendering takes memory and programs: one at a time.
static ONE: Semaphore = Semaphore::const_new(1);
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(90);
/// So many objects that differ are shown.
const MOST: usize = 200;
/// So many lines of each.
const MOST_LINES: usize = 2_000;
/// Lines around a change.
const AROUND: usize = 3;

/// What differs, of one object or of all.
pub async fn differences(caller: &Caller, namespace: &str, name: &str, only: Option<Key>) -> Result<Markup, Refused> {
    let refused = |why: &str| {
        Refused::new(StatusCode::BAD_GATEWAY, format!("cannot compare application '{name}': {}", words::line(why)))
    };
    let (client, namespace) = (caller.client.clone(), namespace.to_owned());
    let applications = Applications { client, namespace, manager: MANAGER };
    let (_, application) = applications.read(name).await.map_err(|refusal| Refused::by_server(&refusal))?;
    let look = async {
        let _turn = ONE.acquire().await.map_err(|error| error.to_string())?;
        let mut preview = Preview::new(&caller.client, application, Wish::default()).await?;
        let sights = preview.sights().await?;
        Ok::<_, String>((sights, preview.unknown()))
    };
    let looked = timeout(LIMIT, Box::pin(look)).await;
    let looked = looked.map_err(|_| refused("it took too long: try `kubectl sluice app diff`"))?;
    let (sights, unknown) = looked.map_err(|why| refused(&why))?;
    let is_meant = |sight: &&Sight| only.as_ref().is_none_or(|only| sight.key == *only) && sight.stand != Stand::Same;
    let differing: Vec<&Sight> = sights.iter().filter(is_meant).collect();
    Ok(html! {
        @for what in &unknown { p class="doubtful" { (words::line(what)) } }
        @if differing.is_empty() { p class="empty" { "Nothing: the cluster has what Git says." } }
        @for sight in differing.iter().take(MOST) { (one(sight)?) }
        @if differing.len() > MOST { p class="quiet" { (differing.len() - MOST) " more objects differ" } }
    })
}

fn one(sight: &Sight) -> Result<Markup, Refused> {
    let Key { group, kind, namespace, name } = &sight.key;
    let content = match &sight.stand {
        Stand::Same => html! {},
        Stand::Refused(why) => html! { p class="bad" { "It would be refused: " (words::line(why)) } },
        Stand::TakenOver => html! { p { "It would be taken over from `kubectl apply`: nothing of it changes now." } },
        Stand::Differs | Stand::New | Stand::Goes => lines(sight)?,
    };
    let what = match &sight.stand {
        Stand::New => "would be created",
        Stand::Goes => "would go, where it prunes",
        _ => "",
    };
    Ok(html! {
        details open {
            summary { b { (kind) " " (name) } " " span class="quiet" { (group) " " (namespace) " " (what) } }
            (content)
        }
    })
}

/// The lines that differ, with some around them, without what Secrets hold.
fn lines(sight: &Sight) -> Result<Markup, Refused> {
    let (mut now, mut then) = (sight.now.clone(), sight.then.clone());
    if live::is_secret(&sight.key) {
        live::mask(now.as_mut(), then.as_mut());
    }
    let text = |side: &Option<serde_json::Value>| side.as_ref().map_or(Ok(String::new()), yaml);
    let (now, then) = (text(&now)?, text(&then)?);
    let diff = TextDiff::from_lines(&now, &then);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            lines.push((ChangeTag::Equal, "…".to_owned()));
        }
        let changes = group.iter().flat_map(|part| diff.iter_changes(part));
        lines.extend(changes.map(|change| (change.tag(), printable(change.value().trim_end_matches('\n')))));
    }
    Ok(html! {
        pre class="diff" tabindex="0" aria-label="Lines that differ" {
            @for (tag, line) in lines.iter().take(MOST_LINES) {
                @match tag {
                    ChangeTag::Equal => { "  " (line) "\n" }
                    ChangeTag::Insert => { ins { "+ " (line) "\n" } }
                    ChangeTag::Delete => { del { "- " (line) "\n" } }
                }
            }
        }
        @if lines.len() > MOST_LINES { p class="quiet" { "The rest is left out." } }
    })
}
