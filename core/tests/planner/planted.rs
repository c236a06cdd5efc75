//! Every bug planted in what routers are told must be found by a table of [`routed`](crate::routed).

use std::panic::catch_unwind;

use sluice_core::planted::{Bug, plant};

use crate::{experiment, gateway, routed};

const TABLES: [(&str, fn()); 26] = [
    (
        "an_experiment_gets_its_share_of_the_traffic_while_it_runs",
        experiment::an_experiment_gets_its_share_of_the_traffic_while_it_runs,
    ),
    (
        "the_weight_waits_for_ready_endpoints_and_the_promotion_for_those_of_the_stable_service",
        gateway::the_weight_waits_for_ready_endpoints_and_the_promotion_for_those_of_the_stable_service,
    ),
    (
        "old_pods_of_blue_green_stay_until_the_gateway_knows_the_switch",
        gateway::old_pods_of_blue_green_stay_until_the_gateway_knows_the_switch,
    ),
    (
        "old_pods_stay_until_the_gateway_knows_where_a_service_leads_although_no_weight_changes",
        gateway::old_pods_stay_until_the_gateway_knows_where_a_service_leads_although_no_weight_changes,
    ),
    (
        "a_weight_moves_when_the_pods_for_it_are_available_and_the_stable_side_stays_whole",
        routed::a_weight_moves_when_the_pods_for_it_are_available_and_the_stable_side_stays_whole,
    ),
    ("a_weight_waits_for_every_pod_that_it_needs", routed::a_weight_waits_for_every_pod_that_it_needs),
    (
        "a_promotion_moves_the_stable_service_first_and_the_old_version_stays_for_its_delay",
        routed::a_promotion_moves_the_stable_service_first_and_the_old_version_stays_for_its_delay,
    ),
    ("an_abort_gives_the_traffic_back_before_the_pods_go", routed::an_abort_gives_the_traffic_back_before_the_pods_go),
    ("an_abort_delay_of_zero_keeps_the_canary_for_ever", routed::an_abort_delay_of_zero_keeps_the_canary_for_ever),
    (
        "nothing_shrinks_and_no_step_completes_while_the_data_plane_has_not_heard",
        routed::nothing_shrinks_and_no_step_completes_while_the_data_plane_has_not_heard,
    ),
    (
        "a_third_version_in_the_middle_takes_the_place_of_the_second_only_when_that_gets_no_traffic",
        routed::a_third_version_in_the_middle_takes_the_place_of_the_second_only_when_that_gets_no_traffic,
    ),
    (
        "going_back_to_the_stable_version_takes_the_traffic_back_first",
        routed::going_back_to_the_stable_version_takes_the_traffic_back_first,
    ),
    (
        "the_size_of_a_canary_can_be_set_apart_from_its_weight",
        routed::the_size_of_a_canary_can_be_set_apart_from_its_weight,
    ),
    ("a_canary_without_pods_gets_no_traffic", routed::a_canary_without_pods_gets_no_traffic),
    ("few_pods_are_made_up_to_the_minimum", routed::few_pods_are_made_up_to_the_minimum),
    ("weights_can_add_up_to_more_than_a_hundred", routed::weights_can_add_up_to_more_than_a_hundred),
    (
        "a_dynamic_stable_side_shrinks_and_grows_with_its_share",
        routed::a_dynamic_stable_side_shrinks_and_grows_with_its_share,
    ),
    (
        "a_dynamic_stable_side_keeps_its_pods_until_the_data_plane_has_heard",
        routed::a_dynamic_stable_side_keeps_its_pods_until_the_data_plane_has_heard,
    ),
    (
        "a_dynamic_rollback_gives_the_traffic_back_as_the_stable_version_grows",
        routed::a_dynamic_rollback_gives_the_traffic_back_as_the_stable_version_grows,
    ),
    (
        "a_full_promotion_waits_for_all_pods_and_not_for_the_steps",
        routed::a_full_promotion_waits_for_all_pods_and_not_for_the_steps,
    ),
    (
        "without_steps_the_promotion_moves_all_traffic_at_once",
        routed::without_steps_the_promotion_moves_all_traffic_at_once,
    ),
    (
        "two_services_take_turns_and_neither_is_moved_while_it_gets_traffic",
        routed::two_services_take_turns_and_neither_is_moved_while_it_gets_traffic,
    ),
    (
        "routes_for_certain_requests_come_and_go_with_their_steps",
        routed::routes_for_certain_requests_come_and_go_with_their_steps,
    ),
    (
        "a_router_that_cannot_be_told_is_named_and_the_others_go_on",
        routed::a_router_that_cannot_be_told_is_named_and_the_others_go_on,
    ),
    ("weights_that_somebody_changed_are_put_back", routed::weights_that_somebody_changed_are_put_back),
    (
        "a_fix_takes_over_from_a_canary_when_the_stable_version_serves_nobody",
        routed::a_fix_takes_over_from_a_canary_when_the_stable_version_serves_nobody,
    ),
];

#[test]
fn every_bug_planted_beside_a_router_is_found() {
    for (name, table) in TABLES {
        assert!(catch_unwind(table).is_ok(), "{name} fails without a bug");
    }
    for bug in Bug::OF_ROUTERS {
        plant(Some(bug));
        let found = TABLES.iter().find(|(_, table)| catch_unwind(table).is_err());
        plant(None);
        let (name, _) = found.unwrap_or_else(|| panic!("{bug:?} is not found"));
        println!("{bug:?}: {name}");
    }
}
