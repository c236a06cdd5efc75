//! The GitOps core: what Git says that a cluster should have, and what to do about it.
//!
//! Read in this order: a [`snapshot`] has what the sources say ([`manifest`]s) and how the cluster stands to it ([`compare`]);
//! [`plan`](plan::plan) decides, with the parts [`automatic`] (whether to sync), [`operation`] (a sync from its beginning to its end, of
//! which [`task`] says what it consists of and [`step`] what comes next), [`hook`] and [`report`] (what the status says); [`guard`] looks
//! once more at what must never happen. Compatible with Argo CD's `Application`.

pub mod automatic;
pub mod chart;
pub mod compare;
pub mod dependency;
pub mod environment;
pub mod fields;
pub mod glob;
pub mod guard;
pub mod health;
pub mod hook;
pub mod jq;
pub mod key;
pub mod kustomization;
pub mod leave;
pub mod lineage;
pub mod manifest;
pub mod marks;
pub mod operation;
pub mod order;
pub mod orphans;
pub mod overrides;
pub mod owned;
pub mod path;
pub mod plan;
pub mod plugin;
pub mod preempt;
pub mod project;
pub mod push;
pub mod range;
pub mod report;
pub mod snapshot;
pub mod step;
pub mod submodule;
pub mod task;
pub mod tracking;
pub mod unsupported;
pub mod url;
