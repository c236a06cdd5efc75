//! A question before something is done, and what came of it: on a page of its own, or in a dialog where there is a script.

use maud::{Markup, html};

use super::Dashboard;

/// A question.
pub struct Question<'a> {
    /// What is asked, in a few words.
    pub title: String,
    /// What it comes to; or why there is nothing to do.
    pub effect: Result<String, String>,
    /// Whether it was asked before, about what is no longer so.
    pub is_changed: bool,
    /// What else there is to know, where there is.
    pub note: Option<&'a str>,
    /// What can be filled in.
    pub fields: Markup,
    /// What the button says that does it.
    pub label: &'a str,
    /// Where that is sent.
    pub to: String,
    /// Where those go who do not want it.
    pub back: &'a str,
    /// The namespace that it is about.
    pub namespace: &'a str,
}

impl Question<'_> {
    /// As a part of a page.
    pub fn render(&self, dashboard: &Dashboard) -> Markup {
        let Question { title, effect, is_changed, note, fields, label, to, back, namespace } = self;
        html! {
            section id="question" class="question" {
                h1 id="question-title" { (title) "?" }
                @if *is_changed {
                    p class="bad" role="alert" { "Nothing was done: it has gone on since you were asked. This is what happens now:" }
                }
                @match effect {
                    Ok(effect) => {
                        p { (effect) }
                        @if let Some(note) = note { p class="quiet" { (note) } }
                        form method="post" action=(to) {
                            (fields)
                            div class="actions" {
                                button class="sure" { (label) }
                                a class="button" data-close href=(back) { "Cancel" }
                            }
                        }
                    }
                    Err(why) => {
                        p role="alert" { "It " (why) "." }
                        div class="actions" { a class="button" data-close href=(back) { "Close" } }
                    }
                }
                p class="quiet" {
                    "In namespace " b { (namespace) }
                    @if !dashboard.settings.cluster.is_empty() { " of " b { (dashboard.settings.cluster) } }
                }
            }
        }
    }
}

/// What came of it.
pub fn told(title: &str, outcome: Result<&str, &str>, back: &str) -> Markup {
    let (class, role, said) = match outcome {
        Ok(said) => ("good", "status", said),
        Err(why) => ("bad", "alert", why),
    };
    html! {
        section id="question" class="question" {
            h1 id="question-title" { (title) }
            p class=(class) role=(role) { (said) }
            div class="actions" { a class="button" data-close href=(back) { "Close" } }
        }
    }
}
