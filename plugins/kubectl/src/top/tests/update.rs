//! What comes of keys and of news.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::{Value, json};
use sluice_core::act::action::{Action, Details};
use sluice_core::act::asked::Asked;

use super::super::state::{Detail, Dialog, Key, Request, Row, State};
use super::super::update::{Command, Event, update};
use super::{now, press, press_all, row, rows, state};

fn names(state: &State) -> Vec<&str> {
    state.visible().map(|row| row.key.name.as_str()).collect()
}

fn chosen(state: &State) -> &str {
    state.selected.as_ref().map_or("", |key| key.name.as_str())
}

fn key(namespace: &str, name: &str) -> Key {
    Key { namespace: namespace.to_owned(), name: name.to_owned() }
}

/// What comes of a yes.
fn does(action: Action, row: &Row, revision: i64) -> Command {
    let asked = Some(Asked::about(action, &row.rollout));
    let details = Details { revision, asked, ..Details::default() };
    Command::Act(Request { key: row.key.clone(), action, details })
}

/// The text of the question that is asked.
fn asked(state: &State) -> String {
    match &state.dialog {
        Some(Dialog::Confirm(question)) => format!("{} {} {}", question.title, question.effect, question.object),
        other => panic!("no question: {other:?}, {:?}", state.notice),
    }
}

fn said(state: &State) -> &str {
    state.notice.as_ref().map_or("", |notice| notice.text.as_str())
}

#[test]
fn what_needs_a_person_comes_first_and_a_key_sorts_by_other_columns() {
    let mut state = state(80, 24);
    assert_eq!(names(&state), ["ledger", "web", "api", "front"]);
    for (keys, expected) in [
        (&["S"][..], ["front", "api", "web", "ledger"]),
        (&["s"], ["api", "ledger", "front", "web"]),
        (&["s"], ["api", "front", "ledger", "web"]),
        (&["S"], ["web", "ledger", "front", "api"]),
    ] {
        press_all(&mut state, keys);
        assert_eq!(names(&state), expected, "{keys:?} {:?}", state.order);
    }
    press_all(&mut state, &["s", "s", "s", "s"]);
    assert_eq!(names(&state), ["ledger", "web", "api", "front"]);
}

#[test]
fn a_filter_takes_words_of_names_namespaces_and_statuses() {
    for (filter, expected) in [
        ("web", &["web"][..]),
        ("shop", &["web", "front"]),
        ("status:paused", &["web"]),
        ("status:P", &["web", "api"]),
        ("ns:bill status:deg", &["ledger"]),
        ("namespace:shop name:fr", &["front"]),
        ("name:shop", &[]),
        ("WEB", &["web"]),
        ("status:", &["ledger", "web", "api", "front"]),
        ("nothing:of that", &[]),
    ] {
        let mut state = state(80, 24);
        press(&mut state, "/");
        for letter in filter.chars() {
            press(&mut state, &letter.to_string());
        }
        assert_eq!(names(&state), expected, "{filter}");
        press(&mut state, "enter");
        assert_eq!((state.is_typing, names(&state)), (false, expected.to_vec()), "{filter}");
        assert_eq!(press(&mut state, "esc"), [], "{filter}");
        assert_eq!(names(&state).len(), 4, "Esc takes the filter away");
    }
}

#[test]
fn a_filter_does_not_grow_without_end_and_letters_of_commands_are_letters_in_it() {
    let mut state = state(80, 24);
    let commands = press_all(&mut state, &["/", "q", "p", "?", "back"]);
    assert_eq!((commands, state.filter.as_str(), &state.dialog), (vec![], "qp", &None));
    (0..1000).for_each(|_| drop(press(&mut state, "x")));
    assert_eq!(state.filter.len(), 200);
    press(&mut state, "esc");
    assert_eq!((state.filter.as_str(), state.is_typing), ("", false));
}

#[test]
fn what_is_pasted_is_a_filter_and_never_a_command() {
    let mut state = state(80, 24);
    assert_eq!(update(&mut state, Event::Paste("pyq".to_owned())), []);
    assert_eq!((&state.dialog, state.filter.as_str()), (&None, ""));
    press(&mut state, "R");
    assert_eq!(update(&mut state, Event::Paste("y".to_owned())), []);
    assert!(state.dialog.is_some());
    press_all(&mut state, &["n", "/"]);
    update(&mut state, Event::Paste(format!("we\nb\u{7}{}", "x".repeat(1000))));
    assert_eq!((&state.filter[..4], state.filter.len()), ("webx", 200));
}

