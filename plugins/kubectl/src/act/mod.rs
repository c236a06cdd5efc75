//! What commands write, as pure functions from what was read to a patch.

pub mod analyse;
pub mod app;
