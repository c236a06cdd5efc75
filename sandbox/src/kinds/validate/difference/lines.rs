//! The lines in which two texts differ, in the unified form.
//!
//! What belongs together is found as the API server's library does it: the longest run of equal lines first, then left and
//! right of it, where lines that are everywhere in a long text begin no run.

use std::collections::HashMap;

/// Lines around a difference that are shown with it.
const AROUND: usize = 3;
/// In a text of so many lines, those that are more than a hundredth of it are everywhere.
const LONG: usize = 200;

/// A run of equal lines: where it is in the old text, where in the new one, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    old: usize,
    new: usize,
    length: usize,
}

/// A step from the old text to the new one: lines of both, which are equal or not.
#[derive(Clone, Copy, Debug)]
struct Step {
    equal: bool,
    old: (usize, usize),
    new: (usize, usize),
}

/// The differences between two texts; nothing if there are none.
pub(super) fn unified(old: &[String], new: &[String]) -> String {
    let mut text = String::new();
    for group in groups(steps(old, new)) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let ranges = (range(first.old.0, last.old.1), range(first.new.0, last.new.1));
        text.extend([format!("@@ -{} +{} @@\n", ranges.0, ranges.1)]);
        for step in &group {
            let mut put = |mark: &str, lines: &[String]| lines.iter().for_each(|line| text.extend([mark, line, "\n"]));
            if step.equal {
                put(" ", &old[step.old.0..step.old.1]);
            } else {
                put("-", &old[step.old.0..step.old.1]);
                put("+", &new[step.new.0..step.new.1]);
            }
        }
    }
    text
}

fn range(from: usize, to: usize) -> String {
    match to - from {
        0 => format!("{from},0"),
        1 => format!("{}", from + 1),
        length => format!("{},{length}", from + 1),
    }
}

/// The steps with some equal lines around them; those that are further apart stand by themselves.
fn groups(mut steps: Vec<Step>) -> Vec<Vec<Step>> {
    if let Some(first) = steps.first_mut().filter(|step| step.equal) {
        first.old.0 = first.old.0.max(first.old.1.saturating_sub(AROUND));
        first.new.0 = first.new.0.max(first.new.1.saturating_sub(AROUND));
    }
    if let Some(last) = steps.last_mut().filter(|step| step.equal) {
        last.old.1 = last.old.1.min(last.old.0 + AROUND);
        last.new.1 = last.new.1.min(last.new.0 + AROUND);
    }
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    for step in steps {
        if step.equal && step.old.1 - step.old.0 > 2 * AROUND {
            let before =
                Step { old: (step.old.0, step.old.0 + AROUND), new: (step.new.0, step.new.0 + AROUND), ..step };
            group.push(before);
            groups.push(std::mem::take(&mut group));
            let after = Step { old: (step.old.1 - AROUND, step.old.1), new: (step.new.1 - AROUND, step.new.1), ..step };
            group.push(after);
        } else {
            group.push(step);
        }
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|step| !step.equal));
    groups
}

fn steps(old: &[String], new: &[String]) -> Vec<Step> {
    let (mut steps, mut at) = (Vec::new(), (0, 0));
    let end = Run { old: old.len(), new: new.len(), length: 0 };
    for run in runs(old, new).into_iter().chain([end]) {
        if at.0 < run.old || at.1 < run.new {
            steps.push(Step { equal: false, old: (at.0, run.old), new: (at.1, run.new) });
        }
        at = (run.old + run.length, run.new + run.length);
        if run.length > 0 {
            steps.push(Step { equal: true, old: (run.old, at.0), new: (run.new, at.1) });
        }
    }
    steps
}

/// The runs of equal lines, in order; those that touch are one.
fn runs(old: &[String], new: &[String]) -> Vec<Run> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, line) in new.iter().enumerate() {
        places.entry(line).or_default().push(index);
    }
    if new.len() >= LONG {
        places.retain(|_, places| places.len() <= new.len() / 100 + 1);
    }
    let mut found = Vec::new();
    let mut open = vec![(0, old.len(), 0, new.len())];
    while let Some((from, to, new_from, new_to)) = open.pop() {
        let run = longest((old, from, to), (new, new_from, new_to), &places);
        if run.length > 0 {
            found.push(run);
            open.push((from, run.old, new_from, run.new));
            open.push((run.old + run.length, to, run.new + run.length, new_to));
        }
    }
    found.sort_by_key(|run| run.old);
    let mut joined: Vec<Run> = Vec::new();
    for run in found {
        match joined.last_mut() {
            Some(last) if last.old + last.length == run.old && last.new + last.length == run.new => {
                last.length += run.length;
            }
            _ => joined.push(run),
        }
    }
    joined
}

/// The longest run of equal lines in a part of each text, the first of those that are as long.
fn longest(
    (old, from, to): (&[String], usize, usize),
    (new, new_from, new_to): (&[String], usize, usize),
    places: &HashMap<&str, Vec<usize>>,
) -> Run {
    let mut best = Run { old: from, new: new_from, length: 0 };
    // How long the run is that ends in each line of the new text and in the line before of the old one.
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (index, line) in old.iter().enumerate().take(to).skip(from) {
        let mut next = HashMap::new();
        for &place in places.get(line.as_str()).into_iter().flatten().filter(|place| (new_from..new_to).contains(place))
        {
            let length = 1 + place.checked_sub(1).and_then(|before| lengths.get(&before)).copied().unwrap_or(0);
            next.insert(place, length);
            if length > best.length {
                best = Run { old: index + 1 - length, new: place + 1 - length, length };
            }
        }
        lengths = next;
    }
    // Lines that are everywhere belong to a run that they stand beside.
    while best.old > from && best.new > new_from && old[best.old - 1] == new[best.new - 1] {
        best = Run { old: best.old - 1, new: best.new - 1, length: best.length + 1 };
    }
    while best.old + best.length < to
        && best.new + best.length < new_to
        && old[best.old + best.length] == new[best.new + best.length]
    {
        best.length += 1;
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn equal_texts_do_not_differ() {
        assert_eq!(unified(&lines("abc"), &lines("abc")), "");
    }

    #[test]
    fn a_change_is_shown_with_three_lines_on_each_side() {
        let wanted = "@@ -3,7 +3,7 @@\n c\n d\n e\n-f\n+F\n g\n h\n i\n";
        assert_eq!(unified(&lines("abcdefghijk"), &lines("abcdeFghijk")), wanted);
    }

    #[test]
    fn changes_that_are_far_apart_are_shown_apart() {
        let wanted = "@@ -1,4 +1,3 @@\n-a\n b\n c\n d\n@@ -7,3 +6,4 @@\n g\n h\n i\n+j\n";
        assert_eq!(unified(&lines("abcdefghi"), &lines("bcdefghij")), wanted);
    }

    #[test]
    fn what_is_added_to_nothing_has_no_lines_before_it() {
        assert_eq!(unified(&[], &lines("a")), "@@ -0,0 +1 @@\n+a\n");
    }
}
