//! What was measured: for each metric a chart beside its condition.

use super::chart::{self, Drawing};
use super::paint::Paint;
use super::width::width;
use sluice_core::info::analysis_run::{MetricInfo, Point, Taken};
use sluice_core::info::badge::Tone;

/// Before everything that belongs to a metric.
const INDENT: &str = "  ";
/// Between chart and condition.
const GAP: usize = 3;
/// Values that are no numbers are shown of so many measurements, the newest.
const MOST_TEXTS: usize = 5;

/// Each metric, after an empty line.
pub fn render(metrics: &[MetricInfo], paint: Paint) -> String {
    let measured: Vec<Drawing> = metrics.iter().map(|metric| draw(metric, paint)).collect();
    let lines = metrics.iter().zip(&measured).filter(|(metric, _)| !metric.conditions.is_empty());
    let widths = lines.flat_map(|(_, drawing)| drawing.lines.iter().map(|(_, width)| *width));
    let column = widths.max().map_or(0, |width| width + GAP);
    metrics.iter().zip(&measured).map(|(metric, drawing)| of_metric(metric, drawing, column, paint)).collect()
}

fn of_metric(metric: &MetricInfo, drawing: &Drawing, column: usize, paint: Paint) -> String {
    let status = paint.apply(Some(metric.status.tone), &metric.status.text());
    let tally = metric.tally.text();
    let dry = if metric.is_dry { "decides nothing" } else { "" };
    let title = [&metric.name, &status, &tally, dry].map(|part: &str| part.to_owned());
    let title = title.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    let mut page = format!("\n{title}\n");
    for index in 0..drawing.lines.len().max(metric.conditions.len()) {
        let (chart, width) = drawing.lines.get(index).map_or(("", 0), |(line, width)| (line.as_str(), *width));
        let condition = metric.conditions.get(index).map_or("", String::as_str);
        let space = " ".repeat(column.saturating_sub(width));
        page += format!("{INDENT}{chart}{space}{condition}").trim_end();
        page.push('\n');
    }
    let query = metric.query.as_ref().map(|query| format!("query: {query}"));
    let message = Some(metric.message.clone()).filter(|message| !message.is_empty());
    let below = query.into_iter().chain(message).map(|line| format!("{INDENT}{line}\n"));
    page + &below.collect::<String>()
}

/// A chart where there are numbers; else the texts that were measured; and without those only how each measurement ended.
fn draw(metric: &MetricInfo, paint: Paint) -> Drawing {
    let points: Vec<Point> = metric.taken.iter().map(|taken| taken.point).collect();
    let is_text = |taken: &Taken| taken.point.number.is_none() && !taken.value.is_empty();
    if points.iter().any(|point| point.number.is_some()) || !metric.taken.iter().any(is_text) {
        return if points.is_empty() { Drawing::default() } else { chart::draw(&points, paint) };
    }
    let newest = &metric.taken[metric.taken.len().saturating_sub(MOST_TEXTS)..];
    let lines = newest.iter().map(|taken| {
        let tone = Some(taken.point.tone).filter(|tone| *tone != Tone::Good);
        let line = format!("{} {}", taken.point.tone.symbol(), taken.value).trim_end().to_owned();
        (paint.apply(tone, &line), width(&line))
    });
    Drawing { lines: lines.collect() }
}
