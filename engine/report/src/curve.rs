//! Small drawings of rates over time: a braille curve with axes, and sparklines of one line.
//!
//! A braille cell is two dots wide and four high. For every column of dots the curve's lowest and highest
//! value within that stretch of time are found and all dots between them are set, so a spike that is
//! narrower than a dot is still seen at its full height.

use std::time::Duration;

use model::units::{format_duration, format_rate};

use crate::text::{right, width};

/// The dots of a braille cell, from top to bottom, left and right column (Unicode block U+2800).
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws a rate from `(t_s, rate per second)` points as `columns` × `rows` braille cells, with axes around
/// them. Between points the curve is straight; two points at the same time make a step. Points must ascend
/// in time; ones that are not finite are left out. Fewer than two points draw nothing. Of a sampled curve, give
/// some eight points a column, or steps look like slopes.
pub fn draw(points: &[(f64, f64)], columns: usize, rows: usize) -> String {
    let points: Vec<(f64, f64)> =
        points.iter().copied().filter(|(t, rate)| t.is_finite() && rate.is_finite()).collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return String::new() };
    let (start_s, end_s) = (first.0, last.0);
    if columns == 0 || rows == 0 || end_s <= start_s {
        return String::new();
    }
    let top = points.iter().map(|point| point.1).fold(0.0, f64::max);
    let mut cells = vec![vec![0_u8; columns]; rows];
    let dot_s = (end_s - start_s) / (2 * columns) as f64;
    for dot in 0..2 * columns {
        let from_s = start_s + dot as f64 * dot_s;
        let (low, high) = extremes(&points, from_s, from_s + dot_s);
        let height = 4 * rows - 1;
        for y in level(high, top, height)..=level(low, top, height) {
            cells[y / 4][dot / 2] |= DOTS[dot % 2][y % 4];
        }
    }
    framed(&cells, top, start_s, end_s)
}

