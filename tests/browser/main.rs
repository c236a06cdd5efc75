//! Pages as people meet them: in headless Chromium. `driver` is the browser; `page` is a small page on which the browser itself is
//! tried. Start with `look.rs`.
//!
//! `PATH=$(tests/cluster/build-browser):$PATH cargo test --test browser in_a_browser`

mod accessible;
mod act;
mod applications;
#[path = "../dashboard/stage.rs"]
#[allow(dead_code, reason = "stories of the dashboard without a browser use the rest of it")]
mod dashboard;
mod driver;
#[path = "../applications/stage.rs"]
#[allow(dead_code, reason = "stories of Applications without a browser use the rest of it")]
mod gitops;
mod keyboard;
mod live;
mod look;
mod page;
mod rollouts;
mod screen;
mod story;
mod stream;

/// Declares stories as tests.
macro_rules! stories {
    ($($module:ident: [$($name:ident),+ $(,)?]),+ $(,)?) => {
        mod in_a_browser {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    crate::story::tell(stringify!($name), crate::$module::$name).await;
                }
            )+)+
        }
    };
}

stories! {
    look: [
        a_page_shows_what_it_has,
        a_page_that_complains_is_heard,
        a_part_that_is_not_there_is_named,
        no_other_host_is_reached,
        a_row_is_found_among_a_thousand,
    ],
    act: [
        a_button_is_pressed_and_confirmed,
        a_row_is_found_by_what_is_typed_or_chosen,
        a_cookie_is_kept,
    ],
    live: [what_changes_is_shown_at_once],
    keyboard: [
        everything_is_done_with_the_keyboard,
        focus_that_cannot_be_seen_is_found,
    ],
    screen: [
        a_narrow_screen_has_no_sideways_scroll,
        a_page_that_is_too_wide_is_found,
        a_page_is_dark_or_light_as_people_ask,
        nothing_moves_where_people_ask_for_that,
    ],
    rollouts: [
        a_rollout_is_found_updated_promoted_and_taken_back,
        what_is_refused_is_shown_with_its_reason,
        a_change_is_on_the_page_within_a_second,
        a_thousand_rollouts_stay_quick_to_look_through,
        everything_on_a_rollout_is_done_with_the_keyboard,
        a_phone_shows_all_of_it_in_the_dark,
        somebody_logs_in_with_a_token,
    ],
    stream: [
        a_page_whose_stream_died_silently_says_so_and_gets_another,
        what_is_pressed_and_never_released_holds_up_no_change,
        what_has_the_focus_keeps_it_through_a_change,
    ],
    applications: [
        an_application_of_a_thousand_objects_stays_readable,
        what_a_sync_would_change_is_looked_at_and_synced,
        somebody_sees_who_synced_which_commit_and_goes_back,
        an_application_is_found_and_synced_with_the_keyboard,
        a_phone_shows_an_application_in_the_dark,
    ],
    accessible: [
        everybody_can_use_the_page,
        what_keeps_people_out_is_found,
    ],
}
