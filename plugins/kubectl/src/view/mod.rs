//! What people see, as text. Pure, so that every state can be shown in a test.

pub mod analysis_run;
pub mod app;
pub mod chart;
pub mod experiment;
pub mod header;
pub mod list;
pub mod measurements;
pub mod page;
pub mod paint;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tree;
