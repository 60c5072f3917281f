//! The dashboard. Every query names what a server exports, and has an answer when a real Prometheus reads two servers that
//! work, are overrun and have a source that fails. `BLESS=1` lets them go on for some minutes and draws what the dashboard
//! then shows, for the documents.

use std::{
    env, fs,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{Installation, until};
use serde_json::{Value, json};

use crate::{
    manifest::{list, text},
    monitoring::exported,
    picture::{self, Line, Panel},
    prometheus::{Series, Span, now},
    promql::{labels, metrics},
    stage::{CROWD, Stage},
    tool::{self, tool},
};

pub(crate) fn dashboard() -> Value {
    let file = tool::deploy("helm/cairn/files/dashboard.json");
    serde_json::from_str(&fs::read_to_string(file).expect("the dashboard")).expect("JSON")
}

fn queries(dashboard: &Value) -> Vec<String> {
    let panels = list(&dashboard["panels"]);
    panels
        .flat_map(|panel| list(&panel["targets"]))
        .map(|target| text(&target["expr"]).to_owned())
        .collect()
}

#[test]
fn every_query_of_the_dashboard_has_figures() {
    let (exported, dashboard) = (exported(), dashboard());
    let queries = queries(&dashboard);
    assert!(queries.len() > 20, "{}", queries.len());
    for query in &queries {
        for name in metrics(query) {
            let line = exported
                .lines()
                .find(|line| line.starts_with(&format!("{name}{{")));
            let line = line.unwrap_or_else(|| panic!("nobody exports {name}: {query}"));
            // Prometheus adds `instance`.
            for label in labels(query).iter().filter(|label| *label != "instance") {
                assert!(
                    line.contains(&format!("{label}=\"")),
                    "no label {label} in {line}"
                );
            }
        }
    }
}

#[test]
fn no_panel_lies_on_another() {
    let panels = panels_of(&dashboard());
    for (number, panel) in panels.iter().enumerate() {
        let [x, y, wide, high] = panel.place;
        let covers = |other: &&Panel| {
            let [left, top, w, h] = other.place;
            left < x + wide && x < left + w && top < y + high && y < top + h
        };
        let other = panels[number + 1..].iter().find(covers);
        assert!(
            other.is_none(),
            "{} lies on {:?}",
            panel.title,
            other.map(|other| &other.title)
        );
        assert!(x + wide <= 24.0, "{} is cut off", panel.title);
    }
}

/// The dashboard's panels, empty.
fn panels_of(dashboard: &Value) -> Vec<Panel> {
    let number = |panel: &Value, side: &str| panel["gridPos"][side].as_f64().expect("a number");
    list(&dashboard["panels"])
        .map(|panel| Panel {
            title: text(&panel["title"]).to_owned(),
            is_stat: panel["type"] == "stat",
            unit: text(&panel["fieldConfig"]["defaults"]["unit"]).to_owned(),
            place: ["x", "y", "w", "h"].map(|side| number(panel, side)),
            lines: Vec::new(),
        })
        .collect()
}

#[test]
fn prometheus_understands_every_query_of_the_dashboard() {
    let Some(mut promtool) = tool(
        "promtool",
        "the dashboard's queries, as Prometheus reads them",
    ) else {
        return;
    };
    let rules: Vec<Value> = queries(&dashboard())
        .iter()
        .enumerate()
        .map(|(number, query)| {
            let query = query.replace("$__rate_interval", "5m");
            json!({ "record": format!("query_{number}"), "expr": query })
        })
        .collect();
    let file = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let folder = Installation::empty();
    let path = folder.write("rules.yaml", &file.to_string());
    tool::output(promtool.args(["check", "rules"]).arg(path));
}

/// The dashboard's panels with what they show of a time.
fn shown(stage: &Stage, span: Span, rate: &str) -> Vec<Panel> {
    let dashboard = dashboard();
    let mut panels = panels_of(&dashboard);
    for (panel, described) in panels.iter_mut().zip(list(&dashboard["panels"])) {
        for target in list(&described["targets"]) {
            let query = text(&target["expr"]).replace("$__rate_interval", rate);
            let found = stage.prometheus.range(&query, span).into_iter();
            panel
                .lines
                .extend(found.map(|series| line(text(&target["legendFormat"]), series)));
        }
        panel.lines.retain(|line| !line.points.is_empty());
    }
    panels
}

fn line(legend: &str, series: Series) -> Line {
    let labels = series.labels.as_object().into_iter().flatten();
    let name = labels.fold(legend.to_owned(), |name, (label, value)| {
        name.replace(&format!("{{{{{label}}}}}"), text(value))
    });
    Line {
        name,
        points: series.points,
    }
}

#[test]
fn every_panel_shows_something_when_prometheus_reads_two_servers() {
    let Some(stage) = Stage::prepare("the dashboard's queries on a real Prometheus") else {
        return;
    };
    let begun = now();
    stage.under_load(|| {
        let mut waiting = String::new();
        until(
            "every panel to show something",
            Duration::from_secs(60),
            || {
                let panels = shown(
                    &stage,
                    Span {
                        from: begun,
                        to: now(),
                        step: 1.0,
                    },
                    "5s",
                );
                let empty = panels.iter().filter(|panel| panel.lines.is_empty());
                let titles: Vec<&str> = empty.map(|panel| panel.title.as_str()).collect();
                // Shown if it never ends.
                if waiting != titles.join(", ") {
                    waiting = titles.join(", ");
                    println!("nothing yet in: {waiting}");
                }
                titles.is_empty().then_some(())
            },
        );
    });
    if env::var_os("BLESS").is_some() {
        draw(&stage);
    }
}

/// Six minutes: a tide of clients, a crowd in the middle, and a source that is ill for a while.
fn draw(stage: &Stage) {
    const WATCH: Duration = Duration::from_secs(380);
    /// Until rates know nothing any more of what was before.
    const SETTLE: f64 = 20.0;
    let (begun, from) = (Instant::now(), now() + SETTLE);
    stage.under_load(|| {
        while begun.elapsed() < WATCH {
            let part = begun.elapsed().as_secs_f64() / WATCH.as_secs_f64();
            let tide = 4.0 - 3.0 * (part * std::f64::consts::TAU).cos();
            let clients = if (0.55..0.65).contains(&part) {
                CROWD
            } else {
                tide as usize
            };
            stage.clients.store(clients, Ordering::Release);
            let is_ill = (0.3..0.5).contains(&part);
            stage.is_partner_ill.store(is_ill, Ordering::Release);
            thread::sleep(Duration::from_millis(200));
        }
    });
    let span = Span {
        from,
        to: now(),
        step: 2.0,
    };
    let svg = picture::svg("cairn", &shown(stage, span, "15s"), (span.from, span.to));
    let folder = Installation::empty();
    let drawn = folder.write("dashboard.svg", &svg);
    let to = tool::root().join("docs/dashboard.png");
    let about = "the picture; Debian has it in `librsvg2-bin`";
    let mut convert = tool("rsvg-convert", about).expect("rsvg-convert");
    tool::output(convert.arg("--output").arg(to).arg(drawn));
}
