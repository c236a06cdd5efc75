//! What people ask of a rollout, as the smallest patch that says it: pure functions from what was read.

pub mod action;
pub mod application;
pub mod asked;
pub mod change;
pub mod image;
pub mod promote;
pub mod request;
pub mod template;
pub mod undo;
