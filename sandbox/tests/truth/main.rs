//! The sandbox's pure modules against what the real API server was recorded to do.

#![allow(clippy::unwrap_used)]

mod fields;
mod laws;
mod patch;
mod recording;
mod schema;
