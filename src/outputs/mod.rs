//! What people get: a picture on a display, a light, numbers. Each kind is an [`Output`].

use anyhow::Result;

use crate::tracker::Observation;

/// What there is to show.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// Nothing has been seen yet.
    Starting,
    /// The camera works; these are the faces, perhaps none.
    Watching(&'a Observation),
    /// No picture for 2 s, or no camera: a picture of before would be a lie.
    CameraLost {
        /// Why, in one line.
        reason: &'a str,
    },
}

/// Somewhere the result goes: a display, LEDs, statistics.
///
/// Dropping an output leaves it dark: LEDs off, screen cleared, the partial minute written.
pub trait Output {
    /// What this is, for the log: `LEDs on /dev/gpiochip0`.
    fn name(&self) -> &str;

    /// Shows `view`; called for every frame that was looked at, once when the camera is lost, and then once a second until it is back.
    /// Must return within a few milliseconds.
    ///
    /// # Errors
    /// A failure is logged once, when it begins, and never stops the other outputs; the next call tries again.
    fn show(&mut self, view: View<'_>) -> Result<()>;
}
