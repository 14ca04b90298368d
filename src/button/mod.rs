//! A push button and a privacy switch at input lines, each followed by a thread of its own for as long as the service runs.
//!
//! A short press of the button begins or ends a pause, a long one shuts the device down if the owner allows it. The privacy switch must be closed for the
//! camera to be opened: open, unreadable, torn off or not there all mean a pause.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::thread::Scope;
use std::time::Duration;

use anyhow::Result;
use log::{info, warn};

use crate::config::{ButtonConfig, PrivacySwitchConfig};
use crate::frame::monotonic_now;
use crate::gpio::{Chip, InputLine, LineError};
use crate::pause::Pause;
use crate::stop::{NAP, Stop};
use crate::worker::Workers;

mod power;
pub mod press;

use press::{Press, Presses};

/// How long a line that failed is left alone.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A contact that is open or closed.
pub trait Contact {
    /// Whether it is closed.
    ///
    /// # Errors
    /// If it cannot be told.
    fn is_closed(&mut self) -> Result<bool, LineError>;

    /// Waits for the next change, `timeout` at most: whether it is closed now, and since when, on the clock of [`monotonic_now`].
    ///
    /// # Errors
    /// If it cannot be told any more.
    fn next_change(&mut self, timeout: Duration) -> Result<Option<(bool, Duration)>, LineError>;
}

impl Contact for InputLine {
    fn is_closed(&mut self) -> Result<bool, LineError> {
        Self::is_closed(self)
    }

    fn next_change(&mut self, timeout: Duration) -> Result<Option<(bool, Duration)>, LineError> {
        self.next_edge(timeout)
    }
}

/// The line of the button.
///
/// # Errors
/// If it cannot be had; the message names chip, line and user.
pub fn open_button(config: &ButtonConfig) -> Result<InputLine> {
    Chip::open(&config.chip)?.input(&config.line, config.active_low, "[button] line")
}

/// The line of the privacy switch.
///
/// # Errors
/// As [`open_button`].
pub fn open_switch(config: &PrivacySwitchConfig) -> Result<InputLine> {
    Chip::open(&config.chip)?.input(&config.line, config.active_low, "[privacy_switch] line")
}

/// Follows the button and the switch that are configured, in threads of `scope`, until `stop`. With a switch there is a pause from now on until the
/// switch says otherwise; without one, what an earlier one said is forgotten.
///
/// # Errors
/// If there can be no thread.
pub fn follow<'scope>(
    scope: &'scope Scope<'scope, '_>,
    button: &'scope ButtonConfig,
    switch: &'scope PrivacySwitchConfig,
    pause: &'scope Pause,
    stop: &'scope Stop,
    workers: &Workers,
) -> std::io::Result<()> {
    pause.set_switch(switch.line.is_some());
    if switch.line.is_some() {
        let follow = move || follow_switch(|| open_switch(switch), pause, RETRY_AFTER, stop);
        workers.start_scoped(scope, "privacy switch", follow)?;
    }
    if button.line.is_some() {
        let press = |press| act(press, button, pause);
        let follow = move || follow_button(|| open_button(button), button.long_press(), press, RETRY_AFTER, stop);
        workers.start_scoped(scope, "button", follow)?;
    }
    Ok(())
}

/// What a press does.
fn act(press: Press, config: &ButtonConfig, pause: &Pause) {
    match press {
        Press::Short => pause.toggle(),
        Press::Long if config.shutdown => {
            info!("the button was held: the device shuts down");
            if let Err(error) = power::off() {
                warn!("the device does not shut down: {error:#}");
            }
        }
        Press::Long => info!("the button was held; [button] shutdown = true would shut the device down"),
    }
}

/// Tells every press until `stop`. A line that fails is opened again.
pub fn follow_button<C: Contact>(
    mut open: impl FnMut() -> Result<C>,
    long_press: Duration,
    mut tell: impl FnMut(Press),
    retry_after: Duration,
    stop: &Stop,
) {
    let mut said = String::new();
    while !stop.is_asked() {
        let followed = open().and_then(|mut contact| listen(&mut contact, long_press, &mut tell, || stop.is_asked()));
        if let Err(error) = followed {
            say_once(&mut said, format!("the button does not work: {error:#}"));
            stop.sleep(retry_after);
        }
    }
}

/// Tells every press until `end`.
///
/// # Errors
/// If the line fails.
pub fn listen(
    contact: &mut impl Contact,
    long_press: Duration,
    mut tell: impl FnMut(Press),
    end: impl Fn() -> bool,
) -> Result<()> {
    let mut presses = Presses::new(long_press, contact.is_closed()?);
    while !end() {
        let press = match contact.next_change(NAP)? {
            Some((closed, at)) => presses.change(closed, at),
            None => presses.wait(monotonic_now()),
        };
        if let Some(press) = press {
            tell(press);
        }
    }
    Ok(())
}

