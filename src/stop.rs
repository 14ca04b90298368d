//! The wish to stop, shared by everything that waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The longest that anything waits without looking at the wish.
pub const NAP: Duration = Duration::from_millis(100);

/// A flag that is set once. Copies share it.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks everything to stop.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether everything is to stop.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps, but at most a [`NAP`] longer than until the wish.
    pub fn sleep(&self, duration: Duration) {
        let until = Instant::now() + duration;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_asked() {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }

    /// The flag itself, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeper_wakes_soon_after_the_wish() {
        let stop = Stop::default();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| stop.sleep(Duration::from_secs(60)));
            stop.ask();
            let asked = Instant::now();
            sleeper.join().unwrap();
            assert!(asked.elapsed() < 3 * NAP, "{:?}", asked.elapsed());
        });
    }
}
