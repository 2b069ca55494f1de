//! The table of brokers and scenarios, and what it says in the end.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::deviations::{Deviation, Kind};
use super::run::Outcome;

/// What became of one broker.
pub struct Column {
    pub broker: String,
    pub version: String,
    /// The outcomes in the scenarios' order, or why there are none.
    pub outcomes: Result<Vec<Outcome>, String>,
}

/// Everything that a run found.
pub struct Report {
    pub columns: Vec<Column>,
    pub deviations: Vec<Deviation>,
}

enum Cell {
    Ok,
    /// The number of its explanation.
    Explained(usize),
    Failed,
}

impl Report {
    pub fn brokers_run(&self) -> usize {
        self.columns.iter().filter(|c| c.outcomes.is_ok()).count()
    }

    /// The failures that no line explains.
    pub fn unexplained(&self) -> Vec<(&str, &Outcome)> {
        let all = self.columns.iter().flat_map(|column| {
            let outcomes = column.outcomes.iter().flatten();
            outcomes.map(move |outcome| (column.broker.as_str(), outcome))
        });
        all.filter(|(broker, outcome)| matches!(self.cell(broker, outcome), Cell::Failed))
            .collect()
    }

    /// The lines that explain nothing that happened, of brokers that ran.
    pub fn stale(&self) -> Vec<&Deviation> {
        let used: BTreeSet<usize> = self.used().into_iter().collect();
        let ran = |broker: &str| {
            self.columns
                .iter()
                .any(|c| c.broker == broker && c.outcomes.is_ok())
        };
        self.deviations
            .iter()
            .enumerate()
            .filter(|(at, deviation)| !used.contains(at) && ran(&deviation.broker))
            .map(|(_, deviation)| deviation)
            .collect()
    }

    /// The document.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "# Interoperability\n\n\
             Written by `make interop`, which starts each broker, runs every scenario through\n\
             the library's C API, and stops the broker again. The scenarios are in\n\
             `interop/scenarios/`; what explains a deviation is in `interop/deviations.tsv`.\n\
             A failure that no line there explains makes the command fail, and so does a line\n\
             that explains nothing.\n\n\
             A cell is `ok`, or `n/a` where the broker lacks the feature, or `deviates` where it\n\
             has the feature and does otherwise than the specification says; the number leads to\n\
             the explanation below the tables.\n\n\
             ## Brokers\n\n\
             | broker | version | ok | n/a | deviates |\n|---|---|---:|---:|---:|\n",
        );
        for column in &self.columns {
            match &column.outcomes {
                Ok(outcomes) => {
                    let (mut ok, mut lacks, mut deviates) = (0, 0, 0);
                    for outcome in outcomes {
                        match self.cell(&column.broker, outcome) {
                            Cell::Ok => ok += 1,
                            Cell::Explained(at) if self.deviations[at].kind == Kind::Lacks => {
                                lacks += 1;
                            }
                            Cell::Explained(_) | Cell::Failed => deviates += 1,
                        }
                    }
                    let (broker, version) = (&column.broker, &column.version);
                    let _ = writeln!(
                        text,
                        "| {broker} | {version} | {ok} | {lacks} | {deviates} |"
                    );
                }
                Err(why) => {
                    let why = why.replace(['\n', '|'], " ");
                    let _ = writeln!(text, "| {} | not run: {why} | | | |", column.broker);
                }
            }
        }
        self.tables(&mut text);
        self.explanations(&mut text);
        text
    }

    /// One table for each version.
    fn tables(&self, text: &mut String) {
        let ran: Vec<(&str, &Vec<Outcome>)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column.broker.as_str(), column.outcomes.as_ref().ok()?)))
            .collect();
        let Some((_, first)) = ran.first() else {
            return;
        };
        let numbers = self.used();
        let mut section = "";
        for (row, outcome) in first.iter().enumerate() {
            let (version, name) = outcome.scenario.split_once(": ").unwrap_or_default();
            if version != section {
                section = version;
                let names: Vec<&str> = ran.iter().map(|(broker, _)| *broker).collect();
                let _ = write!(
                    text,
                    "\n## {version}\n\n| scenario | {} |\n|---|{}\n",
                    names.join(" | "),
                    "---|".repeat(ran.len())
                );
            }
            let _ = write!(text, "| {name} |");
            for (broker, outcomes) in &ran {
                let cell = match self.cell(broker, &outcomes[row]) {
                    Cell::Ok => "ok".into(),
                    Cell::Failed => "**failed**".into(),
                    Cell::Explained(at) => {
                        let number = numbers.iter().position(|used| *used == at);
                        let kind = match self.deviations[at].kind {
                            Kind::Lacks => "n/a",
                            Kind::Deviates => "deviates",
                        };
                        format!("{kind} [{}]", number.map_or(0, |number| number + 1))
                    }
                };
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
        }
    }

    fn explanations(&self, text: &mut String) {
        text.push_str("\n## Explanations\n");
        let mut broker = "";
        for (number, at) in self.used().into_iter().enumerate() {
            let deviation = &self.deviations[at];
            if deviation.broker != broker {
                broker = &deviation.broker;
                let _ = write!(text, "\n### {broker}\n\n");
            }
            let kind = match deviation.kind {
                Kind::Lacks => "n/a (the broker lacks it)",
                Kind::Deviates => "deviates",
            };
            let _ = writeln!(
                text,
                "- [{}] {kind}: {} Seen: \"{}\".",
                number + 1,
                deviation.explanation,
                deviation.message
            );
        }
    }

    /// The lines that explain something, in the order of their numbers.
    fn used(&self) -> Vec<usize> {
        let mut used = BTreeSet::new();
        for column in &self.columns {
            for outcome in column.outcomes.iter().flatten() {
                if let Cell::Explained(at) = self.cell(&column.broker, outcome) {
                    used.insert(at);
                }
            }
        }
        used.into_iter().collect()
    }

    fn cell(&self, broker: &str, outcome: &Outcome) -> Cell {
        let Some(failure) = &outcome.failure else {
            return Cell::Ok;
        };
        self.deviations
            .iter()
            .position(|d| d.explains(broker, &outcome.scenario, &failure.message))
            .map_or(Cell::Failed, Cell::Explained)
    }
}
