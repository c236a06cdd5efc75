//! What a story came to, in numbers and in words.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::load::Answer;

/// The end of one story.
pub struct Report {
    pub title: String,
    /// What happened, and when.
    pub marks: Vec<(Duration, String)>,
    /// The answers of each Service.
    pub answers: Vec<(&'static str, Vec<Answer>)>,
}

/// Answers of one version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub answers: usize,
    pub errors: usize,
}

/// Answers by version.
pub fn by_version(answers: &[Answer]) -> BTreeMap<&str, Count> {
    let mut counts: BTreeMap<&str, Count> = BTreeMap::new();
    for (image, status) in answers.iter().flatten() {
        let count = counts.entry(image).or_default();
        count.answers += 1;
        count.errors += usize::from(*status >= 500);
    }
    counts
}

impl Report {
    /// Answers of a version by a Service.
    pub fn count(&self, service: &str, image: &str) -> Count {
        let of_service = self.answers.iter().filter(|(name, _)| *name == service);
        let counts = of_service.filter_map(|(_, answers)| by_version(answers).get(image).copied());
        counts.fold(Count::default(), |sum, count| Count {
            answers: sum.answers + count.answers,
            errors: sum.errors + count.errors,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests: usize = self.answers.iter().map(|(_, answers)| answers.len()).sum();
        writeln!(f, "{}: {requests} requests", self.title)?;
        for (service, answers) in &self.answers {
            for (image, Count { answers, errors }) in by_version(answers) {
                let share = errors as f64 * 100.0 / answers.max(1) as f64;
                writeln!(f, "  {service:<8} {image:<6} {answers:>6} answers, {errors:>5} errors ({share:.1} %)")?;
            }
            let unanswered: Vec<&String> = answers.iter().filter_map(|answer| answer.as_ref().err()).collect();
            if let Some(first) = unanswered.first() {
                writeln!(f, "  {service:<8} {:>6} without an answer, such as: {first}", unanswered.len())?;
            }
        }
        for (at, what) in &self.marks {
            writeln!(f, "  after {:>5.1} s: {what}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_errors_are_by_version() {
        let answer = |image: &str, status| Ok((image.to_owned(), status));
        let answers = vec![answer("web:1", 200), answer("web:2", 500), answer("web:2", 200), Err("gone".to_owned())];
        let marks = vec![(Duration::from_millis(1500), "promoted".to_owned())];
        let report = Report { title: "a story".to_owned(), marks, answers: vec![("web", answers)] };
        assert_eq!(report.count("web", "web:2"), Count { answers: 2, errors: 1 });
        assert_eq!(report.count("other", "web:2"), Count::default());
        let expected = "a story: 4 requests\n  \
            web      web:1       1 answers,     0 errors (0.0 %)\n  \
            web      web:2       2 answers,     1 errors (50.0 %)\n  \
            web           1 without an answer, such as: gone\n  \
            after   1.5 s: promoted\n";
        assert_eq!(report.to_string(), expected);
    }
}
