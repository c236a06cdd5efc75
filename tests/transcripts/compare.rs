//! Holds what was replayed against what was recorded, or records it anew.

use std::path::PathBuf;

use similar::TextDiff;

/// The path of a transcript of this repository.
pub fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(file)
}

/// The recorded text.
pub fn recorded(file: &str) -> String {
    std::fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Fails with the differences; with `RECORD` in the environment, writes the file instead if it is the real one that answered.
pub fn compare(file: &str, replayed: &str, real: bool) {
    let recorded = recorded(file);
    let replayed = format!("{}\n", replayed.trim_end());
    if recorded == replayed {
        return;
    }
    if real && std::env::var_os("RECORD").is_some() {
        std::fs::write(path(file), replayed).expect("the transcript is writable");
        return;
    }
    let diff = TextDiff::from_lines(&recorded, &replayed);
    let diff = diff.unified_diff().context_radius(8).header("recorded", "replayed").to_string();
    panic!("{file} is answered otherwise:\n{diff}");
}
