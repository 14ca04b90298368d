//! The privacy light: lit exactly while a camera is open.
//!
//! It is lit before the camera is opened and put out after it is closed, by the thread that does both. One that cannot be lit keeps the camera closed: who relies
//! on it must not be watched in the dark.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, anyhow};
use embedded_hal::digital::OutputPin;

use crate::camera::FrameSource;
use crate::config::LedsConfig;
use crate::frame::Frame;
use crate::gpio::{Chip, OutputLine};

/// The configured light, which is dark.
///
/// # Errors
/// If the line cannot be had; the message names chip, line and user.
pub fn open(config: &LedsConfig) -> Result<OutputLine> {
    Chip::open(&config.chip)?.output(&config.privacy_line, false, "[leds] privacy_line")
}

/// Opens sources under a light. The line is looked for at the first opening, and again after it failed.
pub struct PrivacyLight<P, O> {
    open: O,
    pin: Arc<Mutex<Option<P>>>,
}

impl<P: OutputPin + Send + 'static, O: FnMut() -> Result<P>> PrivacyLight<P, O> {
    /// `open` gives the line, low.
    pub fn new(open: O) -> Self {
        Self { open, pin: Arc::default() }
    }

    /// Lights the light and calls `open_source`; the light goes out when the source is dropped, or at once if there is none.
    ///
    /// # Errors
    /// That of `open_source`, or that the light cannot be lit: then there is no source.
    pub fn under_light(&mut self, open_source: impl FnOnce() -> Result<Box<dyn FrameSource>>) -> Result<Box<dyn FrameSource>> {
        self.light().context("the privacy light cannot be lit, so the camera stays closed")?;
        let light = LitLight(Arc::clone(&self.pin));
        let source = open_source()?;
        Ok(Box::new(LitSource { source, _light: light }))
    }

    fn light(&mut self) -> Result<()> {
        let mut pin = lock(&self.pin);
        if pin.is_none() {
            *pin = Some((self.open)()?);
        }
        if let Some(Err(error)) = pin.as_mut().map(OutputPin::set_high) {
            *pin = None;
            return Err(anyhow!("{error:?}"));
        }
        Ok(())
    }
}

/// Puts the light out when dropped.
struct LitLight<P: OutputPin>(Arc<Mutex<Option<P>>>);

impl<P: OutputPin> Drop for LitLight<P> {
    fn drop(&mut self) {
        let mut pin = lock(&self.0);
        if let Some(Err(_)) = pin.as_mut().map(OutputPin::set_low) {
            *pin = None;
        }
    }
}

/// A source with its light. The order of the fields matters: the source is dropped, and with it the camera closed, before the light goes out.
struct LitSource<P: OutputPin> {
    source: Box<dyn FrameSource>,
    _light: LitLight<P>,
}

impl<P: OutputPin + Send> FrameSource for LitSource<P> {
    fn description(&self) -> &str {
        self.source.description()
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        self.source.next_frame(frame)
    }

    fn waits_for_reader(&self) -> bool {
        self.source.waits_for_reader()
    }
}

fn lock<P>(pin: &Mutex<Option<P>>) -> MutexGuard<'_, Option<P>> {
    pin.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use anyhow::bail;
    use embedded_hal::digital::{ErrorKind, ErrorType};

    use super::*;

    type Tape = Arc<Mutex<Vec<&'static str>>>;

    struct Pin(Tape);

    impl ErrorType for Pin {
        type Error = ErrorKind;
    }

    impl OutputPin for Pin {
        fn set_low(&mut self) -> Result<(), ErrorKind> {
            self.0.lock().unwrap().push("dark");
            Ok(())
        }

        fn set_high(&mut self) -> Result<(), ErrorKind> {
            self.0.lock().unwrap().push("lit");
            Ok(())
        }
    }

    struct Camera(Tape);

    impl FrameSource for Camera {
        fn description(&self) -> &str {
            "a camera"
        }

        fn next_frame(&mut self, _: &mut Frame) -> Result<bool> {
            Ok(true)
        }
    }

    impl Drop for Camera {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("closed");
        }
    }

    fn open_camera(tape: &Tape) -> Result<Box<dyn FrameSource>> {
        tape.lock().unwrap().push("opened");
        Ok(Box::new(Camera(Arc::clone(tape))))
    }

    #[test]
    fn the_light_is_lit_before_the_camera_opens_and_goes_out_after_it_has_closed() {
        let tape = Tape::default();
        let mut light = PrivacyLight::new(|| Ok(Pin(Arc::clone(&tape))));
        for _ in 0..2 {
            let source = light.under_light(|| open_camera(&tape)).unwrap();
            assert_eq!(source.description(), "a camera");
            drop(source);
            assert_eq!(std::mem::take(&mut *tape.lock().unwrap()), ["lit", "opened", "closed", "dark"]);
        }
    }

    #[test]
    fn a_camera_that_does_not_open_leaves_no_light() {
        let tape = Tape::default();
        let mut light = PrivacyLight::new(|| Ok(Pin(Arc::clone(&tape))));
        assert_eq!(light.under_light(|| bail!("busy")).err().unwrap().to_string(), "busy");
        assert_eq!(*tape.lock().unwrap(), ["lit", "dark"]);
    }

    #[test]
    fn without_its_light_a_camera_stays_closed_until_the_light_is_there() {
        let tape = Tape::default();
        let mut in_use = true;
        let mut light = PrivacyLight::new(|| {
            anyhow::ensure!(!std::mem::take(&mut in_use), "line 4 is in use");
            Ok(Pin(Arc::clone(&tape)))
        });
        let error = format!("{:#}", light.under_light(|| open_camera(&tape)).err().unwrap());
        assert_eq!(error, "the privacy light cannot be lit, so the camera stays closed: line 4 is in use");
        assert_eq!(*tape.lock().unwrap(), [""; 0]);
        drop(light.under_light(|| open_camera(&tape)).unwrap());
        assert_eq!(*tape.lock().unwrap(), ["lit", "opened", "closed", "dark"]);
    }
}
