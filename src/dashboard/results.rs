//! What came of what was asked for, told once on the page that it leads to: a link, an old tab or a page that is loaded again tells nothing
//! that was not just done.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use axum::response::Redirect;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use maud::{Markup, html};
use serde::Deserialize;

use super::question::told;

/// How many wait to be told at a time. The oldest goes when there are more: it was never asked for.
const MOST: usize = 1_000;

/// The results that wait to be told.
#[derive(Default)]
pub struct Results(Mutex<VecDeque<Told>>);

struct Told {
    mark: String,
    /// The page that it is told on.
    path: String,
    title: String,
    said: String,
}

/// What a page is asked to tell.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Said {
    /// Which result.
    result: String,
}

impl Results {
    /// Leads to the page of what was acted on, where it is told once.
    pub fn lead_to(&self, path: &str, title: String, said: String) -> Redirect {
        let mut random = [0_u8; 16];
        // Without chance nothing is told, rather than to somebody else.
        if aws_lc_rs::rand::fill(&mut random).is_err() {
            return Redirect::to(path);
        }
        let mark = BASE64_URL_SAFE_NO_PAD.encode(random);
        let to = format!("{path}?result={mark}");
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            waiting.pop_front();
        }
        waiting.push_back(Told { mark, path: path.to_owned(), title, said });
        Redirect::to(&to)
    }

    /// Tells it, as a part of the page at `path`.
    pub fn tell(&self, asked: &Said, path: &str) -> Markup {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = waiting.iter().position(|told| told.mark == asked.result && told.path == path);
        let found = at.and_then(|at| waiting.remove(at));
        html! { @if let Some(Told { title, said, .. }) = found { (told(&title, Ok(&said), path)) } }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;
    use axum::response::IntoResponse as _;

    use super::*;

    fn lead(results: &Results, path: &str, said: &str) -> Said {
        let to = results.lead_to(path, "Promote web".to_owned(), said.to_owned()).into_response();
        let to = to.headers()[header::LOCATION].to_str().expect("a path").to_owned();
        let (at, result) = to.split_once("?result=").expect("a mark");
        assert_eq!(at, path);
        Said { result: result.to_owned() }
    }

    #[test]
    fn a_result_is_told_once_and_on_its_own_page_alone() {
        let results = Results::default();
        let said = lead(&results, "/rollouts/shop/web", "rollout 'web' promoted");
        assert_eq!(results.tell(&said, "/rollouts/shop/api").0, "");
        assert_eq!(results.tell(&Said::default(), "/rollouts/shop/web").0, "");
        assert!(results.tell(&said, "/rollouts/shop/web").0.contains("rollout 'web' promoted"));
        assert_eq!(results.tell(&said, "/rollouts/shop/web").0, "");
    }

    #[test]
    fn results_that_nobody_asks_for_are_given_up() {
        let results = Results::default();
        let first = lead(&results, "/rollouts/shop/web", "first");
        let all: Vec<Said> = (0..MOST).map(|_| lead(&results, "/rollouts/shop/web", "later")).collect();
        assert_eq!(results.tell(&first, "/rollouts/shop/web").0, "");
        assert!(all.iter().all(|said| !results.tell(said, "/rollouts/shop/web").0.is_empty()));
    }
}
