//! The tables in `conformance/`.

/// One normative statement of the specification.
pub struct Statement {
    /// `3.1.1` or `5.0`.
    pub version: String,
    pub id: String,
    binds: String,
    pub subject: String,
    /// Why this client cannot be tested for it; empty when it can.
    pub untestable: String,
}

impl Statement {
    pub fn binds_client(&self) -> bool {
        self.binds != "server"
    }
}

/// Where MQTT 3.1 differs from 3.1.1.
pub struct Difference {
    pub subject: String,
    pub v31: String,
    pub v311: String,
    pub tests: Vec<String>,
}

/// A statement that libmosquitto is known to break.
pub struct Gap {
    pub version: String,
    pub id: String,
    /// What libmosquitto does, and which versions of it.
    pub gap: String,
}

pub fn gaps(tsv: &str) -> Vec<Gap> {
    rows(tsv, ["version", "id", "gap"])
        .map(|[version, id, gap]| Gap { version, id, gap })
        .collect()
}

pub fn statements(tsv: &str) -> Vec<Statement> {
    rows(tsv, ["version", "id", "binds", "subject", "untestable"])
        .map(|[version, id, binds, subject, untestable]| {
            assert!(["3.1.1", "5.0"].contains(&&*version), "{id}: {version}");
            assert!(
                ["client", "server", "both"].contains(&&*binds),
                "{id}: {binds}"
            );
            Statement {
                version,
                id,
                binds,
                subject,
                untestable,
            }
        })
        .collect()
}

pub fn differences(tsv: &str) -> Vec<Difference> {
    rows(tsv, ["subject", "3.1", "3.1.1", "tests"])
        .map(|[subject, v31, v311, tests]| Difference {
            subject,
            v31,
            v311,
            tests: tests.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

fn rows<'a, const N: usize>(
    tsv: &'a str,
    head: [&'a str; N],
) -> impl Iterator<Item = [String; N]> + 'a {
    let mut lines = tsv.lines();
    assert_eq!(lines.next(), Some(&*head.join("\t")));
    lines.map(|line| {
        let cells: Vec<_> = line.split('\t').map(str::to_owned).collect();
        cells
            .try_into()
            .unwrap_or_else(|_| panic!("not {N} cells: {line}"))
    })
}
