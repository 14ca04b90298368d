//! Whether probabilities mean something: the expected calibration error and the bins of the reliability diagram.

use serde::{Serialize, Serializer};

/// Answers sorted by their confidence into 15 bins of equal width (Guo et al. 2017, "On Calibration of Modern Neural Networks"; the same
/// definition as `models/training/metrics.py`). Bin `i` holds confidences from i/15 on, below (i+1)/15; the last one also holds 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration([Sums; BINS]);

/// How many bins there are.
pub const BINS: usize = 15;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Sums {
    answers: u32,
    right: u32,
    confidence: f64,
}

/// One bar of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// The least confidence of the bin, 0 to 1.
    pub from: f64,
    /// The confidence at which the next bin begins.
    pub to: f64,
    /// How many answers had a confidence in between.
    pub answers: u32,
    /// Their mean confidence and the share of them that were right, both 0 to 1; none for an empty bin.
    #[serde(flatten)]
    pub means: Option<Means>,
}

/// What a bin's answers promised, and what they held.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Means {
    /// Mean confidence, 0 to 1.
    pub confidence: f64,
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
}

impl Calibration {
    /// Counts one answer. `confidence` is the probability of the answered class, 0 to 1.
    pub fn add(&mut self, confidence: f32, right: bool) {
        let bin = &mut self.0[((confidence * BINS as f32) as usize).min(BINS - 1)];
        bin.answers += 1;
        bin.right += u32::from(right);
        bin.confidence += f64::from(confidence);
    }

    /// The expected calibration error, 0 to 1: by how much confidence and accuracy differ in a bin, on average over the answers; 0 if there are none.
    pub fn error(&self) -> f64 {
        let total: u32 = self.0.iter().map(|bin| bin.answers).sum();
        let distance: f64 = self.0.iter().map(|bin| (f64::from(bin.right) - bin.confidence).abs()).sum();
        distance / f64::from(total.max(1))
    }

    /// The bins from confidence 0 to 1, empty ones too.
    pub fn bins(&self) -> [Bin; BINS] {
        std::array::from_fn(|index| {
            let Sums { answers, right, confidence } = self.0[index];
            let mean = |sum: f64| sum / f64::from(answers);
            Bin {
                from: index as f64 / BINS as f64,
                to: (index + 1) as f64 / BINS as f64,
                answers,
                means: (answers > 0).then(|| Means { confidence: mean(confidence), accuracy: mean(right.into()) }),
            }
        })
    }
}

/// As the list of its bins.
impl Serialize for Calibration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bins().serialize(serializer)
    }
}

/// Between which values, 0 to 1, the true share lies with 95 % certainty when `share` of `total` answers were right (Wilson 1927, the score interval).
/// 0 to 1 if there were none.
pub fn wilson_interval(share: f64, total: u32) -> (f64, f64) {
    /// The standard normal distribution has 95 % within ± this.
    const Z: f64 = 1.96;
    if total == 0 {
        return (0.0, 1.0);
    }
    let n = f64::from(total);
    let middle = share + Z * Z / (2.0 * n);
    let reach = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let widen = 1.0 + Z * Z / n;
    (((middle - reach) / widen).max(0.0), ((middle + reach) / widen).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_answers_by_pencil() {
        let mut calibration = Calibration::default();
        // Bin 3 (0.2 to 0.267): 0.25 twice, one right. Bin 14: 0.95 right, 1 wrong.
        for (confidence, right) in [(0.25, true), (0.25, false), (0.95, true), (1.0, false)] {
            calibration.add(confidence, right);
        }
        // Half of the answers are off by 0.5 − 0.25, half by 0.975 − 0.5.
        assert!((calibration.error() - (0.5 * 0.25 + 0.5 * 0.475)).abs() < 1e-6);
        let bins = calibration.bins();
        assert_eq!((bins[3].from, bins[3].to, bins[3].answers), (0.2, 4.0 / 15.0, 2));
        assert_eq!(bins[3].means, Some(Means { confidence: 0.25, accuracy: 0.5 }));
        assert_eq!((bins[14].answers, bins[14].means.unwrap().accuracy), (2, 0.5));
        assert_eq!(bins.iter().map(|bin| bin.answers).sum::<u32>(), 4);
    }

    #[test]
    fn sure_answers_of_which_a_quarter_are_wrong_are_off_by_a_quarter() {
        // The example of models/training/tests.
        let mut calibration = Calibration::default();
        [true, false, true, true].iter().for_each(|right| calibration.add(1.0, *right));
        assert_eq!(calibration.error(), 0.25);
    }

    #[test]
    fn without_answers_there_is_no_error_and_every_bin_is_empty() {
        let nothing = Calibration::default();
        assert_eq!(nothing.error(), 0.0);
        assert!(nothing.bins().iter().all(|bin| bin.means.is_none()));
        assert_eq!(
            serde_json::to_value(nothing.bins()[0]).unwrap(),
            serde_json::json!({"from": 0.0, "to": 1.0 / 15.0, "answers": 0})
        );
    }

    #[test]
    fn the_interval_is_wilson_s() {
        // Newcombe 1998, table I, gives 0.2553 to 0.3662 for 81 of 263 by this method.
        let (low, high) = wilson_interval(81.0 / 263.0, 263);
        assert!((low - 0.2553).abs() < 5e-5 && (high - 0.3662).abs() < 5e-5, "{low} to {high}");
        let (low, high) = wilson_interval(0.5, 100);
        assert!((low - 0.404).abs() < 1e-3 && (high - 0.596).abs() < 1e-3, "{low} to {high}");
        assert_eq!(wilson_interval(0.0, 0), (0.0, 1.0));
    }
}
