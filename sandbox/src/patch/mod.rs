//! The three ways to patch an object, each as the real API server does it: strategic merge, merge (RFC 7396) and JSON
//! (RFC 6902). Where the real server differs from an RFC, so does this.

pub(crate) mod go_text;
mod json;
mod lists;
mod merge;
mod order;
mod refused;
mod strategic;

pub use json::json;
pub use merge::merge;
pub use refused::PatchError;
pub use strategic::strategic;
