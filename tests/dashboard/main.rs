//! The dashboard as a browser and as a program see it: its pages, its HTTP API, and whom it lets do what. Start with `pages.rs`.
//!
//! `tests/browser` has what needs a browser.

mod api;
mod live;
mod many;
mod oidc;
mod pages;
mod routes;
mod stage;
