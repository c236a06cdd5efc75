//! A chart of measurements against what they are held against, as SVG.

use maud::{Markup, html};
use sluice_core::info::analysis_run::MetricInfo;
use sluice_core::info::badge::Tone;

use super::html as shell;

const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 72.0;
/// Room for the dots at the edges.
const EDGE: f64 = 6.0;
/// The newest measurements that are drawn.
const MOST: usize = 60;

/// A point of the chart.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Dot {
    x: f64,
    y: f64,
    number: f64,
    tone: Tone,
}

/// Where everything goes.
#[derive(Debug, Default, PartialEq)]
struct Plot {
    dots: Vec<Dot>,
    /// Heights, with their numbers.
    limits: Vec<(f64, f64)>,
}

/// Places the numbers, the oldest on the left. Limits that are far off are left out: they would make a line of all the rest.
fn plot(numbers: &[(f64, Tone)], limits: &[f64]) -> Plot {
    let numbers: Vec<(f64, Tone)> = numbers.iter().copied().filter(|(number, _)| number.is_finite()).collect();
    let numbers = &numbers[numbers.len().saturating_sub(MOST)..];
    let Some(first) = numbers.first() else { return Plot::default() };
    let (least, most) =
        numbers.iter().fold((first.0, first.0), |(least, most), (number, _)| (least.min(*number), most.max(*number)));
    // Halves, as the distance of two floats may be none.
    let near = (most / 2.0 - least / 2.0).max(most.abs().max(least.abs()) / 2.0) * 8.0;
    let is_near =
        |limit: &&f64| (**limit / 2.0 - most / 2.0).abs() <= near && (**limit / 2.0 - least / 2.0).abs() <= near;
    let limits: Vec<f64> = limits.iter().filter(is_near).copied().collect();
    let (least, most) = limits.iter().fold((least, most), |(least, most), limit| (least.min(*limit), most.max(*limit)));
    let span = most / 2.0 - least / 2.0;
    let height = |number: f64| {
        let share = if span > 0.0 { (number / 2.0 - least / 2.0) / span } else { 0.5 };
        HEIGHT - EDGE - share * (HEIGHT - 2.0 * EDGE)
    };
    let step = (WIDTH - 2.0 * EDGE) / (numbers.len().max(2) - 1) as f64;
    let dots = numbers.iter().enumerate().map(|(index, (number, tone))| Dot {
        x: EDGE + step * index as f64,
        y: height(*number),
        number: *number,
        tone: *tone,
    });
    Plot { dots: dots.collect(), limits: limits.iter().map(|limit| (height(*limit), *limit)).collect() }
}

/// The chart of a metric; `None` where nothing was measured that is a number.
pub fn draw(metric: &MetricInfo) -> Option<Markup> {
    let taken = metric.taken.iter();
    let numbers: Vec<(f64, Tone)> = taken.filter_map(|taken| Some((taken.point.number?, taken.point.tone))).collect();
    let plot = plot(&numbers, &metric.limits);
    let last = plot.dots.last()?.number;
    let line: Vec<String> = plot.dots.iter().map(|dot| format!("{:.1},{:.1}", dot.x, dot.y)).collect();
    let label = format!("{} measurements of {}, the last is {last}", plot.dots.len(), metric.name);
    Some(html! {
        svg class="chart" role="img" aria-label=(label) viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) width=(WIDTH) height=(HEIGHT) {
            @for (y, limit) in &plot.limits {
                line class="limit" x1="0" x2=(WIDTH) y1=(format!("{y:.1}")) y2=(format!("{y:.1}")) { title { "held against " (limit) } }
            }
            polyline points=(line.join(" ")) {}
            @for dot in &plot.dots {
                circle class=(shell::class(dot.tone)) cx=(format!("{:.1}", dot.x)) cy=(format!("{:.1}", dot.y)) r="3" {
                    title { (dot.number) }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heights(numbers: &[f64], limits: &[f64]) -> (Vec<i32>, Vec<i32>) {
        let numbers: Vec<(f64, Tone)> = numbers.iter().map(|number| (*number, Tone::Good)).collect();
        let plot = plot(&numbers, limits);
        let round = |y: f64| y.round() as i32;
        (plot.dots.iter().map(|dot| round(dot.y)).collect(), plot.limits.iter().map(|(y, _)| round(*y)).collect())
    }

    #[test]
    fn the_least_is_below_and_the_greatest_above() {
        assert_eq!(heights(&[0.0, 1.0, 2.0], &[]), (vec![66, 36, 6], vec![]));
        assert_eq!(heights(&[5.0], &[]), (vec![36], vec![]));
        assert_eq!(heights(&[], &[1.0]), (vec![], vec![]));
    }

    #[test]
    fn a_limit_is_drawn_where_it_is_near() {
        assert_eq!(heights(&[0.99, 0.97], &[0.95]), (vec![6, 36], vec![66]));
        assert_eq!(heights(&[0.99, 0.97], &[5000.0]).1, Vec::<i32>::new());
    }

    #[test]
    fn numbers_beyond_all_bounds_are_drawn_too() {
        assert_eq!(heights(&[f64::MAX, -f64::MAX], &[]), (vec![6, 66], vec![]));
        assert_eq!(heights(&[f64::NAN, f64::INFINITY, 1.0], &[1.0]), (vec![36], vec![36]));
    }
}