#[test]
fn the_chosen_rollout_stays_chosen_wherever_it_goes() {
    let mut state = state(80, 24);
    press(&mut state, "down");
    assert_eq!(chosen(&state), "web");
    let mut later = rows();
    later[1] = row("shop", "web", "Healthy", &json!({}));
    update(&mut state, Event::Rollouts(later.clone()));
    assert_eq!((names(&state), chosen(&state), state.cursor), (vec!["ledger", "api", "front", "web"], "web", 3));
    later.remove(1);
    update(&mut state, Event::Rollouts(later));
    assert_eq!((chosen(&state), state.cursor), ("front", 2), "the one that took its place");
    update(&mut state, Event::Rollouts(Vec::new()));
    assert_eq!((chosen(&state), state.cursor), ("", 0));
    assert_eq!(press_all(&mut state, &["down", "enter", "p", "end"]), []);
    assert_eq!(said(&state), "");
}

#[test]
fn the_screen_follows_the_choice_through_a_thousand_rollouts() {
    let mut state = state(80, 24);
    let many = (0..1000).map(|n| row("shop", &format!("web-{n:04}"), "Healthy", &json!({})));
    update(&mut state, Event::Rollouts(many.collect()));
    press(&mut state, "g");
    assert_eq!((state.cursor, state.scroll, state.page()), (0, 0, 21));
    press_all(&mut state, &["pgdn", "down"]);
    assert_eq!((state.cursor, state.scroll), (22, 2));
    press(&mut state, "end");
    assert_eq!((chosen(&state), state.scroll), ("web-0999", 979));
    update(&mut state, Event::Resize(80, 5));
    assert_eq!((state.cursor, state.scroll), (999, 998));
    update(&mut state, Event::Resize(1, 1));
    assert_eq!((state.cursor, state.scroll), (999, 999));
    update(&mut state, Event::Resize(80, 2000));
    assert_eq!((state.cursor, state.scroll), (999, 0));
    press(&mut state, "g");
    press(&mut state, "up");
    assert_eq!(state.cursor, 0);
}

#[test]
fn keys_go_into_a_rollout_back_and_out() {
    let mut state = state(80, 24);
    let ledger = key("billing", "ledger");
    assert_eq!(press(&mut state, "enter"), [Command::Look(ledger.clone())]);
    let expected = Detail { key: ledger, picture: None, is_gone: false, scroll: 0 };
    assert_eq!(state.detail, Some(expected));
    assert_eq!(press_all(&mut state, &["enter", "/", "s", "down"]), []);
    assert_eq!((state.is_typing, press(&mut state, "esc")), (false, vec![Command::Leave]));
    press(&mut state, "enter");
    assert_eq!(press(&mut state, "q"), [Command::Leave]);
    press(&mut state, "?");
    assert_eq!(state.dialog, Some(Dialog::Help));
    assert_eq!(press(&mut state, "q"), [], "it closes the help");
    assert_eq!(press(&mut state, "q"), [Command::Quit]);
    assert_eq!(press(&mut state, "esc"), [Command::Quit]);
}

#[test]
fn an_interrupt_ends_from_everywhere() {
    for keys in [&[][..], &["/"], &["?"], &["enter"], &["enter", "a"], &["p"]] {
        let mut state = state(80, 24);
        press_all(&mut state, keys);
        assert_eq!(press(&mut state, "ctrl-c"), [Command::Interrupt], "{keys:?}");
    }
}

/// What is asked of a rollout in this state, or why nothing is.
#[track_caller]
fn asks(phase: &str, changes: &Value, action: &str, expected: &str) {
    let mut state = state(80, 24);
    update(&mut state, Event::Rollouts(vec![row("shop", "web", phase, changes)]));
    assert_eq!(press(&mut state, action), []);
    let text = if state.dialog.is_some() { asked(&state) } else { said(&state).to_owned() };
    assert!(text.contains(expected), "{phase} {action}: {text}");
}

