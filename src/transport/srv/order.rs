//! In which order the targets of SRV records are tried (RFC 2782).

use super::SrvTarget;

/// An SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) priority: u16,
    pub(super) weight: u16,
    /// The host is empty where the record has the root as its target.
    pub(super) target: SrvTarget,
}

/// Lower priority numbers first; among equal ones by chance, in proportion to weight.
/// `below(n)` draws a number from 0 to n - 1.
pub(super) fn order(mut records: Vec<Record>, mut below: impl FnMut(u64) -> u64) -> Vec<SrvTarget> {
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.iter().map(|record| record.priority).min() {
        let (mut equal, rest): (Vec<_>, Vec<_>) = records
            .into_iter()
            .partition(|record| record.priority == priority);
        while !equal.is_empty() {
            let drawn = draw(&equal, &mut below);
            ordered.push(equal.remove(drawn).target);
        }
        records = rest;
    }
    ordered
}

/// The index of the record whose turn it is. A weight of 0 has the small chance of the one
/// number that no weight claims, which all the records of that weight share.
fn draw(records: &[Record], below: &mut impl FnMut(u64) -> u64) -> usize {
    let weightless: Vec<usize> = (0..records.len())
        .filter(|&index| records[index].weight == 0)
        .collect();
    let sum: u64 = records.iter().map(|record| u64::from(record.weight)).sum();
    let mut number = below(sum + u64::from(!weightless.is_empty()));
    for (index, record) in records.iter().enumerate() {
        match number.checked_sub(u64::from(record.weight)) {
            Some(rest) => number = rest,
            None => return index,
        }
    }
    weightless[below(weightless.len() as u64) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, host: &str) -> Record {
        Record {
            priority,
            weight,
            target: SrvTarget {
                host: host.to_owned(),
                port: 1883,
            },
        }
    }

    /// Each order with how often it comes, over all the numbers that can be drawn. The
    /// odds are exact: an order counts with the product of what was not drawn.
    fn odds(records: &[Record]) -> Vec<(String, u64, u64)> {
        let mut found = Vec::new();
        let mut draws: Vec<u64> = Vec::new();
        loop {
            let (mut limits, mut next) = (Vec::new(), 0);
            let ordered = order(records.to_vec(), |count| {
                limits.push(count);
                next += 1;
                draws.get(next - 1).copied().unwrap_or(0)
            });
            draws.resize(limits.len(), 0);
            let name: String = ordered.iter().map(|target| target.host.as_str()).collect();
            found.push((name, 1, limits.iter().product()));
            // The next number, counted up from the last draw.
            let Some(place) = (0..draws.len()).rev().find(|&i| draws[i] + 1 < limits[i]) else {
                return found;
            };
            draws.truncate(place + 1);
            draws[place] += 1;
        }
    }

    /// The chance of `host` to come first.
    fn chance_to_be_first(records: &[Record], host: &str) -> f64 {
        odds(records)
            .iter()
            .filter(|(name, ..)| name.starts_with(host))
            .map(|(_, times, of)| *times as f64 / *of as f64)
            .sum()
    }

    fn assert_close(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-9, "{got}, not {expected}");
    }

    #[test]
    fn lower_priority_numbers_come_first_whatever_their_weight() {
        let records = [
            record(20, 60_000, "c"),
            record(0, 0, "a"),
            record(10, 1, "b"),
            record(65_535, 65_535, "d"),
        ];
        let ordered = order(records.to_vec(), |count| count - 1);
        let hosts: Vec<_> = ordered.iter().map(|target| target.host.as_str()).collect();
        assert_eq!(hosts, ["a", "b", "c", "d"]);
    }

    #[test]
    fn equal_priorities_come_first_in_proportion_to_their_weight() {
        let records = [record(1, 1, "a"), record(1, 3, "b"), record(1, 6, "c")];
        assert_close(chance_to_be_first(&records, "a"), 0.1);
        assert_close(chance_to_be_first(&records, "b"), 0.3);
        assert_close(chance_to_be_first(&records, "c"), 0.6);
        // And the second place in proportion to what is left.
        assert_close(chance_to_be_first(&records, "cb"), 0.6 * 3.0 / 4.0);
        assert_close(chance_to_be_first(&records, "ab"), 0.1 * 3.0 / 9.0);
    }

    #[test]
    fn weight_zero_has_a_small_chance_beside_weights_and_an_equal_one_without() {
        let records = [record(1, 0, "a"), record(1, 7, "b"), record(1, 0, "c")];
        assert_close(chance_to_be_first(&records, "b"), 7.0 / 8.0);
        assert_close(chance_to_be_first(&records, "a"), 1.0 / 16.0);
        assert_close(chance_to_be_first(&records, "c"), 1.0 / 16.0);
        let records = [record(1, 0, "a"), record(1, 0, "b"), record(1, 0, "c")];
        for host in ["a", "b", "c"] {
            assert_close(chance_to_be_first(&records, host), 1.0 / 3.0);
        }
    }

    #[test]
    fn every_target_is_there_once_with_its_port() {
        let mut records: Vec<_> = (0..200)
            .map(|n| record(n % 3, 65_535 * (n % 2), &format!("h{n}.")))
            .collect();
        records[7].target.port = 8883;
        let mut seed = 1u64;
        let mut ordered = order(records, |count| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005) + 1;
            (seed >> 33) % count
        });
        assert!(ordered[..67].iter().all(|target| target.host[1..]
            .trim_end_matches('.')
            .parse::<u16>()
            .unwrap()
            % 3
            == 0));
        assert_eq!(
            ordered.iter().filter(|target| target.port == 8883).count(),
            1
        );
        ordered.sort_by(|a, b| a.host.cmp(&b.host));
        ordered.dedup();
        assert_eq!(ordered.len(), 200);
    }
}
