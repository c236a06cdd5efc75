//! What commands write, as pure functions from what was read to a patch.

pub mod analyse;
pub mod app;
pub mod image;
pub mod promote;
pub mod request;
pub mod template;
pub mod undo;
