//! What people see: a model of the rollout made of plain data, and its text. Pure, so that every state can be shown in a test.

pub mod age;
pub mod analysis_run;
pub mod app;
pub mod badge;
pub mod chart;
pub mod experiment;
pub mod header;
pub mod info;
pub mod list;
pub mod measurements;
pub mod page;
pub mod phase;
pub mod pod;
pub mod replica_set;
pub mod strategy;
pub mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod tree;
