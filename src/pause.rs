//! The wish for a pause, shared by everything that can ask for one and by the thread that has the camera open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// While it is on, the camera is closed and nothing is looked at. Copies share it.
///
/// There are two wishes, and one is enough: what people ask for (a button, a command), and what a privacy switch says, which nobody can overrule.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<Wishes>);

#[derive(Debug, Default)]
struct Wishes {
    asked: AtomicBool,
    switched: AtomicBool,
}

impl Pause {
    /// Asks for a pause, or for its end.
    pub fn ask(&self, wanted: bool) {
        self.0.asked.store(wanted, Ordering::Relaxed);
    }

    /// Asks for the opposite of what was asked for last.
    pub fn toggle(&self) {
        self.0.asked.fetch_xor(true, Ordering::Relaxed);
    }

    /// Says what the privacy switch says; whoever reads one says true before anything has been read.
    pub fn set_switch(&self, private: bool) {
        self.0.switched.store(private, Ordering::Relaxed);
    }

    /// Whether anybody wants a pause.
    pub fn is_on(&self) -> bool {
        self.reason().is_some()
    }

    /// Who wants it, for people; none if it is off.
    pub fn reason(&self) -> Option<&'static str> {
        if self.0.switched.load(Ordering::Relaxed) {
            Some("the privacy switch is open or cannot be read")
        } else if self.0.asked.load(Ordering::Relaxed) {
            Some("asked for")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privacy_switch_cannot_be_overruled_by_a_button() {
        let pause = Pause::default();
        pause.set_switch(true);
        pause.toggle();
        pause.toggle();
        assert_eq!(pause.reason(), Some("the privacy switch is open or cannot be read"));
        pause.set_switch(false);
        assert!(!pause.is_on());
    }

    #[test]
    fn every_copy_sees_the_wish_and_the_next_press_takes_it_back() {
        let pause = Pause::default();
        pause.clone().toggle();
        assert_eq!(pause.reason(), Some("asked for"));
        pause.clone().toggle();
        assert!(!pause.is_on());
    }
}
