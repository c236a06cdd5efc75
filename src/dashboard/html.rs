//! What all pages have in common.

use maud::{DOCTYPE, Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sluice_core::info::age::Age;
use sluice_core::info::badge::{Badge, Tone};

use super::Dashboard;
use super::access::Caller;
use super::live;

/// What stays as it is in a part of a path.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path of parts, each of which may hold anything.
pub fn path(root: &str, parts: &[&str]) -> String {
    let parts = parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, PART)));
    format!("/{root}{}", parts.collect::<String>())
}

/// Text for a part of a query.
pub fn query(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// The class that gives a tone its colour.
pub fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Busy => "busy",
        Tone::Held => "held",
        Tone::Open => "open",
        Tone::Doubtful => "doubtful",
        Tone::Bad => "bad",
        Tone::Idle => "idle",
        Tone::Marked => "marked",
    }
}

/// A state with its symbol. The word says it, too: colour alone says nothing to some.
pub fn badge(badge: &Badge) -> Markup {
    html! { span class=(class(badge.tone)) { span aria-hidden="true" { (badge.tone.symbol()) } " " (badge.word) } }
}

/// A page with nothing but its content, for those who are not let in yet and for what went wrong.
pub fn bare(title: &str, content: &Markup) -> Markup {
    document(title, &html! { main id="main" class="bare" { (content) } })
}

/// What stands around the content of a page.
pub struct Page<'a> {
    /// What it is about.
    pub title: &'a str,
    /// The path from which it is kept up to date; none where it stays as it is.
    pub live: Option<String>,
    /// Where it stands, from the whole to the part, each with its path.
    pub trail: Vec<(String, String)>,
}

impl Page<'_> {
    /// The page.
    pub fn render(&self, dashboard: &Dashboard, caller: &Caller, content: &Markup) -> Markup {
        let settings = &dashboard.settings;
        let last = self.trail.len().saturating_sub(1);
        let body = html! {
            a class="skip" href="#main" { "Skip to the content" }
            header {
                nav aria-label="Where you are" {
                    ol {
                        @for (index, (name, path)) in self.trail.iter().enumerate() {
                            @if index == last { li { a href=(path) aria-current="page" { (name) } } }
                            @else { li { a href=(path) { (name) } } }
                        }
                    }
                }
                @if dashboard.book.applications.are_seen() {
                    nav class="lists" aria-label="Lists" {
                        a href=(dashboard.path(&[])) { "Rollouts" }
                        a href=(super::applications::path(&[])) { "Applications" }
                    }
                }
                div class="aside" {
                    @if !settings.cluster.is_empty() { span class="cluster" title="The cluster" { (settings.cluster) } }
                    @if settings.read_only { span class="note" { "read-only" } }
                    span id="connection" class="note" role="status" {}
                    @if caller.has_session {
                        form method="post" action="/logout" { button class="plain" { "Log out" } }
                    }
                }
            }
            (live::notices(dashboard).html)
            main id="main" data-live=[self.live.as_deref()] data-now=(dashboard.clock.now()) { (content) }
        };
        document(self.title, &body)
    }
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Sluice" }
                link rel="stylesheet" href="/assets/sluice.css";
                link rel="icon" href="/assets/sluice.svg" type="image/svg+xml";
                script src="/assets/sluice.js" defer {}
            }
            body { (body) }
        }
    }
}

/// How old something is; the browser counts on.
pub fn age(age: &Age) -> Markup {
    html! {
        @if let Some(since) = age.since { time datetime=(since) { (age) } }
        @else { (age) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_part_holds_it_stays_a_part() {
        assert_eq!(path("rollouts", &["shop", "web-1.0"]), "/rollouts/shop/web-1.0");
        assert_eq!(path("rollouts", &["a/b", "c?d"]), "/rollouts/a%2Fb/c%3Fd");
    }
}
