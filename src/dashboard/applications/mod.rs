//! The pages of Applications: all of them, one of them with its objects, and what can be asked of one.

pub mod act;
pub mod action;
pub mod diff;
mod history;
pub mod list;
pub mod object;
pub mod one;
mod parts;
pub mod query;
mod seen;
mod tree;
pub mod watched;

use axum::http::Method;
use axum::routing::{MethodFilter as On, on};

use super::html;
use super::routes::{Needs, Route, change, get};

/// The first part of the path of these pages.
pub const ROOT: &str = "applications";

/// The part of the table of routes that is about Applications.
pub fn table() -> Vec<Route> {
    let page = |path: &str| format!("/{ROOT}{path}");
    vec![
        get(page(""), Needs::Sight, || on(On::GET, list::page)),
        get(page("/live"), Needs::Sight, || on(On::GET, list::live)),
        get(page("/{namespace}/{name}"), Needs::Sight, || on(On::GET, one::page)),
        get(page("/{namespace}/{name}/live"), Needs::Sight, || on(On::GET, one::live)),
        get(page("/{namespace}/{name}/object"), Needs::Sight, || on(On::GET, object::page)),
        get(page("/{namespace}/{name}/diff"), Needs::Sight, || on(On::GET, diff::page)).costly(),
        get(page("/{namespace}/{name}/do/{action}"), Needs::Sight, || on(On::GET, act::ask)),
        change(Method::POST, page("/{namespace}/{name}/do/{action}"), || on(On::POST, act::act)),
    ]
}

/// The path of a page or of what is done on one.
pub fn path(parts: &[&str]) -> String {
    html::path(ROOT, parts)
}

/// The path of an object of an Application, on the page `page` about one.
fn path_of(page: &str, (namespace, name): (&str, &str), key: &sluice_core::gitops::key::Key) -> String {
    let said =
        query::said(&[("group", &key.group), ("kind", &key.kind), ("namespace", &key.namespace), ("name", &key.name)]);
    format!("{}{said}", path(&[namespace, name, page]))
}

/// From the whole to one Application.
fn trail(namespace: &str, name: &str) -> Vec<(String, String)> {
    vec![
        ("Applications".to_owned(), path(&[])),
        (namespace.to_owned(), format!("{}?namespace={}", path(&[]), html::query(namespace))),
        (name.to_owned(), path(&[namespace, name])),
    ]
}
