//! Applications as they are stored, and what can be told from one: how its operation stands, whether a goal is reached, and which of
//! its objects somebody means. All of it is pure; what other surfaces tell, too, is core's.

pub mod goal;
#[cfg(test)]
pub mod sample;

pub use sluice_core::act::application::selection;
pub use sluice_core::info::application::operation;
pub use sluice_core::info::application::stored::Stored;
