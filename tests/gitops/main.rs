//! From a commit to the cluster: Applications whose manifests are in Git, on the sandbox and on the real control plane. Start with
//! `sync.rs`.
//!
//! `cargo test --test gitops in_the_sandbox`, or `tests/cluster/run cargo test --test gitops on_the_real_control_plane`.

mod bad;
mod charts;
mod charts_server;
mod cycles;
mod health;
mod hooks;
mod links;
mod local;
mod orphans;
mod overrides;
mod platform;
mod plugins;
mod preview;
mod private;
mod programs;
mod projects;
mod repository;
mod rollouts;
mod secrets;
mod server;
mod sources;
mod ssh;
mod ssh_server;
mod story;
mod submodules;
mod sync;
mod updates;
mod waves;
mod webhook;

/// Declares stories as tests, once for each cluster.
macro_rules! stories {
    ($($module:ident: [$($name:ident),+ $(,)?]),+ $(,)?) => {
        mod in_the_sandbox {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(crate::story::Story::in_the_sandbox(stringify!($name)).await).await;
                }
            )+)+
        }

        mod on_the_real_control_plane {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::$module::$name(crate::story::Story::on_the_real_control_plane(stringify!($name)).await).await;
                }
            )+)+
        }
    };
}

stories! {
    sync: [
        a_commit_comes_to_the_cluster,
        a_first_sync_of_a_namespace_with_its_contents_succeeds_at_once,
        a_revert_in_git_rolls_back,
        what_was_deleted_by_hand_comes_back,
        a_change_by_hand_is_only_reported_where_nobody_asked_to_heal,
        what_git_does_not_have_any_more_goes_where_that_was_asked_for,
        what_git_does_not_have_any_more_is_reported_where_it_was_not,
        a_person_asks_for_a_sync,
        a_sync_that_a_person_asks_for_is_of_the_newest_commit,
        a_tag_stays_where_it_is,
        differences_can_be_ignored,
        an_application_takes_its_objects_along_when_it_goes,
        nothing_is_written_while_nothing_changes,
        what_another_application_has_is_told,
        the_example_is_good_for_a_start,
        what_kubectl_has_applied_is_taken_over_field_by_field,
        a_sync_can_be_asked_to_make_the_namespace,
    ],
    waves: [
        a_wave_waits_until_the_one_before_it_is_healthy,
        a_newer_commit_takes_the_place_of_a_sync_that_waits,
        what_asks_before_it_goes_waits_for_a_person,
        an_application_takes_its_objects_along_in_reverse_order,
        what_cannot_be_changed_is_made_anew_where_that_is_asked_for,
        what_somebody_else_decides_stays_as_it_is,
        an_app_of_apps_waits_for_its_children,
    ],
    hooks: [
        hooks_run_before_and_after_what_is_applied,
        a_hook_that_fails_keeps_everything_from_being_applied,
        a_sync_that_is_ended_ends_its_hooks,
        a_hook_that_cannot_be_created_is_found_before_anything_is_done,
        hooks_run_before_an_application_goes_and_after_its_objects_have,
    ],
    rollouts: [
        weights_of_an_update_are_not_put_back,
        the_revision_that_a_service_selects_is_not_put_back,
        a_workload_that_a_rollout_has_scaled_down_stays_so,
    ],
    preview: [a_look_says_what_a_sync_would_do],
    sources: [
        an_application_has_several_sources,
        a_range_of_versions_is_the_highest_tag_in_it,
        a_rollback_brings_back_the_source_that_was,
    ],
    projects: [
        a_project_says_which_repositories_places_and_kinds_are_allowed,
        what_a_project_does_not_permit_stays_where_it_is,
    ],
    health: [
        a_wave_waits_for_what_a_rule_in_cel_says,
        a_rule_of_health_that_changes_is_heard_at_once,
    ],
    orphans: [what_no_application_has_is_told_where_the_project_asks],
    updates: [
        an_update_from_git_walks_its_canary,
        an_update_that_was_aborted_is_not_begun_again,
    ],
    secrets: [a_secret_in_git_is_opened_with_an_identity],
    webhook: [
        a_webhook_tells_those_who_read_what_has_changed,
        a_webhook_that_is_not_signed_is_refused,
    ],
    private: [a_private_repository_is_read_over_https_with_a_token],
    bad: [
        a_broken_manifest_is_named_with_its_line_and_nothing_is_touched,
        an_empty_folder_takes_nothing_away,
        a_missing_folder_or_branch_is_named,
        what_is_not_supported_yet_holds_the_application_and_says_so,
        what_the_cluster_refuses_is_named_and_nothing_else_is_applied,
        a_repository_that_is_not_there_concerns_its_own_application_alone,
        a_git_server_that_hangs_concerns_its_own_application_alone,
        hostile_files_are_refused_by_name,
        a_submodule_holds_what_it_would_bring,
        what_a_secret_holds_is_in_no_message,
        a_file_that_is_too_large_is_refused_and_not_read,
    ],
    links: [
        a_link_leads_where_it_leads,
        a_link_that_leads_nowhere_or_out_is_named,
        links_in_a_circle_come_to_an_end,
        a_commit_that_changes_what_a_link_leads_to_is_seen,
    ],
    submodules: [
        a_submodule_is_read_in_its_place,
        a_submodule_of_a_server_is_fetched_with_its_own_secret,
        a_submodule_that_cannot_be_fetched_is_named,
        submodules_come_to_an_end,
    ],
    overrides: [files_in_the_folder_say_something_over_the_application],
    plugins: [
        a_plugin_fills_in_what_is_not_in_git,
        a_plugin_is_told_of_its_application,
        a_plugin_that_fails_is_named,
    ],
    cycles: [
        an_application_in_its_own_folder_settles_and_goes,
        applications_in_each_others_folders_settle_and_go,
    ],
}

