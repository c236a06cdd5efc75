//! What is drawn, as text.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use serde_json::json;
use sluice_core::info::family::Family;
use sluice_core::info::rollout::RolloutInfo;

use super::super::draw::draw;
use super::super::state::{Picture, State, Told};
use super::super::update::{Event, update};
use super::{empty, now, press, press_all, replica_set, rollout, row, state};
use crate::view::paint::Paint;

fn shown(state: &State) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1)).expect("a terminal");
    terminal.draw(|frame| draw(state, frame)).expect("a picture");
    terminal
}

/// The picture, line by line, without what is empty at their ends.
fn text(state: &State) -> String {
    let terminal = shown(state);
    let buffer = terminal.backend().buffer();
    let line = |y: u16| (0..state.size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..state.size.1).map(|y| line(y).trim_end().to_owned() + "\n").collect()
}

#[track_caller]
fn reads(state: &State, expected: &str) {
    let text = text(state);
    assert_eq!(text, expected, "\n{text}");
}

/// The view of one paused rollout with two revisions, an analysis run and an event.
fn closely(width: u16, height: u16) -> State {
    let mut state = state(width, height);
    press_all(&mut state, &["down", "enter"]);
    let run = json!({
        "metadata": {
            "name": "web-b-2", "uid": "r", "creationTimestamp": "2026-01-01T00:04:00Z",
            "annotations": {"rollout.argoproj.io/revision": "2"},
            "ownerReferences": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web", "uid": "shop/web", "controller": true}],
        },
        "spec": {"metrics": [{"name": "success", "successCondition": "result > 0.9", "provider": {}}]},
        "status": {"phase": "Running", "metricResults": [{
            "name": "success", "phase": "Running", "successful": 2, "failed": 1, "measurements": [
                {"phase": "Successful", "value": "0.99"}, {"phase": "Failed", "value": "0.5"}, {"phase": "Successful", "value": "0.97"},
            ],
        }]},
    });
    let waiting = json!({"status": {"waitingOn": {
        "reason": "Pause", "message": "a person: the pause of step 1 ends with a promotion",
    }}});
    let family = Family {
        rollout: rollout("shop", "web", "Paused", &waiting),
        replica_sets: vec![replica_set("shop/web", "a", 1, 1), replica_set("shop/web", "b", 2, 1)],
        pods: Vec::new(),
        runs: Some(vec![serde_json::from_value(run).expect("a run")]),
        experiments: None,
    };
    let told = Told {
        age: "60s".to_owned(),
        is_warning: true,
        reason: "RolloutPaused".to_owned(),
        message: "Rollout is paused (CanaryPauseStep)".to_owned(),
        count: 2,
    };
    let picture = Picture { info: RolloutInfo::of(&family, now()), events: vec![told] };
    let key = state.selected.clone().expect("a choice");
    update(&mut state, Event::Picture(key, Some(Box::new(picture))));
    state
}

#[test]
fn a_screen_of_the_usual_size_shows_what_matters() {
    reads(
        &state(80, 24),
        "\
Rollouts (4)  all namespaces  context prod  by need
NAMESPACE   NAME    STATUS▼        STEP   WEIGHT   READY   WAITS ON
billing     ledger  ✖ Degraded     1/4    0/50     2/2     RolloutAborted: Roll…
shop        web     ॥ Paused       1/4    50/50    2/2     CanaryPauseStep
billing     api     ◌ Progressing  1/4    50/50    2/2     1 of 2 pods is not a…
shop        front   ✔ Healthy      4/4    100/100  2/2

















? keys  q end  Enter look  / filter  s sort  p promote  a abort  r retry  u undo
",
    );
}

#[test]
fn a_narrow_screen_shows_fewer_columns() {
    reads(
        &state(40, 12),
        "\
Rollouts (4)  all namespaces  context pr
NAME    STATUS▼        WEIGHT   READY
ledger  ✖ Degraded     0/50     2/2
web     ॥ Paused       50/50    2/2
api     ◌ Progressing  50/50    2/2
front   ✔ Healthy      100/100  2/2





? keys  q end  Enter look  / filter
",
    );
}