/// The lowest and highest value of the curve between two times. A step at the near edge belongs to this
/// stretch, one at the far edge to the next.
fn extremes(points: &[(f64, f64)], from_s: f64, to_s: f64) -> (f64, f64) {
    let first_inside = points.partition_point(|point| point.0 < from_s);
    let inside = points[first_inside..].iter().take_while(|point| point.0 < to_s).map(|point| point.1);
    inside
        .chain([value_before(points, from_s), value_before(points, to_s)])
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// The value at a time, as it is just before a step at that time.
fn value_before(points: &[(f64, f64)], t_s: f64) -> f64 {
    let after = points.partition_point(|point| point.0 < t_s).min(points.len() - 1);
    let before = after.saturating_sub(1);
    let ((t0, v0), (t1, v1)) = (points[before], points[after]);
    if t1 <= t0 || t_s >= t1 { v1 } else { v0 + (v1 - v0) * (t_s - t0) / (t1 - t0) }
}

/// The row of dots of a value, 0 at the top and `height` at the bottom.
fn level(value: f64, top: f64, height: usize) -> usize {
    let share = if top > 0.0 { (value / top).clamp(0.0, 1.0) } else { 0.0 };
    height - (share * height as f64).round() as usize
}

fn framed(cells: &[Vec<u8>], top: f64, start_s: f64, end_s: f64) -> String {
    let (rows, columns) = (cells.len(), cells[0].len());
    let mut labels = vec![String::new(); rows];
    labels[rows - 1] = "0/s".to_owned();
    labels[0] = format_rate(top);
    let margin = labels.iter().map(|label| width(label)).max().unwrap_or(0);
    let mut text = String::new();
    for (label, row) in labels.iter().zip(cells) {
        let tick = if label.is_empty() { '│' } else { '┤' };
        let line: String = row.iter().map(|dots| braille(*dots)).collect();
        text.push_str(&format!("{} {tick}{}\n", right(label, margin), line.trim_end()));
    }
    text.push_str(&format!("{} └{}\n", " ".repeat(margin), "─".repeat(columns)));
    text.push_str(&format!("{}{}\n", " ".repeat(margin + 2), time_axis(start_s, end_s, columns)));
    text
}

/// A space for no dots: some fonts draw the empty braille cell as eight circles.
fn braille(dots: u8) -> char {
    let cell = char::from_u32(0x2800 + u32::from(dots));
    cell.filter(|_| dots != 0).unwrap_or(' ')
}

/// Start, middle and end under the drawing; the middle only where there is room.
fn time_axis(start_s: f64, end_s: f64, columns: usize) -> String {
    let label = |t_s: f64| format_duration(Duration::from_secs_f64(t_s.clamp(0.0, 1e12)));
    let (start, middle, end) = (label(start_s), label((start_s + end_s) / 2.0), label(end_s));
    let room = columns.saturating_sub(width(&start) + width(&end));
    if room < width(&middle) + 4 {
        return format!("{start}{}{end}", " ".repeat(room.max(1)));
    }
    let before = (columns / 2).saturating_sub(width(&start) + width(&middle) / 2).max(1);
    let after = room - width(&middle) - before;
    format!("{start}{}{middle}{}{end}", " ".repeat(before), " ".repeat(after))
}

/// Values on one line of at most `columns` characters, `top` being the full height. When there are more
/// values than columns, each column shows the mean of its share. What is not finite leaves a gap.
pub fn sparkline(values: &[f64], top: f64, columns: usize) -> String {
    let columns = columns.min(values.len());
    let bar = |column: usize| {
        let share = &values[column * values.len() / columns..(column + 1) * values.len() / columns];
        let known: Vec<f64> = share.iter().copied().filter(|value| value.is_finite()).collect();
        if known.is_empty() {
            return ' ';
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let height = if top > 0.0 { (mean / top).clamp(0.0, 1.0) } else { 0.0 };
        BLOCKS[((height * 8.0).ceil() as usize).clamp(1, 8) - 1]
    };
    (0..columns).map(bar).collect()
}

/// Planned and achieved rates one above the other, drawn to the same scale so that any gap is a real one.
pub fn overlay(planned: &[f64], achieved: &[f64], columns: usize) -> String {
    let top = planned.iter().chain(achieved).copied().filter(|rate| rate.is_finite()).fold(0.0, f64::max);
    let line = |name: &str, rates: &[f64]| {
        let known = rates.iter().copied().filter(|rate| rate.is_finite());
        let (low, high) =
            known.fold((f64::INFINITY, 0.0), |(low, high), r| (f64::min(low, r), f64::max(high, r)));
        let range = match low.is_finite() {
            true => format!("{} to {}", format_rate(low), format_rate(high)),
            false => "nothing".to_owned(),
        };
        format!("{name:<8}  {}  {range}\n", sparkline(rates, top, columns))
    };
    line("planned", planned) + &line("achieved", achieved)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampled(duration_s: f64, rate: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        (0..=400).map(|n| n as f64 * duration_s / 400.0).map(|t_s| (t_s, rate(t_s))).collect()
    }

    #[test]
    fn the_three_bursts_as_inspect_draws_them() {
        let sine = sampled(300.0, |t| 105.0 - 95.0 * (t * std::f64::consts::TAU / 300.0).cos());
        let square: Vec<(f64, f64)> = (0..5)
            .flat_map(|n| {
                let t = f64::from(n) * 60.0;
                [(t, 200.0), (t + 30.0, 200.0), (t + 30.0, 10.0), (t + 60.0, 10.0)]
            })
            .collect();
        let spike =
            [(0.0, 50.0), (240.0, 50.0), (240.0, 500.0), (300.0, 500.0), (300.0, 50.0), (360.0, 50.0)];
        let drawn =
            [draw(&sine, 60, 8), draw(&square, 60, 6), draw(&spike, 60, 6), draw(&spike, 12, 2)].join("\n");
        insta::assert_snapshot!(drawn);
    }

    #[test]
    fn a_spike_narrower_than_a_dot_is_seen_at_full_height() {
        let spike = [(0.0, 1.0), (500.0, 1.0), (500.001, 100.0), (500.002, 1.0), (1000.0, 1.0)];
        let drawn = draw(&spike, 20, 4);
        let top_line = drawn.lines().next().unwrap();
        assert!(top_line.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{drawn}");
    }

    #[test]
    fn nothing_to_draw_draws_nothing_and_zero_draws_the_axis() {
        assert_eq!(draw(&[], 10, 4), "");
        assert_eq!(draw(&[(0.0, 5.0)], 10, 4), "");
        assert_eq!(draw(&[(0.0, f64::NAN), (1.0, f64::NAN)], 10, 4), "");
        assert_eq!(draw(&[(0.0, 0.0), (1.0, 0.0)], 4, 1), "0/s ┤⣀⣀⣀⣀\n    └────\n     0s 1s\n");
    }

    #[test]
    fn sparklines_share_a_scale_and_keep_their_gaps() {
        assert_eq!(sparkline(&[0.0, 4.0, f64::NAN, 8.0], 8.0, 10), "▁▄ █");
        assert_eq!(sparkline(&[8.0, 8.0, 0.0, 0.0], 8.0, 2), "█▁");
        assert_eq!(sparkline(&[], 8.0, 10), "");
        assert_eq!(
            overlay(&[10.0, 100.0, 200.0], &[10.0, 100.0, 150.0], 10),
            "planned   ▁▄█  10/s to 200/s\nachieved  ▁▄▆  10/s to 150/s\n"
        );
        assert_eq!(overlay(&[1.0], &[f64::NAN], 10), "planned   █  1/s to 1/s\nachieved     nothing\n");
    }
}