#[test]
fn questions_say_what_will_happen() {
    let none = json!({});
    let stable = json!({"status": {"stableRS": "b"}});
    let manual = json!({"spec": {"paused": true}});
    let workload = json!({"spec": {"template": null, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "old"}}});
    for (phase, changes, action, expected) in [
        ("Paused", &none, "p", "Promote rollout 'web'? Its pause (CanaryPauseStep) ends, and it goes on. rollout web,"),
        ("Paused", &none, "p", "rollout web, namespace shop, context prod"),
        ("Paused", &manual, "p", "and it goes on. The pause in its manifest (spec.paused) ends."),
        (
            "Progressing",
            &none,
            "p",
            "What is left of step 2 of 4 (wait until promoted) is passed over: it goes on at step 3 of 4 (send 80% to the new revision).",
        ),
        ("Paused", &none, "P", "gets all traffic, without any further step, pause or analysis."),
        ("Healthy", &stable, "P", "rollout 'web' has nothing to promote"),
        ("Healthy", &stable, "p", "rollout 'web' has nothing to promote"),
        ("Healthy", &stable, "a", "rollout 'web' has no update to give up"),
        ("Degraded", &json!({"status": {"abort": true}}), "p", "rollout 'web' is aborted: retry it"),
        ("Paused", &none, "a", "given up, and all traffic goes back to the stable revision."),
        ("Degraded", &json!({"status": {"abort": true}}), "a", "is aborted already"),
        ("Degraded", &json!({"status": {"abort": true}}), "r", "Retry rollout 'web'? The aborted update begins again"),
        ("Paused", &none, "r", "is not aborted: there is nothing to retry"),
        ("Healthy", &none, "z", "Its manifest gets spec.paused"),
        ("Paused", &manual, "z", "is paused already by its manifest"),
        ("Healthy", &none, "R", "Its 2 pods are replaced"),
        ("Healthy", &none, "u", "template of revision 1 is put back into its manifest, which begins an update."),
        ("Healthy", &workload, "u", "revision 1 is put back into Deployment 'old'"),
    ] {
        asks(phase, changes, action, expected);
    }
}

#[test]
fn only_a_yes_is_a_yes() {
    let mut state = state(80, 24);
    press(&mut state, "down");
    for (keys, is_open) in [(&["n"][..], false), (&["esc"], false), (&["q"], false), (&["enter"], true), (&["x"], true)]
    {
        press(&mut state, "p");
        assert_eq!(press_all(&mut state, keys), [], "{keys:?}");
        assert_eq!(state.dialog.is_some(), is_open, "{keys:?}");
        state.dialog = None;
    }
    assert_eq!(press_all(&mut state, &["p", "y"]), [does(Action::Promote, &rows()[1], 0)]);
    update(&mut state, Event::Done(Ok("rollout 'web' promoted".to_owned())));
    assert_eq!(said(&state), "rollout 'web' promoted");
    assert_eq!(press_all(&mut state, &["enter", "u", "Y"])[1..], [does(Action::Undo, &rows()[1], 1)]);
    let refusal = vec!["cannot promote rollout 'web': no".to_owned()];
    update(&mut state, Event::Done(Err(refusal.clone())));
    assert_eq!(state.dialog, Some(Dialog::Failed(refusal)));
    press(&mut state, "x");
    assert_eq!(state.dialog, None);
}

#[test]
fn a_yes_to_what_has_changed_meanwhile_is_asked_for_again() {
    let mut state = state(80, 24);
    let at = |step: i32| vec![row("shop", "web", "Progressing", &json!({"status": {"currentStepIndex": step}}))];
    update(&mut state, Event::Rollouts(at(1)));
    press(&mut state, "p");
    update(&mut state, Event::Rollouts(at(2)));
    assert_eq!(press(&mut state, "y"), []);
    assert!(matches!(&state.dialog, Some(Dialog::Confirm(question)) if question.is_changed));
    assert!(asked(&state).contains("it goes on at step 4 of 4"));
    assert_eq!(press(&mut state, "y"), [does(Action::Promote, &at(2)[0], 0)]);
    update(&mut state, Event::Done(Ok(String::new())));
    press(&mut state, "p");
    update(&mut state, Event::Rollouts(Vec::new()));
    assert_eq!(press(&mut state, "y"), []);
    assert_eq!(said(&state), "rollout 'web' was deleted meanwhile");
}