#[test]
fn a_wide_screen_shows_all_columns() {
    let text = text(&state(200, 50));
    let top: String = text.lines().take(6).map(|line| line.to_owned() + "\n").collect();
    assert_eq!(top, "\
Rollouts (4)  all namespaces  context prod  by need
NAMESPACE   NAME    STRATEGY   STATUS▼        STEP   WEIGHT   READY   WAITS ON                                                                                                                     AGE
billing     ledger  Canary     ✖ Degraded     1/4    0/50     2/2     RolloutAborted: Rollout aborted update to revision 2                                                                         5m
shop        web     Canary     ॥ Paused       1/4    50/50    2/2     CanaryPauseStep                                                                                                              5m
billing     api     Canary     ◌ Progressing  1/4    50/50    2/2     1 of 2 pods is not available (ReplicaSet/api-b)                                                                              5m
shop        front   Canary     ✔ Healthy      4/4    100/100  2/2                                                                                                                                  5m
", "\n{top}");
}

#[test]
fn one_rollout_is_shown_with_its_tree_charts_and_events() {
    reads(
        &closely(80, 26),
        "\
shop/web  context prod
Status:    ॥ Paused
Message:   CanaryPauseStep
Waiting:   a person: the pause of step 1 ends with a promotion
Strategy:  Canary, step 1/4, weight 50 set, 50 actual
Image:     web:1 (stable)
Image:     web:2 (canary)
Replicas:  2 desired, 2 current, 1 updated, 2 ready, 2 available

NAME             KIND         STATUS     AGE  INFO
⟳ web            Rollout      ॥ Paused   5m
├──# revision:2
│  ├──⧉ web-b    ReplicaSet   ✔ Healthy  5m   canary
│  └──α web-b-2  AnalysisRun  ◌ Running  60s  ✔ 2,✖ 1
└──# revision:1
   └──⧉ web-a    ReplicaSet   ✔ Healthy  5m   stable

α web-b-2  ◌ Running
success  ◌ Running  ✔ 2,✖ 1
  █▁█  0.5 to 0.99, last 0.97   succeeds if result > 0.9
   ✖

EVENTS
⚠ 60s   RolloutPaused: Rollout is paused (CanaryPauseStep) (×2)

? keys  q back  p promote  P to the end  a abort  r retry  z pause  R restart
",
    );
}

#[test]
fn one_rollout_fits_a_narrow_screen_and_scrolls() {
    let mut state = closely(40, 12);
    press(&mut state, "pgdn");
    reads(
        &state,
        "\
shop/web  context prod
           updated, 2 ready, 2 available

NAME             STATUS     AGE  INFO
⟳ web            ॥ Paused   5m
├──# revision:2
│  ├──⧉ web-b    ✔ Healthy  5m   canary
│  └──α web-b-2  ◌ Running  60s  ✔ 2,✖ 1
└──# revision:1
   └──⧉ web-a    ✔ Healthy  5m   stable

? keys  q back  p promote  P to the end
",
    );
}

#[test]
fn a_question_stands_over_the_view_and_its_answers_are_in_sight() {
    let mut state = state(80, 24);
    press_all(&mut state, &["down", "p"]);
    reads(
        &state,
        "\
Rollouts (4)  all namespaces  context prod  by need
NAMESPACE   NAME    STATUS▼        STEP   WEIGHT   READY   WAITS ON
billing     ledger  ✖ Degraded     1/4    0/50     2/2     RolloutAborted: Roll…
shop        web     ॥ Paused       1/4    50/50    2/2     CanaryPauseStep
billing     api     ◌ Progressing  1/4    50/50    2/2     1 of 2 pods is not a…
shop        front   ✔ Healthy      4/4    100/100  2/2



             ┌ Sure? ────────────────────────────────────────────┐
             │ Promote rollout 'web'?                            │
             │ Its pause (CanaryPauseStep) ends, and it goes on. │
             │ rollout web, namespace shop, context prod         │
             │ y: do it, n: leave it                             │
             └───────────────────────────────────────────────────┘








? keys  q end  Enter look  / filter  s sort  p promote  a abort  r retry  u undo
",
    );
    for (width, height, answer) in
        [(40, 12, "y: do it"), (30, 12, "y: do it"), (30, 8, "n: leave"), (24, 6, "n: leave")]
    {
        update(&mut state, Event::Resize(width, height));
        let text = text(&state);
        let is_whole = text.contains("namespace") && text.contains("context");
        assert!(text.contains(answer) && (answer != "y: do it" || is_whole), "{width}x{height}\n{text}");
    }
}

#[test]
fn the_help_names_every_key() {
    let mut state = state(80, 30);
    press(&mut state, "?");
    let text = text(&state);
    for expected in ["p       promote: to the next step", "Esc     back", "Ctrl-C ends always."] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn a_lost_connection_is_said_with_the_age_of_the_picture() {
    let mut state = state(80, 10);
    let why = "cannot watch rollouts: connection refused".to_owned();
    update(&mut state, Event::Lost("rollouts".to_owned(), why));
    update(&mut state, Event::Tick(now() + jiff::SignedDuration::from_secs(12)));
    let text = text(&state);
    let second = text.lines().nth(1).unwrap_or_default();
    assert_eq!(second, "⚠ 12s old, trying again: cannot watch rollouts: connection refused");
    assert!(text.contains("ledger"), "{text}");
}

#[test]
fn without_rollouts_it_says_so() {
    let mut state = empty(60, 6);
    assert!(text(&state).contains("Reading the rollouts."), "{}", text(&state));
    update(&mut state, Event::Rollouts(Vec::new()));
    assert!(text(&state).contains("There are no rollouts here."), "{}", text(&state));
}

#[test]
fn no_size_is_too_small() {
    for width in 0..45 {
        for height in 0..14 {
            for mut state in [state(width, height), closely(width, height), empty(width, height)] {
                text(&state);
                for keys in [&["?"][..], &["x", "p"], &["n", "/", "w"], &["esc", "end"], &["pgdn"]] {
                    press_all(&mut state, keys);
                    text(&state);
                }
            }
        }
    }
}

#[test]
fn what_the_cluster_says_cannot_steer_the_terminal() {
    let mut state = empty(200, 24);
    let hostile = json!({"status": {"message": "\u{1b}[2Jgone\u{9b}31m\u{7}", "phase": "\u{1b}]0;x\u{7}"}});
    update(&mut state, Event::Rollouts(vec![row("shop", "web", "Degraded", &hostile)]));
    for keys in [&[][..], &["a"], &["n", "enter"]] {
        press_all(&mut state, keys);
        let text = text(&state);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    }
    let family = Family {
        rollout: rollout("shop", "web", "Degraded", &hostile),
        replica_sets: Vec::new(),
        pods: Vec::new(),
        runs: None,
        experiments: None,
    };
    let events = vec![Told {
        age: "1s".to_owned(),
        is_warning: false,
        reason: "\u{1b}c".to_owned(),
        message: "\u{1b}]0;title\u{7}".to_owned(),
        count: 1,
    }];
    let picture = Picture { info: RolloutInfo::of(&family, now()), events };
    let key = state.selected.clone().expect("a choice");
    update(&mut state, Event::Picture(key, Some(Box::new(picture))));
    let page = text(&state);
    assert!(page.contains("]0;title") && !page.chars().any(|c| c.is_control() && c != '\n'), "{page:?}");
    press_all(&mut state, &["esc"]);
    assert!(text(&state).contains("\\u{1b}[2Jgone"), "{}", text(&state));
}

#[test]
fn wide_letters_leave_the_columns_where_they_are() {
    let mut state = empty(120, 8);
    let wide = json!({"status": {"message": "網路服務還沒有準備好,請稍候再試一次,謝謝您的耐心等待與合作"}});
    update(&mut state, Event::Rollouts(vec![row("shop", "web", "Degraded", &wide)]));
    let terminal = shown(&state);
    let buffer = terminal.backend().buffer();
    let column = |y: u16, symbol: &str| (0..120).rev().find(|x| buffer[(*x, y)].symbol() == symbol);
    assert_eq!(column(1, "A"), column(2, "5"), "{}", text(&state));
}

#[test]
fn colours_are_only_where_they_are_wanted() {
    let mut state = state(80, 24);
    let coloured = |state: &State| {
        let terminal = shown(state);
        terminal.backend().buffer().content().iter().filter(|cell| cell.fg != Color::Reset).count()
    };
    assert_eq!(coloured(&state), 0);
    state.paint = Paint::Colour;
    assert!(coloured(&state) > 0);
}

#[test]
fn a_thousand_rollouts_are_drawn_as_far_as_they_are_seen() {
    let mut state = state(80, 24);
    let many = (0..1000).map(|n| row("shop", &format!("web-{n:04}"), "Healthy", &json!({})));
    update(&mut state, Event::Rollouts(many.collect()));
    press(&mut state, "end");
    let text = text(&state);
    assert!(text.contains("Rollouts (1000)") && text.contains("web-0999") && !text.contains("web-0500"), "{text}");
}
