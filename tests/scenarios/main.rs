//! What users do, written once for every cluster that there is. Start with `deploy.rs`.
//!
//! `cargo test --test scenarios in_the_sandbox` runs them in virtual time, `on_the_served_sandbox` runs those with programs
//! beside the controller in real time, and `tests/cluster/run cargo test --test scenarios` runs all on a real control plane too.

mod analyses;
mod cluster;
mod programs;
mod real;
mod sandboxed;
mod scenario;
mod served;

mod abort;
mod admission;
mod adopt;
mod analysis;
mod autoscale;
mod blue_green;
mod deploy;
mod experiment;
mod first;
mod history;
mod lost;
mod metadata;
mod migrate;
mod operate;
mod pause;
mod plugin;
mod plugins;
mod prove;
mod restart;
mod rollback;
mod routers;
mod scale;
mod services;
mod step;
mod validate;
mod workload;

/// Declares scenarios as tests: `scenarios! { name, name }`. Those `with_processes` run programs beside the controller, which
/// virtual time cannot wait for.
#[macro_export]
macro_rules! scenarios {
    ($($name:ident),* $(,)? $(; with_processes: $($process:ident),+ $(,)?)?) => {
        $crate::virtual_scenarios! { $($name),* }

        mod on_the_real_control_plane {
            $crate::in_real_time! { $crate::real::Real::connect: $($name,)* $($($process,)+)? }
        }

        $(
            mod on_the_served_sandbox {
                $crate::in_real_time! { $crate::served::Served::start: $($process,)+ }
            }
        )?
    };
}

/// Declares scenarios as tests in virtual time alone.
#[macro_export]
macro_rules! virtual_scenarios {
    ($($name:ident),* $(,)?) => {
        /// Those that run in virtual time.
        #[allow(dead_code, reason = "a module may have scenarios with processes alone")]
        pub const SCENARIOS: &[$crate::prove::Named] = &[$((stringify!($name), |s| Box::pin($name(s)))),*];

        mod in_the_sandbox {
            $(
                #[tokio::test(start_paused = true)]
                async fn $name() {
                    let cluster = std::sync::Arc::new($crate::sandboxed::Sandboxed::start().await);
                    super::$name($crate::scenario::Scenario::begin(cluster, stringify!($name)).await).await;
                }
            )*
        }
    };
}

/// Declares scenarios as tests on one cluster, in real time.
#[macro_export]
macro_rules! in_real_time {
    ($start:path: $($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                let cluster = std::sync::Arc::new($start().await);
                super::$name($crate::scenario::Scenario::begin(cluster, stringify!($name)).await).await;
            }
        )*
    };
}
