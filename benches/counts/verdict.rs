//! What a count means beside the one that is stored.

/// Percent of the stored count that make no difference.
const TOLERANCE: u64 = 3;

/// What became of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// About the same.
    Same,
    /// Less: unless the figure is renewed, what was won can be lost again unseen.
    Shrank,
    /// More than is let pass.
    Grew,
    /// There is no figure for it.
    New,
}

impl Verdict {
    pub(crate) fn of(stored: Option<u64>, now: u64) -> Self {
        match stored {
            None => Self::New,
            Some(stored) if now * 100 > stored * (100 + TOLERANCE) => Self::Grew,
            Some(stored) if now * 100 < stored * (100 - TOLERANCE) => Self::Shrank,
            Some(_) => Self::Same,
        }
    }

    /// Whether the stored figures can't stay as they are.
    pub(crate) fn fails(self) -> bool {
        matches!(self, Self::Grew | Self::New)
    }

    /// In words, when there is anything to say.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Same => "",
            Self::Shrank => "shrank, should be renewed",
            Self::Grew => "GREW",
            Self::New => "NEW",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_percent_make_no_difference() {
        for (stored, now, verdict) in [
            (Some(1000), 1000, Verdict::Same),
            (Some(1000), 1030, Verdict::Same),
            (Some(1000), 1031, Verdict::Grew),
            (Some(1000), 970, Verdict::Same),
            (Some(1000), 969, Verdict::Shrank),
            (None, 1, Verdict::New),
        ] {
            assert_eq!(Verdict::of(stored, now), verdict, "{stored:?} and {now}");
        }
    }
}
