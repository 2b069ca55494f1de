//! What is known of the brokers: `interop/deviations.tsv`.
//!
//! Each line explains one failure, or several of a kind: broker, scenario
//! (with `*` for any text), `lacks` or `deviates`, a part of the failure's
//! message, and the explanation. Lines are tried in their order.

/// A known failure.
pub struct Deviation {
    pub broker: String,
    pub scenario: String,
    pub kind: Kind,
    pub message: String,
    pub explanation: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The broker does not have it, and says so somewhere.
    Lacks,
    /// The broker does it in another way than the specification.
    Deviates,
}

impl Deviation {
    pub fn explains(&self, broker: &str, scenario: &str, message: &str) -> bool {
        self.broker == broker
            && matches_pattern(&self.scenario, scenario)
            && message.contains(&self.message)
    }
}

/// Reads the file's text.
///
/// # Errors
/// The first line that is not as it should be.
pub fn parse(text: &str) -> Result<Vec<Deviation>, String> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [broker, scenario, kind, message, explanation] = fields[..] else {
                return Err(format!("not five fields: {line}"));
            };
            let kind = match kind {
                "lacks" => Kind::Lacks,
                "deviates" => Kind::Deviates,
                _ => return Err(format!("neither lacks nor deviates: {line}")),
            };
            if explanation.is_empty() {
                return Err(format!("no explanation: {line}"));
            }
            Ok(Deviation {
                broker: broker.into(),
                scenario: scenario.into(),
                kind,
                message: message.into(),
                explanation: explanation.into(),
            })
        })
        .collect()
}

/// Whether `text` is as `pattern`, in which `*` stands for any text.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    ends.into_iter()
        .any(|at| matches_pattern(rest, &text[at..]))
}
