//! What commands write into Applications. Their status is no subresource: `operation` and `status` are patched like the rest.

pub mod create;
pub mod delete;
pub mod flags;
pub mod upsert;

pub use sluice_core::act::application::{request, rollback, sync};
