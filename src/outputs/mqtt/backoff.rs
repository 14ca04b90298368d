//! How long to leave a broker alone that is not there.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The first wait is at most so long.
const FIRST: Duration = Duration::from_secs(2);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(60);

/// Doubles with every failure. Each wait is drawn from the upper half of its length: the devices of a house that was without current do not come back all
/// in the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    at_most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { at_most: FIRST }
    }
}

impl Backoff {
    /// The next wait; `share`, 0 to 1, is the draw.
    pub(super) fn next(&mut self, share: f64) -> Duration {
        let at_most = self.at_most;
        self.at_most = (2 * at_most).min(LONGEST);
        at_most.mul_f64(0.5 + 0.5 * share)
    }
}

/// A number from 0 to 1, another one each time and on each device. Not for secrets.
pub(super) fn draw() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_one_second_to_sixty_and_are_never_outside() {
        let seconds = |share| {
            let mut backoff = Backoff::default();
            std::array::from_fn::<_, 7, _>(|_| backoff.next(share).as_secs_f64())
        };
        assert_eq!(seconds(0.0), [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]);
        assert_eq!(seconds(1.0), [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]);
    }

    #[test]
    fn draws_are_spread_over_the_whole_range() {
        let mut quarters = [0; 4];
        for _ in 0..400 {
            quarters[((draw() * 4.0) as usize).min(3)] += 1;
        }
        // 100 are expected in each; fewer than 50 come once in 10^8 times.
        assert!(quarters.iter().all(|count| *count > 50), "{quarters:?}");
    }
}
