//! What is read of a command is what a process does.

use std::process::Command;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read_command(command: &[&str]) -> Result<Run, String> {
    let container = json!({ "command": command, "env": [
        { "name": "WORD", "value": "word" }, { "name": "TWO", "value": "two words" }, { "name": "EMPTY", "value": "" },
    ] });
    read(&json!({ "metadata": { "name": "check-x" } }), &container)
}

/// How a process ends, and what it prints on either stream.
fn run(command: &[&str]) -> (i32, String) {
    let mut process = Command::new("/bin/sh");
    process.args(["-c", r#"exec "$@" 2>&1"#, "sh"]).args(command).env_clear().envs([
        ("WORD", "word"),
        ("TWO", "two words"),
        ("EMPTY", ""),
    ]);
    let output = process.env("PATH", "/usr/bin:/bin").output().expect("a process");
    (output.status.code().expect("an exit code"), String::from_utf8(output.stdout).expect("text"))
}

fn is_true(command: &[&str]) -> bool {
    let read = read_command(command).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    (read.exit.code, read.exit.output) == run(command)
}

#[test]
fn programs_end_as_their_processes_do() {
    for command in [
        &["true"][..],
        &["/bin/true", "whatever"],
        &["false"],
        &["/usr/bin/false"],
        &["echo", "a", "b  c"],
        &["/bin/echo", "-n", "a"],
        &["echo"],
        &["sleep", "0.01"],
        &["test", "a", "=", "a"],
        &["test", "a", "!=", "a"],
        &["test", "!", ""],
        &["test", "-z", ""],
        &["test", "-n", ""],
        &["test", "9", "-lt", "10"],
        &["test", "9", "-ge", "10"],
        &["test"],
        &["[", "a", "]"],
        &["[", "]"],
        &["sh", "-c", "exit 3"],
        &["bash", "-ec", "false; echo not here"],
        &["sh", "-e", "-c", "false; echo not here"],
    ] {
        assert!(is_true(command), "{command:?}");
    }
}

#[test]
fn scripts_end_as_a_shell_ends_them() {
    for script in [
        "",
        "exit 1",
        "false; exit",
        "true\n\n  false\n",
        "false; true;",
        "false || echo rescued",
        "true || echo not here; echo here",
        "false && echo not here || echo here",
        "! true",
        "! false && echo here",
        "true && ! true; echo done",
        ": comment # with words; exit 3",
        "echo $WORD \"$TWO\" '$WORD' ${WORD}s $EMPTY '' $NOT_SET end",
        "echo one\\ word \"a \\\"quote\\\" $ \\$WORD\" 'it'\\''s' a\\\nb",
        "echo to errors 2>&1; echo $",
        "echo 'a\nb'; exit 4",
        "set -e; false || true; ! true; echo here; false; echo not here",
        "set -e; true && false; echo not here",
        "set -e; false && true; echo here",
        "set -e; set +e; false; echo here",
        "[ \"$TWO\" = 'two words' ] && test 1 -eq 01; exit",
        "[ $WORD = other ] || exit 7",
        "exec echo replaced; echo not here",
        "sh -c \"exit 2\"; sh -c 'echo $WORD'",
        "$EMPTY",
        "$EMPTY echo word",
        "exit 0; if never reached",
    ] {
        let command = ["sh", "-c", script];
        let Ok(read) = read_command(&command) else {
            assert_eq!(script, "exit 0; if never reached", "not understood");
            continue;
        };
        assert_eq!((read.exit.code, read.exit.output), run(&command), "{script:?}");
    }
}

