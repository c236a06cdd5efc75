//! A chart of one line: a block for each measurement, and below it a mark for each that was not good.

use sluice_core::info::analysis_run::Point;
use sluice_core::info::badge::Tone;

use super::paint::Paint;

/// From the least to the greatest value.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Of all values that are the same.
const LEVEL: usize = 3;
/// A measurement without a number.
const GAP: char = '·';
/// The newest measurements that are drawn; the others would not fit beside a condition.
const WIDEST: usize = 40;

/// A chart as text, each line with its width on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drawing {
    /// Its lines.
    pub lines: Vec<(String, usize)>,
}

/// Draws measurements, the oldest first. Without a number among them, only what came of each.
pub fn draw(points: &[Point], paint: Paint) -> Drawing {
    let points = &points[points.len().saturating_sub(WIDEST)..];
    let numbers: Vec<f64> = points.iter().filter_map(|point| point.number).collect();
    let mut lines = Vec::new();
    if let Some(last) = numbers.last() {
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let blocks = each(points, paint, |point| point.number.map_or(GAP, |number| block(number, least, most)));
        let label = if least < most {
            format!("  {} to {}, last {}", short(least), short(most), short(*last))
        } else {
            format!("  {}", short(*last))
        };
        lines.push((blocks + &label, points.len() + label.chars().count()));
    }
    let is_good = |point: &Point| point.tone == Tone::Good;
    if numbers.is_empty() {
        let symbols = each(points, paint, |point| point.tone.symbol().chars().next().unwrap_or(GAP));
        lines.push((symbols, points.len()));
    } else if let Some(bad) = points.iter().rposition(|point| !is_good(point)) {
        let mark = |point: &Point| if is_good(point) { "" } else { point.tone.symbol() }.chars().next().unwrap_or(' ');
        lines.push((each(&points[..=bad], paint, mark), bad + 1));
    }
    Drawing { lines }
}

/// A character for each point, in its colour where it was not good.
fn each(points: &[Point], paint: Paint, character: impl Fn(&Point) -> char) -> String {
    let coloured = points.iter().map(|point| {
        let tone = Some(point.tone).filter(|tone| *tone != Tone::Good);
        let character = character(point);
        if character == ' ' { character.to_string() } else { paint.apply(tone, &character.to_string()) }
    });
    coloured.collect()
}

fn block(number: f64, least: f64, most: f64) -> char {
    // Halves, as the distance of two floats may be none.
    let (height, all) = (number / 2.0 - least / 2.0, most / 2.0 - least / 2.0);
    let share = if all > 0.0 { height / all } else { return BLOCKS[LEVEL] };
    let steps = BLOCKS.len() - 1;
    let thresholds = (1..=steps).filter(|step| share * 14.0 >= (2 * step - 1) as f64);
    BLOCKS[thresholds.count()]
}

/// A number in four digits that count; those before the point are all there.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e15).contains(&size) {
        return format!("{number:.3e}");
    }
    let mut decimals = 4;
    for limit in [1.0, 10.0, 100.0, 1000.0] {
        decimals -= usize::from(size >= limit);
    }
    // Below a tenth, zeros after the point do not count.
    decimals += usize::from(size != 0.0 && size < 0.1) + usize::from(size != 0.0 && size < 0.01);
    let text = format!("{number:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(numbers: &[f64]) -> Vec<Point> {
        numbers.iter().map(|number| Point { number: Some(*number), tone: Tone::Good }).collect()
    }

    #[track_caller]
    fn draws(points: &[Point], expected: &[&str]) {
        let drawing = draw(points, Paint::Plain);
        let lines: Vec<&str> = drawing.lines.iter().map(|(line, _)| line.as_str()).collect();
        assert_eq!(lines, expected);
        for (line, width) in &drawing.lines {
            assert_eq!(line.chars().count(), *width, "{line}");
        }
    }

    #[test]
    fn the_least_is_the_lowest_block_and_the_greatest_the_highest() {
        draws(&good(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]), &["▁▂▃▄▅▆▇█  0 to 7, last 7"]);
        draws(&good(&[0.99, 0.91, 0.96]), &["█▁▅  0.91 to 0.99, last 0.96"]);
        draws(&good(&[f64::MAX, -f64::MAX]), &["█▁  -1.798e308 to 1.798e308, last -1.798e308"]);
    }

    #[test]
    fn values_that_are_the_same_are_level() {
        draws(&good(&[2.0]), &["▄  2"]);
        draws(&good(&[0.5, 0.5, 0.5]), &["▄▄▄  0.5"]);
    }

    #[test]
    fn what_was_not_good_is_marked_below() {
        let mut points = good(&[0.9, 0.5, 0.9, 0.9]);
        points[1].tone = Tone::Bad;
        points[2] = Point { number: None, tone: Tone::Doubtful };
        draws(&points, &["█▁·█  0.5 to 0.9, last 0.9", " ✖⚠"]);
    }

    #[test]
    fn without_numbers_there_is_what_came_of_each() {
        let point = |tone| Point { number: None, tone };
        draws(&[point(Tone::Good), point(Tone::Bad), point(Tone::Busy)], &["✔✖◌"]);
        draws(&[], &[""]);
    }

    #[test]
    fn the_newest_are_drawn() {
        let points = good(&(0..100).map(f64::from).collect::<Vec<_>>());
        let drawing = draw(&points, Paint::Plain);
        assert!(drawing.lines[0].0.ends_with("  60 to 99, last 99"), "{drawing:?}");
    }

    #[test]
    fn colours_do_not_count_as_width() {
        let mut points = good(&[1.0, 2.0]);
        points[1].tone = Tone::Bad;
        let drawing = draw(&points, Paint::Colour);
        assert_eq!(drawing.lines[0].0, "▁\x1b[31m█\x1b[0m  1 to 2, last 2");
        assert_eq!(drawing.lines[1], (" \x1b[31m✖\x1b[0m".to_owned(), 2));
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.971_234_5, "0.9712"),
            (12.0, "12"),
            (12.345_67, "12.35"),
            (1_234_567.8, "1234568"),
            (0.001_234_56, "0.001235"),
            (0.000_012, "1.200e-5"),
            (1e20, "1.000e20"),
            (-0.5, "-0.5"),
        ] {
            assert_eq!(short(number), text, "{number}");
        }
    }
}
