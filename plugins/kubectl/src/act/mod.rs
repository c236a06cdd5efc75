//! What commands write, as pure functions over what they read.

pub mod image;
pub mod promote;
pub mod undo;
