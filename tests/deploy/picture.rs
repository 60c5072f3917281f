//! Panels with what they show, drawn where the dashboard puts them: lines over time, and words where there is one value.

use std::fmt::Write as _;

use crate::scale::{scale, step, told};

/// One panel of a dashboard.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// One value in words, not lines over time.
    pub(crate) is_stat: bool,
    pub(crate) unit: String,
    /// Left, top, width and height, in the dashboard's own units.
    pub(crate) place: [f64; 4],
    pub(crate) lines: Vec<Line>,
}

/// What one set of labels had over time.
pub(crate) struct Line {
    pub(crate) name: String,
    /// Seconds, value.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Pixels of one of the dashboard's units, across and down; of the head; between panels.
const UNIT: (f64, f64) = (52.0, 30.0);
const HEAD: f64 = 48.0;
const GAP: f64 = 4.0;

/// Colours that can be told apart, also by those who see few.
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#8c6d31",
];

/// A rectangle in pixels.
#[derive(Clone, Copy)]
struct Area {
    x: f64,
    y: f64,
    wide: f64,
    high: f64,
}

/// The whole dashboard over a time.
pub(crate) fn svg(title: &str, panels: &[Panel], span: (f64, f64)) -> String {
    let bottom = panels
        .iter()
        .map(|panel| panel.place[1] + panel.place[3])
        .fold(0.0, f64::max);
    let (wide, high) = (24.0 * UNIT.0 + 2.0 * GAP, bottom * UNIT.1 + HEAD + GAP);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{wide}\" height=\"{high}\" \
         font-family=\"DejaVu Sans, sans-serif\" font-size=\"11\">\
         <rect width=\"100%\" height=\"100%\" fill=\"#f4f5f5\"/>"
    );
    svg += &word(14.0, 31.0, "font-size=\"18\" font-weight=\"bold\"", title);
    let minutes = format!("the last {:.0} minutes", (span.1 - span.0) / 60.0);
    svg += &word(
        wide - 14.0,
        31.0,
        "text-anchor=\"end\" fill=\"#666\"",
        &minutes,
    );
    for panel in panels {
        svg += &draw(panel, span);
    }
    svg + "</svg>\n"
}

fn draw(panel: &Panel, span: (f64, f64)) -> String {
    let [x, y, wide, high] = panel.place;
    let card = Area {
        x: x * UNIT.0 + GAP * 1.5,
        y: y * UNIT.1 + HEAD,
        wide: wide * UNIT.0 - GAP,
        high: high * UNIT.1 - GAP,
    };
    let Area { x, y, wide, high } = card;
    let frame = format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"3\" fill=\"#fff\" stroke=\"#ddd\"/>"
    );
    let title = word(
        x + 10.0,
        y + 19.0,
        "font-size=\"13\" font-weight=\"bold\"",
        &panel.title,
    );
    let shown = if panel.is_stat {
        stat(panel, card)
    } else {
        graph(panel, card, span)
    };
    frame + &title + &shown
}

/// The last value of each line, side by side.
fn stat(panel: &Panel, card: Area) -> String {
    let room = card.wide / panel.lines.len().max(1) as f64;
    let mut drawn = String::new();
    for (number, line) in panel.lines.iter().enumerate() {
        let x = card.x + room * (number as f64 + 0.5);
        let value = line.points.last().map_or(0.0, |(_, value)| *value);
        let style = format!(
            "text-anchor=\"middle\" font-size=\"30\" fill=\"{}\"",
            colour(number)
        );
        drawn += &word(
            x,
            card.y + card.high - 38.0,
            &style,
            &told(value, scale(value, &panel.unit)),
        );
        drawn += &word(
            x,
            card.y + card.high - 16.0,
            "text-anchor=\"middle\" fill=\"#444\"",
            &line.name,
        );
    }
    drawn
}

