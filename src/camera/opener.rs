//! Opens the configured source, again and again if it must be, and explains an automatic choice.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::path::Path;

use anyhow::{Result, anyhow};

use super::FrameSource;
use super::puppet::Puppet;
use super::replay::Replay;
use super::rpicam::{RpicamCamera, list_cameras, program};
use super::v4l2::{Identity, V4l2Camera, find};
use crate::config::{CameraConfig, SourceKind};
use crate::stop::Stop;

/// Opens the configured source. Keep an [`Opener`] instead where the source will be opened again.
///
/// # Errors
/// As [`Opener::open`].
pub fn open(config: &CameraConfig) -> Result<Box<dyn FrameSource>> {
    Opener::new(config.clone(), Stop::default()).open()
}

/// Opens one source, and remembers between two openings which camera it was and what has been said.
///
/// A camera that was not configured by its path is found again under another number, by its name and socket.
pub struct Opener {
    config: CameraConfig,
    previous: Option<Identity>,
    explained: Vec<String>,
    stop: Stop,
}

impl Opener {
    /// Opens nothing yet. What it opens waits for no picture once `stop` is asked for.
    pub fn new(config: CameraConfig, stop: Stop) -> Self {
        Self { config, previous: None, explained: Vec::new(), stop }
    }

    /// Opens the source. Where it is chosen automatically, each candidate is explained in the log, once until something changes.
    ///
    /// # Errors
    /// In one line that says what was looked at and what helps. A camera may come later; of a recording every error is final, with its
    /// [`std::io::Error`] or [`BadPictureFile`](super::picture::BadPictureFile) in the chain.
    pub fn open(&mut self) -> Result<Box<dyn FrameSource>> {
        match self.config.source {
            SourceKind::Auto => self.open_automatically(),
            SourceKind::V4l2 => self.open_v4l2(),
            SourceKind::Rpicam => Ok(Box::new(RpicamCamera::open(&self.config, self.stop.clone())?)),
            SourceKind::Replay => Ok(Box::new(Replay::open(&self.config, self.stop.clone())?)),
            SourceKind::Puppet => {
                let CameraConfig { width, height, frames_per_second, .. } = self.config;
                Ok(Box::new(Puppet::new(width, height, frames_per_second)))
            }
        }
    }

    fn open_v4l2(&mut self) -> Result<Box<dyn FrameSource>> {
        if self.config.device != Path::new("") {
            return Ok(Box::new(V4l2Camera::open(&self.config.device, &self.config, self.stop.clone())?));
        }
        let mut seen = Vec::new();
        if let Some(camera) = self.first_usable(&mut seen) {
            self.explain(seen);
            return Ok(camera);
        }
        Err(nothing_found(&seen))
    }

    /// A configured path, else the first usable V4L2 camera, else the first CSI camera; never the drawn face.
    fn open_automatically(&mut self) -> Result<Box<dyn FrameSource>> {
        if self.config.device != Path::new("") {
            return self.open_v4l2();
        }
        let mut seen = Vec::new();
        if let Some(camera) = self.first_usable(&mut seen) {
            self.explain(seen);
            return Ok(camera);
        }
        let csi = match program() {
            None => Err("no CSI camera: rpicam-vid is not installed".to_owned()),
            Some(program) => match list_cameras(&program, &self.stop) {
                Ok(cameras) => match cameras.first() {
                    Some(camera) => Ok(format!("CSI camera {camera}: chosen")),
                    None => Err(format!("no CSI camera: {} lists none", program.display())),
                },
                Err(error) => Err(format!("no CSI camera: {error:#}")),
            },
        };
        match csi {
            Ok(chosen) => {
                let camera = RpicamCamera::open(&self.config, self.stop.clone())?;
                seen.push(chosen);
                self.explain(seen);
                Ok(Box::new(camera))
            }
            Err(reason) => {
                seen.push(reason);
                Err(nothing_found(&seen))
            }
        }
    }

    /// Opens the first usable V4L2 camera. `seen` gets a line for every candidate.
    fn first_usable(&mut self, seen: &mut Vec<String>) -> Option<Box<dyn FrameSource>> {
        let (found, candidates) = find(&self.config, self.previous.as_ref(), &self.stop);
        let chosen = found.as_ref().map(|found| found.place);
        for (place, candidate) in candidates.iter().enumerate() {
            let mark = if chosen == Some(place) { ", chosen" } else { "" };
            seen.push(format!("{candidate}{mark}"));
        }
        if candidates.is_empty() {
            seen.push("no /dev/video*".into());
        }
        let found = found?;
        self.previous = Some(found.identity);
        Some(Box::new(found.camera))
    }

    fn explain(&mut self, seen: Vec<String>) {
        if seen != self.explained {
            for line in &seen {
                log::info!("{line}");
            }
            self.explained = seen;
        }
    }
}

fn nothing_found(seen: &[String]) -> anyhow::Error {
    anyhow!(
        "no usable camera ({}); plug in a USB camera, give its path (device), or try `visaged demo`, which can do without",
        seen.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_camera_the_error_says_what_was_looked_at_and_what_helps() {
        let seen =
            ["/dev/video10 (bcm2835-codec): not a camera".to_owned(), "no CSI camera: rpicam-vid is not installed".to_owned()];
        assert_eq!(
            nothing_found(&seen).to_string(),
            "no usable camera (/dev/video10 (bcm2835-codec): not a camera; no CSI camera: rpicam-vid is not installed); \
             plug in a USB camera, give its path (device), or try `visaged demo`, which can do without"
        );
    }

    #[test]
    fn a_configured_path_is_opened_and_no_other() {
        for source in [SourceKind::V4l2, SourceKind::Auto] {
            let config = CameraConfig { source, device: "/dev/nothing".into(), ..CameraConfig::default() };
            let error = open(&config).err().expect("there is no such device");
            assert_eq!(format!("{error:#}"), "cannot use camera /dev/nothing: No such file or directory (os error 2)");
        }
    }

    #[test]
    fn a_replay_is_opened_like_a_camera() {
        let config = CameraConfig { source: SourceKind::Replay, replay: "/nonexistent".into(), ..CameraConfig::default() };
        let error = open(&config).err().expect("there is no such recording");
        assert!(error.downcast_ref::<std::io::Error>().is_some());
    }
}
