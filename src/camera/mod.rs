//! Where pictures come from: a camera, a recording or a drawn face, each behind [`FrameSource`].

pub mod puppet;

use anyhow::Result;

use crate::frame::Frame;

/// A source of grey pictures.
///
/// Any error means: drop the source, wait, open it again. One place (`daemon`) does that.
pub trait FrameSource: Send {
    /// What this is, for people, in a few words: `USB camera "C920" (/dev/video0), 640×480 YUYV at 15 frames/s`.
    fn description(&self) -> &str;

    /// Waits for the next picture and writes it into `frame` (image, sequence, captured_at), reusing its buffer. `false` means that a recording
    /// has ended.
    ///
    /// # Errors
    /// If the camera is gone, faulty or silent for the source's timeout (2 s at most). The source is of no use after that.
    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool>;

    /// True for a recording that is played as fast as it is looked at: no picture may be dropped.
    fn waits_for_reader(&self) -> bool {
        false
    }
}
