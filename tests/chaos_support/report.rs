//! What a run is, what it found, and what has to hold of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;

use super::ledger::{Entries, Ledger, Role, Totals};

/// How sessions are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Store {
    Off,
    ProcessCrash,
    Groups,
    Every,
}

impl Store {
    /// `enum mqttrs_store_durability`.
    pub(crate) fn durability(self) -> Option<u8> {
        match self {
            Store::Off => None,
            Store::ProcessCrash => Some(0),
            Store::Groups => Some(1),
            Store::Every => Some(2),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Store::Off => "off",
            Store::ProcessCrash => "process crash",
            Store::Groups => "groups",
            Store::Every => "every message",
        }
    }
}

/// One row of the result: a kind of fault and what it is tried with.
pub(crate) struct Run {
    pub(crate) kind: &'static str,
    /// 3 for MQTT 3.1.1, 5 for 5.0.
    pub(crate) version: u8,
    pub(crate) store: Store,
    pub(crate) faults: usize,
    pub(crate) seed: u64,
}

impl Run {
    /// For folders, and for a chance of its own.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.kind, self.version, self.store.name()).replace(' ', "-")
    }

    /// The folder for what the programs and the broker log, if MQTTRS_CHAOS_LOG asks for it.
    pub(crate) fn log(&self) -> Option<PathBuf> {
        let folder = PathBuf::from(std::env::var_os("MQTTRS_CHAOS_LOG")?).join(self.name());
        std::fs::create_dir_all(&folder).unwrap();
        Some(folder)
    }

    /// Panics with what is needed to try again.
    #[track_caller]
    pub(crate) fn check(&self, holds: bool, what: &str, ledger: &Ledger) {
        if !holds {
            let complaints = ledger.read(|entries| entries.complaints.clone());
            let counts = ledger.read(|entries| {
                format!(
                    "{} accepted, {} delivered; publisher {:?}; subscriber {:?}",
                    entries.accepted,
                    entries.delivered,
                    entries.of(Role::Publisher),
                    entries.of(Role::Subscriber)
                )
            });
            panic!("{}: {what}: {complaints:?}; {counts}", self.again());
        }
    }

    fn again(&self) -> String {
        format!(
            "{} (again: SEED={} and {} faults)",
            self.name(),
            self.seed,
            self.faults
        )
    }
}

/// What became of it.
pub(crate) struct Row {
    again: String,
    kind: &'static str,
    version: u8,
    store: Store,
    pub(crate) injected: usize,
    reconnects: usize,
    pub(crate) downs: usize,
    pub(crate) quota_exceeded: usize,
    pub(crate) failed_attempts: usize,
    pub(crate) clock_reads: usize,
    pub(crate) subscriber_sessions: usize,
    pub(crate) ends: usize,
    /// By QoS: 1 and 2.
    qos: [Totals; 2],
}

impl Row {
    pub(crate) fn new(
        run: &Run,
        injected: usize,
        taken_back: &BTreeSet<u16>,
        entries: &Entries,
    ) -> Row {
        let both = [Role::Publisher, Role::Subscriber].map(|role| entries.of(role));
        let sum =
            |of: fn(&super::ledger::Said) -> usize| both.iter().map(|said| of(said)).sum::<usize>();
        Row {
            again: run.again(),
            kind: run.kind,
            version: run.version,
            store: run.store,
            injected,
            reconnects: sum(|said| said.ups).saturating_sub(2),
            downs: sum(|said| said.downs),
            quota_exceeded: sum(|said| said.quota_exceeded),
            failed_attempts: sum(|said| said.failed_attempts),
            clock_reads: sum(|said| said.clock_reads),
            subscriber_sessions: both[1].sessions,
            ends: entries.count(Role::Subscriber, "end"),
            qos: [1, 2].map(|qos| entries.totals(qos, taken_back)),
        }
    }

    /// Nothing is lost, nothing of QoS 2 is doubled, and the broker has kept its sessions.
    #[track_caller]
    pub(crate) fn nothing_lost_nothing_doubled(&self) {
        let again = &self.again;
        for (totals, qos) in self.qos.iter().zip([1, 2]) {
            assert!(
                totals.missing.is_empty(),
                "{again}: QoS {qos} lost: {:?}",
                totals.missing
            );
            assert!(
                totals.accepted > 0,
                "{again}: nothing of QoS {qos} was accepted"
            );
            assert!(totals.delivered >= totals.accepted, "{again}");
        }
        assert!(
            self.qos[1].doubled.is_empty(),
            "{again}: doubled: {:?}",
            self.qos[1].doubled
        );
        self.the_broker_has_kept_its_sessions();
    }

    #[track_caller]
    pub(crate) fn the_broker_has_kept_its_sessions(&self) {
        assert_eq!(
            self.subscriber_sessions, 1,
            "{}: the broker has lost a session",
            self.again
        );
    }

    /// Every accepted message has exactly one outcome, and that is an acknowledgement.
    #[track_caller]
    pub(crate) fn every_message_acknowledged_once(&self) {
        for totals in &self.qos {
            let again = &self.again;
            assert!(
                totals.not_one_outcome.is_empty(),
                "{again}: {:?}",
                totals.not_one_outcome
            );
            assert!(totals.dropped.is_empty(), "{again}: {:?}", totals.dropped);
        }
    }

    /// How many accepted messages never came.
    pub(crate) fn lost(&self) -> usize {
        self.qos.iter().map(|totals| totals.missing.len()).sum()
    }

    /// So many connections ended and came back, or never came to be.
    #[track_caller]
    pub(crate) fn at_least_ended(&self, count: usize) {
        let ended = self.reconnects + self.failed_attempts;
        assert!(ended >= count, "{}: {ended} ended", self.again);
    }

    /// With a broker that forgets: what is missing the broker had acknowledged, or the program
    /// was told that nobody knows; and within one session nothing of QoS 2 came twice.
    #[track_caller]
    pub(crate) fn only_the_broker_has_lost(&self) {
        self.every_message_acknowledged_once();
        let again = &self.again;
        for totals in &self.qos {
            assert_eq!(
                totals.missing.len(),
                totals.missing_acknowledged + totals.missing_unknown,
                "{again}: {:?}",
                totals.missing
            );
        }
        assert!(
            self.qos[1].doubled.is_empty(),
            "{again}: {:?}",
            self.qos[1].doubled
        );
    }

    /// One line of the result, for those who make a table of it.
    pub(crate) fn publish(&self) {
        let [one, two] = &self.qos;
        let mut line = String::new();
        for cell in [
            self.kind.to_owned(),
            if self.version == 5 { "5.0" } else { "3.1.1" }.to_owned(),
            self.store.name().to_owned(),
        ] {
            let _ = write!(line, "{cell}\t");
        }
        for number in [
            self.injected,
            self.reconnects,
            one.accepted,
            one.delivered,
            one.missing.len(),
            one.repeated,
            two.accepted,
            two.delivered,
            two.missing.len(),
            two.repeated,
            one.missing_acknowledged + two.missing_acknowledged,
            one.missing_unknown + two.missing_unknown,
            two.doubled.len(),
            self.failed_attempts,
            self.clock_reads,
            self.quota_exceeded,
            two.doubled_by_broker,
        ] {
            let _ = write!(line, "{number}\t");
        }
        println!("{line}");
        if let Some(path) = std::env::var_os("MQTTRS_CHAOS_ROWS") {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(path)
                .unwrap();
            // One write: other tests add theirs.
            file.write_all(format!("{}\n", line.trim_end()).as_bytes())
                .unwrap();
        }
    }
}
