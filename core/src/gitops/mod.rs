//! The GitOps core: what Git says that a cluster should have, and what to do about it.
//!
//! Read in this order: a [`snapshot`] has what the sources say ([`manifest`]s) and how the cluster stands to it ([`compare`]);
//! [`plan`](plan::plan) decides, with the parts [`automatic`] (whether to sync), [`operation`] (how far a sync is) and [`report`] (what
//! the status says); [`guard`] looks once more at what must never happen. Compatible with Argo CD's `Application`.

pub mod automatic;
pub mod compare;
pub mod glob;
pub mod guard;
pub mod health;
pub mod key;
pub mod manifest;
pub mod operation;
pub mod order;
pub mod plan;
pub mod project;
pub mod report;
pub mod snapshot;
pub mod tracking;
pub mod unsupported;
