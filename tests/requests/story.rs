//! What the stories have in common: their namespace and their weather.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::freezer::Turn;
use crate::gateway::Gateway;
use crate::real::Real;
use crate::scenario::Scenario;

/// The first version and the next one.
pub const OLD: &str = "web:1";
pub const NEW: &str = "web:2";

/// One story, told in a namespace of its own.
pub struct Story {
    pub s: Scenario,
    pub gateway: Gateway,
    pub turn: Turn,
}

impl Story {
    /// Waits for its weather.
    pub async fn begin(name: &str, frozen: bool) -> Story {
        let gateway = Gateway::find();
        let turn = Turn::of(frozen, gateway.process).await;
        let s = Scenario::begin(Arc::new(Real::connect().await), name).await;
        Story { s, gateway, turn }
    }
}

/// The container of this version.
pub fn container(image: &str) -> Value {
    json!({ "name": "web", "image": image, "ports": [{ "containerPort": 80 }] })
}
