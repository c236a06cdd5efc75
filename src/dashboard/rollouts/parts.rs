//! The parts of a rollout's page that are about the rollout as a whole.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use maud::{Markup, html};
use sluice_core::act::action::{Action, Details};
use sluice_core::api::WeightDestination;
use sluice_core::info::age::Age;
use sluice_core::info::badge::Tone;
use sluice_core::info::event::EventInfo;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;
use sluice_core::info::steps::{Place, StepInfo};
use sluice_core::info::strategy::Strategy;

use crate::dashboard::Dashboard;
use crate::dashboard::access::review::Kind;
use crate::dashboard::html as shell;

/// The newest events that are shown.
const MOST_EVENTS: usize = 50;

/// What it is, how it is, why, and what can be asked of it.
pub fn head(dashboard: &Dashboard, family: &Family, info: &RolloutInfo, hidden: &[Kind]) -> Markup {
    html! {
        section id="head" class="head" {
            h1 { (info.name) " " span class="state" { (shell::badge(&info.status)) } }
            @if !info.message.is_empty() { p class="message" { (info.message) } }
            @if let Some(waiting) = &info.waiting { p class="waiting" { b { "Waits for: " } (waiting) } }
            dl class="facts" {
                div { dt { "Strategy" } dd { (info.strategy.name()) } }
                div { dt { "Desired" } dd { (info.replicas.desired) } }
                div { dt { "Current" } dd { (info.replicas.current) } }
                div { dt { "Updated" } dd { (info.replicas.updated) } }
                div { dt { "Ready" } dd { (info.replicas.ready) } }
                div { dt { "Available" } dd { (info.replicas.available) } }
                div { dt { "Age" } dd { (shell::age(&info.age)) } }
            }
            ul class="images" aria-label="Images" {
                @for (image, roles) in &info.images {
                    li { code { (image) } @for role in roles { " " span class="role" { (role) } } }
                }
            }
            @if !hidden.is_empty() {
                p class="quiet" {
                    "Not shown, as you may not list it in this namespace: "
                    @for (index, kind) in hidden.iter().enumerate() { @if index > 0 { ", " } (kind.resource().1) }
                    "."
                }
            }
            @if !dashboard.settings.read_only {
                div class="actions" role="group" aria-label="Actions" {
                    // A revision to go back to is chosen among the revisions.
                    @for action in Action::ALL.into_iter().filter(|action| *action != Action::Undo) {
                        // What would do nothing says so when it is asked for.
                        @let does = action.effect(&family.rollout, &[], &Details::default()).is_ok();
                        a class=(if does { "button" } else { "button off" }) data-ask href=(dashboard.path(&[&info.namespace, &info.name, "do", action.name()])) {
                            (action.label())
                        }
                    }
                }
            }
        }
    }
}

/// Where the requests go: what is asked for, and what the routers were seen to do.
pub fn traffic(family: &Family, info: &RolloutInfo) -> Markup {
    let Strategy::Canary { set_weight, actual_weight, .. } = info.strategy else {
        return html! { section id="traffic" hidden {} };
    };
    let weights = family.rollout.status().canary.as_ref().and_then(|canary| canary.weights.as_ref());
    let heard = weights.and_then(|weights| weights.verified);
    html! {
        section id="traffic" aria-labelledby="traffic-title" {
            h2 id="traffic-title" { "Traffic" }
            dl class="weights" {
                (weight("Set", set_weight))
                (weight("Actual", actual_weight))
            }
            @if let Some(weights) = weights {
                table class="destinations" {
                    thead { tr { th scope="col" { "To" } th scope="col" { "Service" } th scope="col" { "Weight" } } }
                    tbody {
                        (destination("stable", &weights.stable))
                        (destination("canary", &weights.canary))
                        @for additional in &weights.additional { (destination("experiment", additional)) }
                    }
                }
                p class="quiet" {
                    @match heard {
                        Some(true) => "The router was seen to use these weights.",
                        Some(false) => "The router was not seen to use these weights yet.",
                        None => "Nothing says whether the router uses these weights.",
                    }
                }
            }
        }
    }
}

fn weight(label: &str, percent: i32) -> Markup {
    html! {
        div {
            dt { (label) " weight" }
            dd { meter min="0" max="100" value=(percent) aria-label=(format!("{label} weight")) { (percent) } " " (percent) " %" }
        }
    }
}

fn destination(to: &str, destination: &WeightDestination) -> Markup {
    html! { tr { td { (to) } td { (destination.service_name) } td { (destination.weight) } } }
}

/// The steps, and which one it is at.
pub fn steps(steps: &[StepInfo]) -> Markup {
    html! {
        section id="steps" hidden[steps.is_empty()] aria-labelledby="steps-title" {
            h2 id="steps-title" { "Steps" }
            ol class="steps" {
                @for step in steps {
                    @let (class, said) = match step.place {
                        Place::Done => ("done", "over: "),
                        Place::Current => ("current", "now: "),
                        Place::Ahead => ("ahead", ""),
                    };
                    li class=(class) aria-current=[(step.place == Place::Current).then_some("step")] {
                        span class="unseen" { (said) } (step.text)
                    }
                }
            }
        }
    }
}

/// What was said of it, the newest first; `events` has the oldest first, or is `None` where they are not known.
pub fn events(events: Option<&[Event]>, now: Timestamp) -> Markup {
    let Some(events) = events else {
        return html! {
            section id="events" aria-labelledby="events-title" {
                h2 id="events-title" { "Events" }
                p class="quiet" { "What was said of it is not known: the API server has not answered yet, or you may not list events here." }
            }
        };
    };
    let events: Vec<EventInfo> = events.iter().rev().take(MOST_EVENTS).map(EventInfo::of).collect();
    html! {
        section id="events" hidden[events.is_empty()] aria-labelledby="events-title" {
            h2 id="events-title" { "Events" }
            table {
                thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Said" } } }
                tbody {
                    @for event in &events {
                        tr {
                            td { (shell::age(&Age::of(event.at, now))) }
                            td class=[event.is_warning().then(|| shell::class(Tone::Doubtful))] { (event.reason) }
                            td { (event.message) }
                        }
                    }
                }
            }
        }
    }
}
