//! Routes for certain requests, in the form of `setHeaderRoute` and `setMirrorRoute`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A route that goes before the weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Route {
    /// Requests with certain headers go to the canary.
    Header(HeaderRoute),
    /// Certain requests go to the canary too, and its answers go nowhere.
    Mirror(MirrorRoute),
}

/// Requests with these headers go to the canary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderRoute {
    /// Its name, unique among the rollout's routes.
    pub name: String,
    /// The headers, all of which a request must have.
    #[serde(rename = "match")]
    pub matches: Vec<HeaderMatch>,
}

/// A header and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeaderMatch {
    /// Its name.
    pub header_name: String,
    /// What its value must be.
    pub header_value: StringMatch,
}

/// A condition on a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum StringMatch {
    /// It is this.
    Exact(String),
    /// It begins with this.
    Prefix(String),
    /// It matches this regular expression.
    Regex(String),
}

/// Requests like these go to the canary too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MirrorRoute {
    /// Its name, unique among the rollout's routes.
    pub name: String,
    /// The requests: those that one of these fits.
    #[serde(rename = "match")]
    pub matches: Vec<RequestMatch>,
    /// How many of them, in percent.
    pub percentage: u8,
}

/// Conditions on a request, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestMatch {
    /// Its method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<StringMatch>,
    /// Its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<StringMatch>,
    /// Its headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, StringMatch>,
}
