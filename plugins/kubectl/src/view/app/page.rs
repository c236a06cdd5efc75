//! The whole page of `app get`: the header, the operation, what is wrong, and the objects.

use jiff::Timestamp;
use sluice_core::api::{Application, ApplicationSource};

use super::operation::Line;
use super::{operation, resources, words};
use crate::view::header;
use crate::view::paint::Paint;
use crate::view::table::{Cell, Layout};
use sluice_core::info::badge::Tone;

/// How much is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// All that was asked for in the operation.
    pub operation: bool,
    /// More columns.
    pub is_wide: bool,
}

/// The page as text.
pub fn render(application: &Application, shown: Shown, now: Timestamp, paint: Paint) -> String {
    let mut page = header::render(&top(application, paint));
    let operation = operation::lines(application, shown.operation, now, paint);
    let rows = resources::rows(application);
    let objects = if rows.is_empty() { String::new() } else { resources::render(&rows, shown.is_wide, paint) };
    for part in [header::render(&operation), conditions(application, now, paint), objects] {
        if !part.is_empty() {
            page.push('\n');
            page += &part;
        }
    }
    page
}

fn top(application: &Application, paint: Paint) -> Vec<Line> {
    let (metadata, spec, status) = (&application.metadata, &application.spec, application.status());
    let mut lines = vec![
        ("Name:", metadata.name.clone().unwrap_or_default()),
        ("Project:", words::line(spec.project())),
        ("Server:", words::cluster(application)),
        ("Namespace:", words::line(&spec.destination.namespace)),
    ];
    for url in status.summary.iter().flat_map(|summary| &summary.external_urls) {
        lines.push(("URL:", words::line(url)));
    }
    let sources = spec.all_sources();
    for (index, source) in sources.iter().enumerate() {
        if sources.len() > 1 {
            lines.push(("Source:", format!("{} of {}", index + 1, sources.len())));
        }
        lines.extend(of_source(source));
    }
    lines.push(("Sync Policy:", words::policy(application)));
    let sync = words::sync_to(application);
    lines.push(("Sync Status:", paint.apply(Some(sync.tone), &sync.text())));
    let health = status.health.clone().unwrap_or_default();
    let badge = words::health(&health.status);
    let why = if health.message.is_empty() { String::new() } else { format!(" ({})", words::line(&health.message)) };
    lines.push(("Health Status:", format!("{}{why}", paint.apply(Some(badge.tone), &badge.text()))));
    if metadata.deletion_timestamp.is_some() {
        let left = metadata.finalizers.iter().flatten().map(|name| words::line(name)).collect::<Vec<_>>().join(", ");
        lines.push(("Deletion:", paint.apply(Some(Tone::Held), &format!("॥ waits for {left}"))));
    }
    lines
}

fn of_source(source: &ApplicationSource) -> Vec<Line> {
    let mut lines = vec![("Repo:", words::line(&source.repo_url)), ("Target:", words::target(source))];
    let fields = [("Path:", &source.path), ("Chart:", &source.chart), ("Ref:", &source.reference)];
    lines.extend(
        fields.into_iter().filter(|(_, text)| !text.is_empty()).map(|(label, text)| (label, words::line(text))),
    );
    let helm = source.helm.clone().unwrap_or_default();
    if !helm.value_files.is_empty() {
        lines.push(("Helm Values:", words::line(&helm.value_files.join(","))));
    }
    lines
}

fn conditions(application: &Application, now: Timestamp, paint: Paint) -> String {
    let conditions = &application.status().conditions;
    if conditions.is_empty() {
        return String::new();
    }
    // The message is last: it may be long.
    let mut lines = vec![["CONDITION", "LAST TRANSITION", "MESSAGE"].map(Cell::from).to_vec()];
    lines.extend(conditions.iter().map(|condition| {
        let tone = if condition.type_.ends_with("Warning") { Tone::Doubtful } else { Tone::Bad };
        let since = condition.last_transition_time.as_ref();
        vec![
            Cell::toned(tone, words::line(&condition.type_)),
            since.map_or_else(|| "<unknown>".to_owned(), |time| words::time(time.0, now)).into(),
            words::line(&condition.message).into(),
        ]
    }));
    Layout::default().render(&lines, paint)
}
