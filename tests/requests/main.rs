//! Rollouts under a constant load of real requests: no request may fail, and the shares of the versions are those of the weights.
//! Start with `canary.rs`.
//!
//! `SLUICE_CLUSTER_GATEWAY=contour tests/cluster/run cargo test --test requests -- --nocapture` runs all and prints the reports.

mod binomial;
mod freezer;
mod gateway;
mod harness;
mod load;
mod report;
mod run;
mod story;

mod blue_green;
mod canary;

#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/programs.rs"]
mod programs;
#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/real.rs"]
mod real;
#[allow(dead_code, reason = "the scenarios use the rest")]
#[path = "../scenarios/scenario.rs"]
mod scenario;

/// Declares stories as tests, each with a gateway that hears at once and with one that is frozen for most of the time. Those
/// `later` wait for something that is not there yet.
#[macro_export]
macro_rules! stories {
    ($($name:ident),* $(,)? $(; later, $what:literal: $($later:ident),+ $(,)?)?) => {
        mod on_the_real_control_plane {
            mod frozen {
                $($crate::story!(true, $name);)*
                $($($crate::story!(true, $later, #[ignore = $what]);)+)?
            }

            mod thawed {
                $($crate::story!(false, $name);)*
                $($($crate::story!(false, $later, #[ignore = $what]);)+)?
            }
        }
    };
}

/// Declares one story as a test.
#[macro_export]
macro_rules! story {
    ($frozen:literal, $name:ident $(, #[$ignore:meta])?) => {
        #[tokio::test]
        $(#[$ignore])?
        async fn $name() {
            super::super::$name($crate::story::Story::begin(stringify!($name), $frozen).await).await;
        }
    };
}
