//! The table, and the page it is on.

use std::fmt;
use std::time::Instant;

use pitchey_clock::Clock;

use crate::stats::Spread;
use crate::{Scale, machine};

const METHOD: &str = include_str!("../METHOD.md");

/// What a ratio is to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// Of the floor, at least.
    AtLeast(f64),
    /// Times the floor, at most.
    AtMost(f64),
    /// Seconds, or things, at most; there is no floor.
    Value(f64),
}

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// Median of the samples, with its unit.
    pub value: String,
    /// What the floor is, and its median, with its unit.
    pub floor: Option<String>,
    /// Of the pairs.
    pub ratio: Option<Spread>,
    /// With what it is compared: the ratio, or the value itself.
    pub goal: Option<(Goal, f64)>,
}

impl Line {
    /// A value that is compared with nothing.
    pub fn value(what: impl Into<String>, value: impl Into<String>) -> Self {
        Self { what: what.into(), value: value.into(), ..Self::default() }
    }

    /// Samples beside those of the floor, in pairs.
    pub fn paired(
        what: impl Into<String>,
        unit: fn(f64) -> String,
        ours: &[f64],
        (named, floor): (&str, &[f64]),
        goal: Option<Goal>,
    ) -> Self {
        let ratio = Spread::of_ratios(ours, floor);
        Self {
            what: what.into(),
            value: unit(Spread::of(ours).median),
            floor: Some(format!("{} {named}", unit(Spread::of(floor).median))),
            ratio: Some(ratio),
            goal: goal.map(|goal| (goal, ratio.median)),
        }
    }

    /// With a goal for the value itself.
    #[must_use]
    pub fn at_most(mut self, goal: f64, value: f64) -> Self {
        self.goal = Some((Goal::Value(goal), value));
        self
    }

    fn cells(&self) -> [String; 6] {
        let ratio = self.ratio.map(|ratio| format!("{:.2}", ratio.median));
        // A ratio of all samples has none.
        let paired = self.ratio.filter(|ratio| !ratio.q1.is_nan());
        let quartiles = paired.map(|ratio| format!("{:.2} to {:.2}", ratio.q1, ratio.q3));
        let goal = self.goal.map(|(goal, value)| match goal {
            Goal::AtLeast(least) => (format!("at least {least}"), value >= least),
            Goal::AtMost(most) => (format!("at most {most}"), value <= most),
            Goal::Value(most) => (format!("value at most {most}"), value <= most),
        });
        let goal = goal.map(|(text, met)| format!("{text}: {}", if met { "met" } else { "**missed**" }));
        [
            self.what.clone(),
            self.value.clone(),
            self.floor.clone().unwrap_or_default(),
            ratio.unwrap_or_default(),
            quartiles.unwrap_or_default(),
            goal.unwrap_or_default(),
        ]
    }
}

/// Microseconds of processor time.
pub fn cpu(microseconds: f64) -> String {
    format!("{microseconds:.1} µs")
}

/// Things a second.
pub fn rate(per_second: f64) -> String {
    format!("{per_second:.0} /s")
}

/// Milliseconds.
pub fn milliseconds(ms: f64) -> String {
    format!("{ms:.2} ms")
}

/// Everything that was measured.
pub struct Report {
    scale: Scale,
    begun: Instant,
    began: String,
    before: machine::Load,
    after: Option<machine::Load>,
    sections: Vec<(&'static str, Vec<Line>, Vec<String>)>,
}

impl Report {
    /// Takes note of time and load.
    pub fn begin(scale: Scale) -> Self {
        let before = machine::Load::now();
        println!("load average before: {before}");
        if before.averages[0] > 0.5 {
            println!("the machine is not idle: absolute numbers will be low, ratios noisy");
        }
        let began = Clock::system().now().format("%Y-%m-%d %H:%M UTC").to_string();
        Self { scale, begun: Instant::now(), began, before, after: None, sections: Vec::new() }
    }

    /// The lines that follow belong to `title`.
    pub fn section(&mut self, title: &'static str) {
        println!("\n== {title}  ({:.0} s)", self.begun.elapsed().as_secs_f64());
        self.sections.push((title, Vec::new(), Vec::new()));
    }

    /// One more line.
    pub fn line(&mut self, line: Line) {
        println!("   {}", line.cells().join(" | "));
        self.sections.last_mut().unwrap().1.push(line);
    }

    /// A sentence below the section's table.
    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        println!("   {note}");
        self.sections.last_mut().unwrap().2.push(note);
    }

    /// Takes note of the load.
    pub fn end(&mut self) {
        self.after = Some(machine::Load::now());
    }

    /// docs/benchmarks.md.
    pub fn document(&self) -> String {
        let after = self.after.unwrap_or(self.before);
        let loads = format!(
            "Load average before {}, after {after} (the run is its own load); {:.1} % of the processors' time was taken by the host's other guests.",
            self.before,
            after.stolen_since(&self.before),
        );
        let shared = if self.before.averages[0] > 0.5 {
            "\n\n**Other work ran on the machine at the same time.** Absolute numbers are low for that, ratios noisier than on an idle machine."
        } else {
            ""
        };
        let nginx = crate::nginx::program()
            .map_or("none".to_owned(), |path| machine::version(&path.to_string_lossy(), &["-v"]));
        format!(
            "# Benchmarks\n\nMeasured {} by `make bench` in {:.0} s; this page is written by it.\n\n\
             - Machine: {}. {loads}{shared}\n\
             - Versions: commit {}, {}, {}, {}, RabbitMQ {}, {nginx}.\n\
             - {} pairs a row, samples of {} ms in closed loops, {} s in open ones.\n\n{METHOD}\n## Result\n\n{self}",
            self.began,
            self.begun.elapsed().as_secs_f64(),
            machine::describe(),
            machine::version("git", &["rev-parse", "--short", "HEAD"]),
            machine::version("rustc", &["--version"]),
            machine::version("pgbench", &["--version"]).replace("pgbench (PostgreSQL)", "Postgres"),
            machine::version("dpkg-query", &["-W", "-f=Erlang ${Version}", "erlang-base"]),
            machine::version("dpkg-query", &["-W", "-f=${Version}", "rabbitmq-server"]),
            self.scale.pairs,
            self.scale.sample.as_millis(),
            self.scale.open_sample.as_secs(),
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, lines, notes) in &self.sections {
            writeln!(f, "### {title}\n")?;
            if !lines.is_empty() {
                writeln!(
                    f,
                    "| what | value | floor | ratio | quartiles | goal |\n|---|---|---|---|---|---|"
                )?;
            }
            for line in lines {
                writeln!(f, "| {} |", line.cells().join(" | "))?;
            }
            writeln!(f)?;
            for note in notes {
                writeln!(f, "{note}\n")?;
            }
        }
        Ok(())
    }
}
