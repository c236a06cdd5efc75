//! Applications, as people see them.

pub mod changes;
pub mod diff;
pub mod history;
pub mod list;
pub mod operation;
pub mod page;
pub mod resources;
#[cfg(test)]
mod tests;

pub use sluice_core::info::application::words;
