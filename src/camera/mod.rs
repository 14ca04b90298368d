//! Where pictures come from: a camera, a recording or a drawn face, each behind [`FrameSource`].

use std::time::Duration;

use anyhow::Result;

use crate::frame::Frame;

pub mod devices;
pub mod luma;
mod mjpeg;
mod negotiate;
mod opener;
pub mod picture;
mod pipe;
mod recording;
pub mod puppet;
pub mod replay;
pub mod rpicam;
pub mod v4l2;
pub(crate) mod y4m;

pub use opener::{Opener, open};

/// How long a camera may be silent, or give nothing but damaged pictures.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The same for its first picture: a camera has to wake up first, and `rpicam-vid` takes seconds on the smallest boards.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// A source of grey pictures.
///
/// Any error means: drop the source, wait, open it again. One place (`daemon`) does that. Only a recording's errors are final.
pub trait FrameSource: Send {
    /// What this is, for people, in a few words: `USB camera "C920" (/dev/video0), 640×480 YUYV at 15 frames/s`.
    fn description(&self) -> &str;

    /// Waits for the next picture and writes it into `frame` (image, sequence, captured_at), reusing its buffer. `false` means that a recording
    /// has ended.
    ///
    /// # Errors
    /// If the camera is gone, faulty or silent for the source's timeout: 2 s at most, 5 s for the first picture, 10 s for a recording from standard
    /// input. The source is of no use after that.
    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool>;

    /// True for a recording that is played as fast as it is looked at: no picture may be dropped.
    fn waits_for_reader(&self) -> bool {
        false
    }
}
