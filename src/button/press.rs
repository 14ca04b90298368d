//! From the changes of a push button's contact to presses, short and long. Pure: time comes with the changes.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::time::Duration;

/// A shorter contact is a spark, not a finger: the kernel debounces, but a long wire catches more than bounces.
const SHORTEST: Duration = Duration::from_millis(30);

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Pressed and let go; told when it is let go.
    Short,
    /// Held; told when it has been held long enough, once.
    Long,
}

/// Follows one button.
pub struct Presses {
    long_press: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Since when.
    Closed(Duration),
    /// Closed, and everything about it said; or closed from the start, which is no press: a stuck button must not switch anything off.
    Done,
}

impl Presses {
    /// From a button that is `closed` now.
    pub fn new(long_press: Duration, closed: bool) -> Self {
        Self { long_press, state: if closed { State::Done } else { State::Open } }
    }

    /// The contact is `closed` since `at`. A change that is none (of two, one was missed) keeps what was.
    pub fn change(&mut self, closed: bool, at: Duration) -> Option<Press> {
        match (self.state, closed) {
            (State::Open, true) => {
                self.state = State::Closed(at);
                None
            }
            (State::Closed(since), false) => {
                self.state = State::Open;
                let held = at.saturating_sub(since);
                if held >= self.long_press { Some(Press::Long) } else { (held >= SHORTEST).then_some(Press::Short) }
            }
            (State::Done, false) => {
                self.state = State::Open;
                None
            }
            (State::Open, false) | (State::Closed(_) | State::Done, true) => None,
        }
    }

    /// Time goes on: a button that is held becomes a long press without a change.
    pub fn wait(&mut self, now: Duration) -> Option<Press> {
        let State::Closed(since) = self.state else { return None };
        if now.saturating_sub(since) < self.long_press {
            return None;
        }
        self.state = State::Done;
        Some(Press::Long)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn open() -> Presses {
        Presses::new(ms(3000), false)
    }

    #[test]
    fn pressed_and_let_go_is_a_short_press() {
        let mut button = open();
        assert_eq!(button.change(true, ms(1000)), None);
        assert_eq!(button.wait(ms(1100)), None);
        assert_eq!(button.change(false, ms(1200)), Some(Press::Short));
        assert_eq!(button.wait(ms(9000)), None);
    }

    #[test]
    fn held_for_three_seconds_is_a_long_press_told_once_while_it_is_held() {
        let mut button = open();
        button.change(true, ms(1000));
        assert_eq!(button.wait(ms(3999)), None);
        assert_eq!(button.wait(ms(4000)), Some(Press::Long));
        assert_eq!(button.wait(ms(8000)), None);
        assert_eq!(button.change(false, ms(9000)), None);
        button.change(true, ms(10_000));
        assert_eq!(button.change(false, ms(10_200)), Some(Press::Short));
    }

    #[test]
    fn a_long_press_counts_even_if_nobody_looked_meanwhile() {
        let mut button = open();
        button.change(true, ms(0));
        assert_eq!(button.change(false, ms(3000)), Some(Press::Long));
    }

    #[test]
    fn bounces_and_sparks_are_no_presses() {
        let mut button = open();
        let mut heard = Vec::new();
        // Down with two bounces, up with two bounces, and a spark.
        for (closed, at) in [
            (true, 0),
            (false, 2),
            (true, 4),
            (false, 5),
            (true, 7),
            (false, 207),
            (true, 209),
            (false, 210),
            (true, 500),
            (false, 529),
        ] {
            heard.extend(button.change(closed, ms(at)));
        }
        assert_eq!(heard, [Press::Short]);
    }

    #[test]
    fn a_button_that_is_held_at_the_start_does_nothing_until_it_was_let_go() {
        let mut button = Presses::new(ms(3000), true);
        assert_eq!(button.wait(ms(60_000)), None);
        assert_eq!(button.change(false, ms(60_001)), None);
        button.change(true, ms(61_000));
        assert_eq!(button.change(false, ms(61_100)), Some(Press::Short));
    }

    #[test]
    fn a_change_that_was_missed_does_not_confuse() {
        let mut button = open();
        button.change(true, ms(0));
        // The release between the two was lost.
        assert_eq!(button.change(true, ms(100)), None);
        assert_eq!(button.change(false, ms(200)), Some(Press::Short));
        assert_eq!(button.change(false, ms(300)), None);
    }
}
