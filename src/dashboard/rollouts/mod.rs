//! The pages of rollouts: all of them, one of them, and what can be asked of one.

pub mod act;
mod events;
pub mod list;
pub mod one;
mod parts;
pub mod query;
mod revisions;
mod runs;
pub mod seen;
mod why;
