//! A classifier's figures: confusion matrix, accuracy, precision, recall, F1.

use serde::Serialize;

use crate::classifier::Emotion;

/// How often a true class was given which answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Confusion([[u32; 7]; 7]);

/// One line of the classification report.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ClassReport {
    /// Share of the answers "this class" that were right, 0 to 1; 0 if it was never answered.
    pub precision: f64,
    /// Share of this class that was answered rightly, 0 to 1; 0 if there was none.
    pub recall: f64,
    /// Harmonic mean of the two; 0 if both are.
    pub f1: f64,
    /// How many there were.
    pub support: u32,
}

impl ClassReport {
    /// Of `support` cases and `answered` answers, `right` were right.
    pub fn from_counts(right: u32, answered: u32, support: u32) -> Self {
        // 2PR / (P + R) = 2 right / (answered + support)
        Self {
            precision: share(right, answered),
            recall: share(right, support),
            f1: share(2 * right, answered + support),
            support,
        }
    }
}

impl Confusion {
    /// Counts one answer.
    pub fn add(&mut self, truth: Emotion, answer: Emotion) {
        self.0[truth as usize][answer as usize] += 1;
    }

    /// How often `truth` was answered by `answer`.
    pub fn count(&self, truth: Emotion, answer: Emotion) -> u32 {
        self.0[truth as usize][answer as usize]
    }

    /// How many answers there are.
    pub fn total(&self) -> u32 {
        self.0.iter().flatten().sum()
    }

    /// Share of right answers, 0 to 1; 0 if there are none.
    pub fn accuracy(&self) -> f64 {
        let right = Emotion::ALL.map(|emotion| self.count(emotion, emotion)).iter().sum();
        share(right, self.total())
    }

    /// How many there were of one class.
    pub fn support(&self, truth: Emotion) -> u32 {
        self.0[truth as usize].iter().sum()
    }

    /// The report for one class.
    pub fn class(&self, emotion: Emotion) -> ClassReport {
        let right = self.count(emotion, emotion);
        let answered = Emotion::ALL.iter().map(|&truth| self.count(truth, emotion)).sum();
        ClassReport::from_counts(right, answered, self.support(emotion))
    }

    /// The mean F1 of the classes that occur.
    pub fn macro_f1(&self) -> f64 {
        let reports = Emotion::ALL.map(|emotion| self.class(emotion));
        let present = reports.iter().filter(|report| report.support > 0);
        present.clone().map(|report| report.f1).sum::<f64>() / present.count().max(1) as f64
    }
}

fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_agree_with_those_computed_by_hand() {
        let mut confusion = Confusion::default();
        // Happy: 3 of 4 right, one taken for sad. Sad: 1 of 2 right, one taken for happy.
        for (truth, answer, times) in [
            (Emotion::Happy, Emotion::Happy, 3),
            (Emotion::Happy, Emotion::Sad, 1),
            (Emotion::Sad, Emotion::Sad, 1),
            (Emotion::Sad, Emotion::Happy, 1),
        ] {
            (0..times).for_each(|_| confusion.add(truth, answer));
        }
        assert_eq!(confusion.accuracy(), 4.0 / 6.0);
        assert_eq!(confusion.class(Emotion::Happy), ClassReport { precision: 0.75, recall: 0.75, f1: 0.75, support: 4 });
        assert_eq!(confusion.class(Emotion::Sad), ClassReport { precision: 0.5, recall: 0.5, f1: 0.5, support: 2 });
        assert_eq!(confusion.macro_f1(), 0.625);
        assert_eq!(confusion.class(Emotion::Fear), ClassReport { precision: 0.0, recall: 0.0, f1: 0.0, support: 0 });
    }
}