/// Keeps the pause as the switch says until `stop`. Before it has been read, and as soon as it cannot be read, there is a pause.
pub fn follow_switch<C: Contact>(mut open: impl FnMut() -> Result<C>, pause: &Pause, retry_after: Duration, stop: &Stop) {
    let mut follow = || -> Result<()> {
        let mut contact = open()?;
        // Asked again and again: an edge can be missed, a level cannot.
        while !stop.is_asked() {
            pause.set_switch(!contact.is_closed()?);
            // The kernel's edges only make it quicker.
            contact.next_change(NAP)?;
        }
        Ok(())
    };
    let mut said = String::new();
    while !stop.is_asked() {
        if let Err(error) = follow() {
            pause.set_switch(true);
            say_once(&mut said, format!("the privacy switch cannot be read, so the camera stays closed: {error:#}"));
            stop.sleep(retry_after);
        }
    }
}

/// Logs what is not what was said last.
fn say_once(said: &mut String, message: String) {
    if *said != message {
        warn!("{message}; it is tried again and again");
        *said = message;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// What a contact will say, reading after reading; at the end of the script everything stops.
    struct Script<'a> {
        levels: std::vec::IntoIter<Option<bool>>,
        changes: std::vec::IntoIter<Option<(bool, u64)>>,
        stop: &'a Stop,
        seen: &'a dyn Fn(),
    }

    fn gone() -> LineError {
        gpiocdev::Error::InvalidArgument("the chip is gone".into()).into()
    }

    impl Contact for Script<'_> {
        fn is_closed(&mut self) -> Result<bool, LineError> {
            (self.seen)();
            match self.levels.next() {
                Some(level) => level.ok_or_else(gone),
                None => {
                    self.stop.ask();
                    Ok(false)
                }
            }
        }

        fn next_change(&mut self, _: Duration) -> Result<Option<(bool, Duration)>, LineError> {
            match self.changes.next() {
                Some(Some((closed, milliseconds))) => Ok(Some((closed, Duration::from_millis(milliseconds)))),
                Some(None) => Err(gone()),
                None => {
                    if self.levels.len() == 0 {
                        self.stop.ask();
                    }
                    Ok(None)
                }
            }
        }
    }

    #[test]
    fn a_button_tells_its_presses_and_is_opened_again_after_its_line_has_vanished() {
        let stop = Stop::default();
        let mut openings = 0;
        let open = || {
            openings += 1;
            anyhow::ensure!(openings > 1, "no chip");
            let changes = vec![Some((true, 0)), Some((false, 100)), Some((true, 1000)), Some((false, 4000))];
            Ok(Script { levels: vec![Some(false)].into_iter(), changes: changes.into_iter(), stop: &stop, seen: &|| () })
        };
        let mut heard = Vec::new();
        follow_button(open, Duration::from_secs(3), |press| heard.push(press), Duration::ZERO, &stop);
        assert_eq!(heard, [Press::Short, Press::Long]);
        assert_eq!(openings, 2);
    }

    #[test]
    fn a_privacy_switch_pauses_while_it_is_open_and_when_its_line_vanishes() {
        let (pause, stop, seen) = (Pause::default(), Stop::default(), Mutex::new(Vec::new()));
        pause.set_switch(true);
        // What the pause was before each reading.
        let note = || seen.lock().unwrap().push(pause.is_on());
        let mut openings = 0;
        let open = || {
            openings += 1;
            if openings == 2 {
                note();
                stop.ask();
            }
            anyhow::ensure!(openings == 1, "no chip");
            let levels = vec![Some(true), Some(true), Some(false), Some(true), None];
            Ok(Script { levels: levels.into_iter(), changes: vec![].into_iter(), stop: &stop, seen: &note })
        };
        follow_switch(open, &pause, Duration::ZERO, &stop);
        // Before the first reading; closed, closed, open, closed; after the line has vanished.
        assert_eq!(*seen.lock().unwrap(), [true, false, false, true, false, true]);
    }

    #[test]
    fn a_short_press_toggles_the_pause_and_a_long_one_does_nothing_unless_it_may() {
        let (pause, config) = (Pause::default(), ButtonConfig::default());
        act(Press::Short, &config, &pause);
        assert!(pause.is_on());
        act(Press::Long, &config, &pause);
        assert!(pause.is_on());
        act(Press::Short, &config, &pause);
        assert!(!pause.is_on());
    }
}