/// Those that need programs in the PATH: `PATH=$(tests/cluster/build-tools):$PATH`.
mod with_programs {
    stories! {
        links: [a_program_finds_what_links_lead_to],
        overrides: [
            an_image_in_git_is_put_into_kustomizes_place,
            a_chart_is_told_of_its_application_and_of_its_commit,
        ],
        preview: [a_folder_of_a_program_is_looked_at],
        secrets: [what_a_program_renders_is_opened_before],
        programs: [
            a_folder_of_kustomize_is_rendered_with_what_the_application_adds,
            a_commit_that_touches_nothing_of_it_renders_nothing,
            a_chart_is_rendered_with_its_values,
            a_chart_is_rendered_by_a_newer_helm,
            a_chart_of_applications,
            values_come_from_another_source,
            a_value_that_is_taken_away_stays_so,
            what_a_program_cannot_render_is_named,
        ],
        platform: [
            a_platform_comes_from_a_private_repository,
            one_part_of_a_platform_waits_for_a_person,
            a_platform_goes_back_by_a_revert_and_says_what_it_has_had,
            a_platform_comes_over_definitions_that_are_there_and_leaves_them,
        ],
        charts: [
            a_chart_comes_from_a_repository_with_a_login,
            a_chart_takes_values_of_another_source,
            a_chart_gets_what_it_needs_from_repositories,
            what_cannot_be_had_of_a_repository_is_named,
            a_login_follows_a_chart_elsewhere_where_that_was_asked_for_alone,
            a_chart_comes_from_a_registry,
            an_index_leads_to_a_registry,
            a_registry_gives_out_tokens,
        ],
        ssh: [
            a_repository_behind_ssh_is_read_with_a_key,
            a_tag_with_a_text_of_its_own_is_fetched_from_any_server,
            a_host_that_nobody_vouches_for_is_refused,
            a_key_that_the_host_does_not_take_is_refused,
            any_host_is_good_where_that_was_asked_for,
            what_the_host_says_of_a_repository_that_is_not_there_is_told,
        ],
    }
}
