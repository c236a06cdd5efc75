//! The sandbox's pure modules against what the real API server was recorded to do.

#![allow(clippy::unwrap_used)]

mod recording;
mod schema;
