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

/// Declares stories as tests. The modules are sorted as they are run: all that want a frozen gateway come before the others, so that
/// few threads wait for the weather to change.
macro_rules! stories {
    (
        both { $($module:ident: [$($name:ident),+ $(,)?]),+ $(,)? }
        frozen { $($frozen_module:ident: [$($frozen:ident),+ $(,)?]),+ $(,)? }
        thawed { $($thawed_module:ident: [$($thawed:ident),+ $(,)?]),+ $(,)? }
    ) => {
        mod on_the_real_control_plane {
            mod frozen {
                $(mod $module { $(tell!(true, $module, $name);)+ })+
                $(mod $frozen_module { $(tell!(true, $frozen_module, $frozen);)+ })+
            }

            mod thawed {
                $(mod $module { $(tell!(false, $module, $name);)+ })+
                $(mod $thawed_module { $(tell!(false, $thawed_module, $thawed);)+ })+
            }
        }
    };
}

macro_rules! tell {
    ($is_frozen:literal, $module:ident, $name:ident) => {
        #[tokio::test]
        async fn $name() {
            crate::$module::$name(crate::story::Story::begin(stringify!($name), $is_frozen).await).await;
        }
    };
}

stories! {
    both {
        blue_green: [
            a_promotion_moves_all_requests,
            a_rollback_later_moves_them_back,
            a_rollback_right_after_the_promotion_moves_them_back,
        ],
        canary: [
            a_canary_takes_over_step_by_step,
            a_canary_takes_over_while_the_stable_version_shrinks,
            a_retry_after_an_abort_gets_there,
            an_abort_gives_everything_back,
            an_abort_gives_everything_back_to_a_stable_version_that_has_shrunk,
            going_back_in_the_middle_gives_everything_back,
        ],
    }
    frozen {
        harness: [
            a_frozen_gateway_hears_nothing_and_carries_on,
            a_pod_that_ends_before_the_gateway_has_heard_is_found,
        ],
    }
    thawed {
        harness: [
            a_correct_split_is_right_and_another_one_is_found,
            a_pod_that_ends_when_the_gateway_has_heard_loses_nothing,
            a_weight_that_comes_and_goes_under_load_loses_nothing,
        ],
    }
}