#[test]
fn a_yes_is_to_the_rollout_and_the_revision_that_were_asked_about() {
    for (action, before) in [("P", "Paused"), ("a", "Paused"), ("z", "Paused"), ("R", "Paused"), ("u", "Paused")] {
        for changes in [
            json!({"status": {"currentPodHash": "c"}}),
            json!({"metadata": {"uid": "another"}}),
            json!({"metadata": {"generation": 3}}),
        ] {
            let mut state = state(80, 24);
            let with = |changes: &Value| {
                let row = row("shop", "web", before, changes);
                vec![Row { revisions: Some(vec![2, 1]), ..row }]
            };
            update(&mut state, Event::Rollouts(with(&json!({}))));
            press(&mut state, action);
            update(&mut state, Event::Rollouts(with(&changes)));
            assert_eq!(press(&mut state, "y"), [], "{action} {changes}");
            assert!(asked(&state).contains("web"), "{action} {changes}");
        }
    }
}

#[test]
fn nothing_is_asked_while_something_is_under_way() {
    let mut state = state(80, 24);
    press_all(&mut state, &["down", "p", "y"]);
    assert_eq!(press_all(&mut state, &["p", "y"]), []);
    assert_eq!((said(&state), &state.dialog), ("", &None), "the y is no answer to anything");
    press(&mut state, "p");
    assert_eq!(said(&state), "wait for what was confirmed: Promote rollout 'web'");
    update(&mut state, Event::Done(Ok("rollout 'web' promoted".to_owned())));
    press(&mut state, "p");
    assert!(state.dialog.is_some());
}

#[test]
fn an_escape_that_comes_with_the_next_letter_is_no_yes() {
    for modifiers in [KeyModifiers::ALT, KeyModifiers::CONTROL] {
        let mut state = state(80, 24);
        press_all(&mut state, &["down", "p"]);
        let key = KeyEvent::new(KeyCode::Char('y'), modifiers);
        assert_eq!(update(&mut state, Event::Key(key)), [], "{modifiers:?}");
        assert!(state.dialog.is_some(), "{modifiers:?}");
    }
}

#[test]
fn nobody_says_yes_to_what_is_not_in_sight() {
    let mut state = state(80, 6);
    press_all(&mut state, &["down", "p"]);
    update(&mut state, Event::Resize(80, 5));
    assert_eq!(press(&mut state, "y"), []);
    assert!(state.dialog.is_some());
    update(&mut state, Event::Resize(80, 6));
    assert_eq!(press(&mut state, "y").len(), 1);
}

#[test]
fn revisions_that_cannot_be_read_are_not_said_to_be_none() {
    let mut state = state(80, 24);
    let rollout = super::rollout("shop", "web", "Healthy", &json!({}));
    update(&mut state, Event::Rollouts(vec![Row::of(rollout.into(), None)]));
    press(&mut state, "u");
    assert_eq!(said(&state), "the revisions of rollout 'web' cannot be read");
}

#[test]
fn a_lost_connection_is_known_until_it_is_back() {
    let mut state = state(80, 24);
    let lost = |why: &str| Event::Lost("rollouts".to_owned(), why.to_owned());
    update(&mut state, lost("refused"));
    update(&mut state, Event::Tick(now() + jiff::SignedDuration::from_secs(30)));
    update(&mut state, lost("reset"));
    let trouble = &state.troubles["rollouts"];
    assert_eq!((trouble.since, trouble.why.as_str()), (now(), "reset"));
    assert_eq!(names(&state).len(), 4, "the last picture stays");
    update(&mut state, Event::Found("rollouts".to_owned()));
    assert!(state.troubles.is_empty());
}

#[test]
fn a_rollout_that_is_deleted_while_one_looks_at_it_says_so() {
    let mut state = state(80, 24);
    press(&mut state, "enter");
    update(&mut state, Event::Rollouts(rows().into_iter().filter(|row| row.key.name != "ledger").collect()));
    assert!(state.detail.as_ref().is_some_and(|detail| detail.is_gone));
    press(&mut state, "a");
    assert_eq!(said(&state), "there is no rollout to act on");
    assert_eq!(press(&mut state, "q"), [Command::Leave]);
}