fn graph(panel: &Panel, card: Area, span: (f64, f64)) -> String {
    let area = Area {
        x: card.x + 66.0,
        y: card.y + 32.0,
        wide: card.wide - 82.0,
        high: card.high - 86.0,
    };
    let highest = panel
        .lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|(_, value)| *value)
        .fold(0.0, f64::max);
    let scale = scale(highest, &panel.unit);
    let step = step(highest / scale.0) * scale.0;
    let top = (highest / step).ceil().max(1.0) * step;
    let mut drawn = levels(area, step, top, scale) + &times(area, span);
    for (number, line) in panel.lines.iter().enumerate() {
        drawn += &path(&line.points, area, span, top, colour(number));
    }
    drawn + &legend(&panel.lines, area)
}

fn levels(area: Area, step: f64, top: f64, scale: (f64, &str)) -> String {
    let mut drawn = String::new();
    for number in 0..=(top / step).round() as u32 {
        let value = f64::from(number) * step;
        let y = area.y + area.high * (1.0 - value / top);
        drawn += &rule((area.x, y), (area.x + area.wide, y));
        drawn += &word(
            area.x - 6.0,
            y + 4.0,
            "text-anchor=\"end\" fill=\"#666\"",
            &told(value, scale),
        );
    }
    drawn
}

/// A mark for each minute, told as how long ago it was.
fn times(area: Area, (from, to): (f64, f64)) -> String {
    let mut drawn = String::new();
    for minute in 0..=((to - from) / 60.0) as u32 {
        let x = area.x + area.wide * (1.0 - f64::from(minute) * 60.0 / (to - from));
        let label = if minute == 0 {
            "now".to_owned()
        } else {
            format!("−{minute} min")
        };
        drawn += &rule((x, area.y), (x, area.y + area.high));
        drawn += &word(
            x,
            area.y + area.high + 15.0,
            "text-anchor=\"middle\" fill=\"#666\"",
            &label,
        );
    }
    drawn
}

/// A line that breaks where there are no values for a while.
fn path(
    points: &[(f64, f64)],
    area: Area,
    (from, to): (f64, f64),
    top: f64,
    colour: &str,
) -> String {
    const LONGEST_GAP: f64 = 5.0;
    let (mut d, mut before) = (String::new(), f64::MIN);
    for (time, value) in points {
        let x = area.x + area.wide * (time - from) / (to - from);
        let y = area.y + area.high * (1.0 - value / top);
        let verb = if time - before > LONGEST_GAP {
            'M'
        } else {
            'L'
        };
        let _ = write!(d, "{verb}{x:.1} {y:.1}");
        before = *time;
    }
    format!("<path d=\"{d}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>")
}

/// Names in two rows; how many more there are is said.
fn legend(lines: &[Line], area: Area) -> String {
    let (mut drawn, left) = (String::new(), area.x - 56.0);
    let (mut x, mut y) = (left, area.y + area.high + 33.0);
    for (number, line) in lines.iter().enumerate() {
        let room = line.name.chars().count() as f64 * 6.7 + 26.0;
        if x + room > area.x + area.wide + 12.0 {
            (x, y) = (left, y + 16.0);
        }
        if y > area.y + area.high + 50.0 {
            return drawn
                + &word(
                    area.x + area.wide,
                    y - 16.0,
                    "text-anchor=\"end\"",
                    &format!("+{}", lines.len() - number),
                );
        }
        let _ = write!(
            drawn,
            "<rect x=\"{x}\" y=\"{}\" width=\"11\" height=\"3\" fill=\"{}\"/>",
            y - 5.0,
            colour(number)
        );
        drawn += &word(x + 15.0, y, "fill=\"#444\"", &line.name);
        x += room;
    }
    drawn
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

fn rule((x1, y1): (f64, f64), (x2, y2): (f64, f64)) -> String {
    format!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"#eee\"/>")
}

fn word(x: f64, y: f64, style: &str, word: &str) -> String {
    let word = word.replace('&', "&amp;").replace('<', "&lt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{word}</text>")
}
