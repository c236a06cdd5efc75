//! What people see, as text. Pure, so that every state can be shown in a test.

pub mod analysis_run;
pub mod app;
pub mod chart;
pub mod events;
pub mod experiment;
pub mod explain;
pub mod header;
pub mod history;
pub mod list;
pub mod measurements;
pub mod page;
pub mod paint;
pub mod screen;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod width;
