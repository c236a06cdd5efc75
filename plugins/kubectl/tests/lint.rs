//! `lint` as a program: what it reads, and its exit codes.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Runs the plugin in a folder, and gives its exit code and all that it printed.
fn run(folder: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sluice"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    // Whoever does not read the input closes it early.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let printed = [output.stdout, output.stderr].concat();
    (output.status.code().expect("no signal"), String::from_utf8_lossy(&printed).into_owned())
}

/// A folder of this test's own, with files in it.
fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    for (name, text) in files {
        let file = folder.join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(file, text).expect("a file");
    }
    folder
}

const FINE: &str = "{apiVersion: argoproj.io/v1alpha1, kind: Experiment, metadata: {name: a}, spec: {templates: []}}";
const BAD: &str =
    "{apiVersion: argoproj.io/v1alpha1, kind: Experiment, metadata: {name: a}, spec: {templates: [], gizmo: 1}}";

#[test]
fn a_folder_is_read_with_all_that_is_in_it() {
    let files = [
        ("a.yaml", FINE),
        ("deep/er/b.yml", BAD),
        ("c.json", "{}"),
        ("README.md", "{{"),
        (".git/x.yaml", BAD),
        ("values.yaml", "a: 1"),
    ];
    let folder = folder("a_folder", &files);
    let (code, printed) = run(&folder, &["lint", "."], "");
    let expected = "./deep/er/b.yml:1: Experiment a: spec.gizmo: unknown field (line 1)\n2 objects in 4 files: 1 error, 0 warnings\n";
    assert_eq!((code, printed.as_str()), (1, expected));
}

#[test]
fn the_standard_input_is_read() {
    let folder = folder("stdin", &[("a.yaml", FINE)]);
    let (code, printed) =
        run(&folder, &["lint", "-", "-f", "a.yaml"], &format!("# Source: x\n---\n{BAD}\n---\n{FINE}"));
    let expected =
        "stdin:1: Experiment a: spec.gizmo: unknown field (line 3)\n3 objects in 2 files: 1 error, 0 warnings\n";
    assert_eq!((code, printed.as_str()), (1, expected));
}

#[test]
fn exit_codes_tell_verdicts_from_mistakes() {
    let warned = "{a: 1}";
    let folder = folder("codes", &[("fine.yaml", FINE), ("bad.yaml", BAD), ("warned.yaml", warned)]);
    for (arguments, expected, says) in [
        (&["lint", "fine.yaml"][..], 0, "1 object in 1 file: no problems"),
        (&["lint", "bad.yaml"], 1, "1 error"),
        (&["lint", "warned.yaml"], 0, "1 warning"),
        (&["lint", "warned.yaml", "--strict"], 1, "1 warning"),
        (&["lint", "missing.yaml"], 2, "Error: cannot read missing.yaml: No such file or directory"),
        (&["lint"], 2, "Error: the following required arguments were not provided"),
        (&["lint", "--wrong"], 2, "Error: unexpected argument"),
        (&["lint", "bad.yaml", "-o", "json"], 1, "\"errors\": 1"),
        (&["abort"], 1, "Error: "),
    ] {
        let (code, printed) = run(&folder, arguments, "");
        assert!(code == expected && printed.contains(says), "{arguments:?}: {code}\n{printed}");
    }
}

#[test]
fn the_examples_are_fine() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let (code, printed) = run(&examples, &["lint", ".", "--strict"], "");
    assert!(code == 0 && printed.ends_with("no problems\n"), "{printed}");
}
