//! Which clients take part, and which of the buckets that variants share each is in.

use std::borrow::Cow;

use rimward_config::Percent;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::bucket::{BUCKETS, Dealer};

/// Deals clients out.
#[derive(Debug)]
pub(super) struct Assignment {
    /// Who takes part, which is independent of the variant: when more do, nobody changes theirs.
    part: Dealer,
    traffic: Buckets,
    variant: Dealer,
}

impl Assignment {
    pub(super) fn new(salt: &str, layer: Option<&str>, traffic: Buckets) -> Self {
        let part = match layer {
            Some(layer) => Dealer::new(&format!("layer\0{layer}")),
            None => Dealer::new(&format!("traffic\0{salt}")),
        };
        Self {
            part,
            traffic,
            variant: Dealer::new(&format!("variant\0{salt}")),
        }
    }

    /// The bucket of a client among those that variants share; `None` when it takes no part.
    pub(super) fn bucket(&self, key: &[u8]) -> Option<u32> {
        let takes_part = self.traffic.is_all() || self.traffic.has(self.part.bucket(key));
        takes_part.then(|| self.variant.bucket(key))
    }
}

/// A range of buckets, written as a share of all: `50%` or `20%-50%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Buckets {
    begin: u32,
    end: u32,
}

impl Default for Buckets {
    fn default() -> Self {
        Self {
            begin: 0,
            end: BUCKETS,
        }
    }
}

impl Buckets {
    fn has(self, bucket: u32) -> bool {
        (self.begin..self.end).contains(&bucket)
    }

    fn is_all(self) -> bool {
        self == Self::default()
    }
}

impl TryFrom<String> for Buckets {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a share such as `50%`, or a part such as `20%-50%`");
        let bound = |text: &str| {
            let percent: Percent = text.trim().parse().map_err(|_| wrong())?;
            match percent.milli() {
                milli if milli % 10 == 0 => Ok(milli / 10),
                _ => Err(format!("`{text}` is finer than a bucket, which is 0.01%")),
            }
        };
        let (begin, end) = match text.split_once('-') {
            Some((begin, end)) => (bound(begin)?, bound(end)?),
            None => (0, bound(&text)?),
        };
        if begin > end {
            return Err(wrong());
        }
        Ok(Self { begin, end })
    }
}

impl JsonSchema for Buckets {
    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "title": "share" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many keys as a large site has clients.
    const CLIENTS: u32 = 1_000_000;

    fn keys() -> impl Iterator<Item = String> {
        (0..CLIENTS).map(|number| format!("client-{number}"))
    }

    /// The statistic of Pearson's test against equal shares.
    fn chi_squared(counts: &[u32]) -> f64 {
        let expected = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts
            .iter()
            .map(|&count| (f64::from(count) - expected).powi(2) / expected)
            .sum()
    }

    #[test]
    fn a_million_keys_fill_all_buckets_alike() {
        for salt in ["checkout", "", "another experiment"] {
            let dealer = Dealer::new(&format!("variant\0{salt}"));
            let mut counts = vec![0; BUCKETS as usize];
            keys().for_each(|key| counts[dealer.bucket(key.as_bytes()) as usize] += 1);
            // 9999 degrees of freedom: what is outside comes once in a million.
            let statistic = chi_squared(&counts);
            assert!(
                (9_330.0..10_690.0).contains(&statistic),
                "{salt}: {statistic}"
            );
        }
    }

    #[test]
    fn experiments_are_independent_of_each_other() {
        let (one, other) = (
            Dealer::new(&format!("variant\0{}", "one")),
            Dealer::new(&format!("variant\0{}", "other")),
        );
        let (part, layer) = (
            Dealer::new(&format!("traffic\0{}", "one")),
            Dealer::new(&format!("layer\0{}", "one")),
        );
        for (left, right) in [(one, other), (one, part), (part, layer)] {
            let mut counts = vec![0; 100];
            for key in keys() {
                let (left, right) = (left.bucket(key.as_bytes()), right.bucket(key.as_bytes()));
                counts[(left / 1000 * 10 + right / 1000) as usize] += 1;
            }
            // 99 degrees of freedom: what is outside comes once in a million.
            let statistic = chi_squared(&counts);
            assert!((42.0..180.0).contains(&statistic), "{statistic}");
        }
    }

    #[test]
    fn a_key_has_the_same_bucket_for_ever() {
        // As xxHash's own library has them.
        for (purpose, salt, key, bucket) in [
            ("variant", "checkout", "client-1", 6183),
            ("variant", "checkout", "client-2", 4668),
            ("traffic", "checkout", "client-1", 877),
            ("layer", "checkout", "client-1", 7476),
            ("variant", "", "", 5354),
        ] {
            assert_eq!(
                Dealer::new(&format!("{purpose}\0{salt}")).bucket(key.as_bytes()),
                bucket,
                "{purpose} {salt} {key}"
            );
        }
    }

    #[test]
    fn who_takes_part_stays_when_more_do() {
        let share =
            |share: &str| Assignment::new("checkout", None, share.to_owned().try_into().unwrap());
        let (few, many, all) = (share("10%"), share("60%"), share("100%"));
        let mut parts = [0; 3];
        for key in keys().take(100_000) {
            let buckets = [&few, &many, &all].map(|assignment| assignment.bucket(key.as_bytes()));
            assert!(buckets[0].is_none() || buckets[0] == buckets[1]);
            assert!(buckets[1].is_none() || buckets[1] == buckets[2]);
            for (part, bucket) in parts.iter_mut().zip(buckets) {
                *part += u32::from(bucket.is_some());
            }
        }
        assert!(
            (9_500..10_500).contains(&parts[0]) && (59_000..61_000).contains(&parts[1]),
            "{parts:?}"
        );
        assert_eq!(parts[2], 100_000);
    }

    #[test]
    fn parts_of_a_layer_do_not_overlap() {
        let part = |salt: &str, share: &str| {
            Assignment::new(salt, Some("layer"), share.to_owned().try_into().unwrap())
        };
        let parts = [
            part("a", "0%-33.33%"),
            part("b", "33.33%-80%"),
            part("c", "80%-100%"),
        ];
        for key in keys().take(100_000) {
            let taking = parts
                .iter()
                .filter(|part| part.bucket(key.as_bytes()).is_some());
            assert_eq!(taking.count(), 1, "{key}");
        }
    }

    #[test]
    fn shares_are_read() {
        for (text, expected) in [
            ("50%", Some((0, 5_000))),
            ("0.01%", Some((0, 1))),
            ("100%", Some((0, 10_000))),
            ("50", None),
            ("20%-50%", Some((2_000, 5_000))),
            ("20% - 20%", Some((2_000, 2_000))),
            ("50%-20%", None),
            ("0.001%", None),
            ("101%", None),
            ("-5%", None),
            ("", None),
        ] {
            let read = Buckets::try_from(text.to_owned()).ok();
            assert_eq!(
                read.map(|buckets| (buckets.begin, buckets.end)),
                expected,
                "{text}"
            );
        }
    }
}
