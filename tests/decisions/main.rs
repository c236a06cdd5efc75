//! Metrics decide about real versions: pods answer real requests, a real Prometheus scrapes what they have counted, and Rollouts
//! promote and abort themselves. Start with `canary.rs`. The templates of `examples/analysis` are run here too.
//!
//! `tests/cluster/build-prometheus`, and then `tests/cluster/run cargo test --test decisions -- --nocapture`, which prints the reports.

mod load;
mod prometheus;
mod report;
mod served;
mod story;

mod blue_green;
mod canary;
mod examples;

#[path = "../scenarios/analyses.rs"]
mod analyses;
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

/// Declares stories as tests.
macro_rules! stories {
    ($($module:ident: [$($name:ident),+ $(,)?]),+ $(,)?) => {
        mod on_the_real_control_plane {
            $(
                mod $module {
                    $(
                        #[tokio::test]
                        async fn $name() {
                            crate::$module::$name(crate::story::Story::begin(stringify!($name)).await).await;
                        }
                    )+
                }
            )+
        }
    };
}

stories! {
    blue_green: [
        a_good_version_is_switched_to,
        a_bad_version_is_never_switched_to,
        a_good_version_stays_switched_to,
        a_bad_version_is_switched_back_from,
    ],
    canary: [
        a_good_version_promotes_itself_at_a_step,
        a_bad_version_aborts_itself_at_a_step,
        a_good_version_promotes_itself_with_analysis_beside_its_steps,
        a_bad_version_aborts_itself_with_analysis_beside_its_steps,
    ],
    examples: [every_template_of_the_examples_ends_as_it_should],
}
