//! What Sluice decides, as pure functions.
//!
//! **Architecture invariant:** nothing in this crate talks to the outside world: no client, no clock, no randomness, no
//! logging. The same [`Snapshot`](snapshot) gives the same plan, on a laptop, in production and in a simulation.

pub mod identity;
