//! Which of ten thousand buckets something falls into: the same on every edge, and after every restart.

use twox_hash::XxHash3_64;

/// How many buckets there are; each is a hundredth of a percent.
pub(crate) const BUCKETS: u32 = 10_000;

/// Puts keys into buckets by XXH3 with 64 bits. That has a written specification, so no edge, restart or version moves a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dealer {
    seed: u64,
}

impl Dealer {
    /// `salt` keeps the buckets of one purpose from being those of another.
    pub(crate) fn new(salt: &str) -> Self {
        Self {
            seed: XxHash3_64::oneshot(salt.as_bytes()),
        }
    }

    /// The bucket of a key.
    pub(crate) fn bucket(self, key: &[u8]) -> u32 {
        self.among(key, BUCKETS)
    }

    /// The bucket of a key among so many; 0 when there are none.
    pub(crate) fn among(self, key: &[u8], buckets: u32) -> u32 {
        let hash = XxHash3_64::oneshot_with_seed(self.seed, key);
        // Takes the upper bits, of which none is favoured by more than one in 2³².
        u32::try_from((u128::from(hash) * u128::from(buckets)) >> 64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_bucket_for_ever() {
        // Edges of all versions have to agree, so these never change.
        let keys = [("", ""), ("move", "203.0.113.7"), ("moves", "203.0.113.7")];
        let found = keys.map(|(salt, key)| Dealer::new(salt).bucket(key.as_bytes()));
        assert_eq!(found, [2_546, 868, 31]);
    }

    #[test]
    fn keys_spread_evenly() {
        let dealer = Dealer::new("salt");
        let mut counts = vec![0_u32; BUCKETS as usize];
        for number in 0_u32..1_000_000 {
            counts[dealer.bucket(&number.to_le_bytes()) as usize] += 1;
        }
        let expected = 100.0;
        let chi_squared: f64 = counts
            .iter()
            .map(|&count| (f64::from(count) - expected).powi(2) / expected)
            .sum();
        // 9,999 degrees of freedom: mean 9,999, standard deviation 141.
        assert!((chi_squared - 9_999.0).abs() < 5.0 * 141.4, "{chi_squared}");
    }
}