#[test]
fn sleeping_takes_its_time() {
    for (command, millis) in [
        (&["sleep", "2"][..], Some(2000)),
        (&["sleep", "1m", "0.5s"], Some(60_500)),
        (&["sh", "-c", "sleep 1; sleep 2 && exit 1; sleep 4"], Some(3000)),
        (&["sh", "-c", "sh -c 'sleep 1h'; exec sleep 1d"], Some(90_000_000)),
        (&["sleep", "infinity"], None),
        (&["sh", "-c", "echo a; sleep infinity; exit 1"], None),
        (&["true"], Some(0)),
        (&["sleep", "999999999999999999999999"], Some(SignedDuration::MAX.as_millis() as i64)),
    ] {
        let takes = read_command(command).unwrap_or_else(|error| panic!("{command:?}: {error}")).takes;
        assert_eq!(takes.map(|takes| takes.as_millis() as i64), millis, "{command:?}");
    }
}

#[test]
fn what_is_not_understood_is_not_guessed() {
    for script in [
        "curl -f http://web/",
        "echo a | grep a",
        "echo $(date)",
        "echo `date`",
        "if true; then exit 1; fi",
        "while true; do exit 1; done",
        "echo *.txt",
        "echo a > /tmp/file",
        "sleep 1 & exit 0",
        "X=1; exit $X",
        "echo $TWO",
        "echo ${WORD:-x}",
        "echo $? $1 $HOME",
        "(exit 1)",
        "{ exit 1; }",
        "trap 'exit 0' EXIT; exit 1",
        "echo 'never ends",
        "exit 256",
        "exit -1",
        "true;; false",
        "; true",
        "true &&",
        "&& true",
        "true\n|| false",
        "'!' true",
        "! ! true",
        "true || ! !",
        "[ a = a",
        "test -e /",
        "echo a\\\\nb",
        "echo -e a",
        "set -x; true",
        "sleep",
        "sleep 1ms",
        "sleep -1",
    ] {
        let read = read_command(&["sh", "-c", script]);
        assert!(read.is_err(), "{script:?}: {read:?}");
    }
    for command in
        [&["python3", "-c", "pass"][..], &["/opt/true"], &[""], &["sh"], &["sh", "script"], &["bash", "-lc", "true"]]
    {
        assert!(read_command(command).is_err(), "{command:?}");
    }
}

#[test]
fn what_only_shells_know_is_no_program() {
    let exit = read_command(&["exit", "1"]).expect("known").exit;
    assert_eq!((exit.code, exit.reason), (127, Some("ContainerCannotRun")));
}

#[test]
fn a_container_without_a_command_succeeds() {
    assert_eq!(read_command(&[]), Ok(Run { takes: Some(SignedDuration::ZERO), exit: Exit::default() }));
}

#[test]
fn the_message_is_the_end_of_a_long_output() {
    let script = format!("echo {}; echo end", "ü".repeat(3000));
    let output = read_command(&["sh", "-c", &script]).expect("known").exit.output;
    assert!(output.len() <= MOST_OUTPUT && output.len() > MOST_OUTPUT - 4, "{}", output.len());
    assert!(output.starts_with('ü') && output.ends_with("ü\nend\n"));
}

#[test]
fn shells_within_shells_end_somewhere() {
    let nested = (0..12).fold("exit 1".to_owned(), |script, _| {
        format!("sh -c \"{}\"", script.replace('\\', "\\\\").replace('"', "\\\""))
    });
    assert!(read_command(&["sh", "-c", &nested]).is_err());
}

proptest! {
    #[test]
    fn no_script_is_too_strange_to_read(script in "\\PC*") {
        let _ = read_command(&["sh", "-c", &script]);
    }

    #[test]
    fn whatever_is_understood_ends_as_a_shell_ends_it(words in prop::collection::vec(prop::sample::select(&[
        "true", "false", "echo", "a", "$WORD", "\"$EMPTY\"", "$EMPTY", "'x y'", "exit", "1", ";", "&&", "||", "!", "\n", "[",
        "]", "=", "test", "-n", "set -e", ":", "#", "\\", "\"", "exec", "if", "2>&1", ">&2", "$",
    ][..]), 0..14)) {
        let script = words.join(" ");
        let command = ["sh", "-c", &script];
        if let Ok(read) = read_command(&command) {
            prop_assert_eq!((read.exit.code, read.exit.output), run(&command), "{:?}", script);
        }
    }
}
