//! Spans of time that can be added up: how many fell into which bin. Two
//! histograms are merged by adding their bins, in any order, so that the figures
//! of a year come from those of its days.
//!
//! Below 64 seconds every second has a bin of its own; above, each doubling has
//! 32. A bin is at most 1/32 as wide as its lower end, and a quantile names its
//! middle: it is off by at most 1/64, 1.6 percent, and half a second for its rounding.
//! Count and mean are exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bins per doubling, as a power of two.
const SHIFT: u32 = 5;
/// Up to here (exclusive) bins are one second wide.
const EXACT: u64 = 2 << SHIFT;

/// A histogram of whole seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Histogram {
    #[serde(rename = "s", default, skip_serializing_if = "is_zero")]
    sum: u64,
    #[serde(rename = "b", default, skip_serializing_if = "BTreeMap::is_empty")]
    bins: BTreeMap<u32, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn bin_of(seconds: u64) -> u32 {
    if seconds < EXACT {
        return u32::try_from(seconds).unwrap_or_default();
    }
    let doublings = seconds.ilog2() - SHIFT;
    let within = u32::try_from((seconds >> doublings) & ((1 << SHIFT) - 1)).unwrap_or_default();
    (doublings << SHIFT) + (1 << SHIFT) + within
}

/// First second of a bin, and how many it holds.
fn edges(bin: u32) -> (u64, u64) {
    if u64::from(bin) < EXACT {
        return (u64::from(bin), 1);
    }
    let doublings = (bin >> SHIFT) - 1;
    let within = u64::from(bin & ((1 << SHIFT) - 1));
    (((1 << SHIFT) + within) << doublings, 1 << doublings)
}

impl Histogram {
    /// One more span; less than none counts as none.
    pub fn add(&mut self, seconds: i64) {
        // Nothing of a visit lasts a thousand years; a clock that jumped might.
        let seconds = u64::try_from(seconds).unwrap_or_default().min(1 << 35);
        self.sum += seconds;
        *self.bins.entry(bin_of(seconds)).or_default() += 1;
    }

    /// With everything of another one.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        for (bin, count) in &other.bins {
            *self.bins.entry(*bin).or_default() += count;
        }
    }

    /// True when nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    /// How many spans.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.bins.values().sum()
    }

    /// Seconds of all together.
    #[must_use]
    pub const fn sum(&self) -> u64 {
        self.sum
    }

    /// The mean in seconds; none of nothing.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum as f64 / count as f64)
    }

    /// The span at or below which the given share (0 to 1) lies, by the nearest
    /// rank; none of nothing.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let count = self.count();
        let rank = ((share * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        self.bins.iter().find_map(|(bin, n)| {
            seen += n;
            let (first, width) = edges(*bin);
            (seen >= rank).then_some(first + (width - 1) / 2)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(all: &[i64]) -> Histogram {
        let mut histogram = Histogram::default();
        all.iter().for_each(|seconds| histogram.add(*seconds));
        histogram
    }

    fn spans() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(prop_oneof![0i64..120, 0i64..7_200, 0i64..10_000_000], 1..200)
    }

    proptest! {
        #[test]
        fn every_second_lies_in_its_bin(seconds in 0u64..(1 << 35)) {
            let (first, width) = edges(bin_of(seconds));
            prop_assert!(first <= seconds && seconds < first + width);
            prop_assert!(width == 1 || width * 32 <= first);
        }

        #[test]
        fn bins_keep_the_order(a in 0u64..(1 << 35), b in 0u64..(1 << 35)) {
            prop_assert_eq!(a <= b, bin_of(a) <= bin_of(b) && (bin_of(a) < bin_of(b) || a <= b));
        }

        #[test]
        fn merging_is_adding_everything(all in spans(), cut in 0usize..200) {
            let (left, right) = all.split_at(cut.min(all.len()));
            let (mut forth, mut back) = (of(left), of(right));
            forth.merge(&of(right));
            back.merge(&of(left));
            prop_assert_eq!(&forth, &of(&all));
            prop_assert_eq!(&back, &forth);
        }

        #[test]
        fn it_survives_the_store(all in spans()) {
            let text = serde_json::to_string(&of(&all)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), of(&all));
        }

        #[test]
        fn count_and_mean_are_exact_and_quantiles_nearly(mut all in spans(), share in 0.01f64..1.0) {
            let histogram = of(&all);
            all.sort_unstable();
            prop_assert_eq!(histogram.count(), all.len() as u64);
            prop_assert_eq!(histogram.sum(), all.iter().sum::<i64>() as u64);
            let rank = (share * all.len() as f64).ceil() as usize;
            let exact = all[rank.clamp(1, all.len()) - 1] as f64;
            let found = histogram.quantile(share).unwrap() as f64;
            prop_assert!((found - exact).abs() <= exact / 64.0 + 0.5, "{} for {}", found, exact);
        }
    }

    #[test]
    fn nothing_has_no_quantile_and_a_step_back_is_no_time() {
        assert_eq!((of(&[]).quantile(0.5), of(&[]).mean()), (None, None));
        assert_eq!((of(&[-5]).quantile(0.5), of(&[-5]).sum()), (Some(0), 0));
    }
}
