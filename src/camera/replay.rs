//! Plays a recording as if it were a camera.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::FrameSource;
use super::recording::Recording;
use super::y4m::Next;
use crate::config::{CameraConfig, ReplaySpeed};
use crate::frame::{Frame, monotonic_now};
use crate::stop::Stop;

/// The rates that are played, in frames/s. Slower ones are played faster: no frame for two seconds would mean that the camera is lost.
const RATES: std::ops::RangeInclusive<f64> = 1.0..=1000.0;

/// A recording that is played: see [`CameraConfig::replay`] for what it can be.
///
/// Frame `i` is due `i` times the frame interval after the first, also when the recording begins again; that is its
/// [`captured_at`](Frame::captured_at), however late it is looked at. So what is computed from a recording does not depend on the machine's speed.
///
/// Its errors are final: a recording that is missing or damaged stays so.
pub struct Replay {
    recording: Recording,
    description: String,
    interval: Duration,
    speed: ReplaySpeed,
    looping: bool,
    cut_told: bool,
    sequence: u64,
    start: Duration,
    stop: Stop,
}

impl Replay {
    /// Opens a recording and looks at its beginning.
    ///
    /// # Errors
    /// If it is missing (an [`std::io::Error`] is in the chain), no recording, or its first picture cannot be read.
    pub fn open(config: &CameraConfig, stop: Stop) -> Result<Self> {
        let from_input = config.replay == Path::new("-");
        ensure!(!(from_input && config.replay_loop), "standard input cannot be played again: set replay_loop to false");
        Ok(Self::new(Recording::open(&config.replay, &stop)?, config, stop))
    }

    fn new(recording: Recording, config: &CameraConfig, stop: Stop) -> Self {
        let rate = recording.frames_per_second().unwrap_or(f64::from(config.frames_per_second));
        let rate = rate.clamp(*RATES.start(), *RATES.end());
        let pace = match config.replay_speed {
            ReplaySpeed::Recorded => "",
            ReplaySpeed::Full => ", as fast as they are looked at",
        };
        let name = config.replay.display();
        let description = format!("recording {name}: {} at {rate:.4} frames/s{pace}", recording.description());
        Self {
            recording,
            description: description.replace(".0000 ", " "),
            interval: Duration::from_secs_f64(1.0 / rate),
            speed: config.replay_speed,
            looping: config.replay_loop,
            cut_told: false,
            sequence: 0,
            start: Duration::ZERO,
            stop,
        }
    }

    fn read(&mut self, frame: &mut Frame) -> Result<bool> {
        match self.recording.read(frame)? {
            Next::Frame => return Ok(true),
            // It is cut each time that it is played.
            Next::Cut if !std::mem::replace(&mut self.cut_told, true) => {
                log::warn!("the recording ends within a frame, which is left out");
            }
            Next::Cut | Next::End => {}
        }
        // A recording without a single frame would be begun again for ever.
        if !self.looping || self.sequence == 0 {
            return Ok(false);
        }
        self.recording.rewind()?;
        Ok(self.recording.read(frame)? == Next::Frame)
    }
}

impl FrameSource for Replay {
    fn description(&self) -> &str {
        &self.description
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        if !self.read(frame)? {
            return Ok(false);
        }
        if self.sequence == 0 {
            self.start = monotonic_now();
        }
        frame.sequence = self.sequence;
        frame.captured_at = self.start + self.interval.mul_f64(self.sequence as f64);
        self.sequence += 1;
        if self.speed == ReplaySpeed::Recorded {
            self.stop.sleep(frame.captured_at.saturating_sub(monotonic_now()));
        }
        Ok(true)
    }

    fn waits_for_reader(&self) -> bool {
        self.speed == ReplaySpeed::Full
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::time::Instant;

    use image::GrayImage;
    use tempfile::TempDir;

    use super::super::pipe::TimedPipe;
    use super::*;

    /// A folder with one 2×1 picture per name; the first pixel is the name's place in the list.
    fn folder(names: &[&str]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (place, name) in names.iter().enumerate() {
            GrayImage::from_raw(2, 1, vec![place as u8, 200]).unwrap().save(folder.path().join(name)).unwrap();
        }
        folder
    }

    fn config(path: &Path) -> CameraConfig {
        CameraConfig { replay: path.into(), replay_speed: ReplaySpeed::Full, ..CameraConfig::default() }
    }

    /// The first pixel of each of at most `most` frames.
    fn played(replay: &mut Replay, most: usize) -> Vec<u8> {
        let mut frame = Frame::default();
        let mut pixels = Vec::new();
        while pixels.len() < most && replay.next_frame(&mut frame).unwrap() {
            assert_eq!(frame.sequence, pixels.len() as u64);
            pixels.push(frame.image.get_pixel(0, 0).0[0]);
        }
        pixels
    }

    fn error_of(config: &CameraConfig) -> anyhow::Error {
        Replay::open(config, Stop::default()).err().expect("this recording should be refused")
    }

    #[test]
    fn a_cut_recording_goes_round_and_says_so_once() {
        let folder = tempfile::tempdir().unwrap();
        let clip = folder.path().join("cut.y4m");
        fs::write(&clip, b"YUV4MPEG2 W1 H1 Cmono\nFRAME\n\x07FRAME\n").unwrap();
        let mut replay = Replay::open(&CameraConfig { replay_loop: true, ..config(&clip) }, Stop::default()).unwrap();
        assert_eq!(played(&mut replay, 1), [7]);
        assert!(!replay.cut_told);
        let mut frame = Frame::default();
        for _ in 0..3 {
            assert!(replay.next_frame(&mut frame).unwrap() && replay.cut_told);
        }
    }

    #[test]
    fn a_folder_is_played_in_natural_order_and_then_ends() {
        let folder = folder(&["10.png", "9.PNG", "11.pgm"]);
        fs::write(folder.path().join("notes.md"), "no picture").unwrap();
        let mut replay = Replay::open(&config(folder.path()), Stop::default()).unwrap();
        assert!(replay.description().ends_with(": 3 pictures at 15 frames/s, as fast as they are looked at"));
        assert!(replay.waits_for_reader());
        assert_eq!(played(&mut replay, 100), [1, 0, 2]);
        assert!(!replay.next_frame(&mut Frame::default()).unwrap());
    }

    #[test]
    fn a_loop_begins_again_and_goes_on_counting() {
        let folder = folder(&["a.png", "b.png"]);
        let config = CameraConfig { replay_loop: true, ..config(folder.path()) };
        assert_eq!(played(&mut Replay::open(&config, Stop::default()).unwrap(), 5), [0, 1, 0, 1, 0]);
    }

    #[test]
    fn a_single_picture_can_be_looped() {
        let folder = folder(&["a.png"]);
        let config = CameraConfig { replay_loop: true, ..config(&folder.path().join("a.png")) };
        assert_eq!(played(&mut Replay::open(&config, Stop::default()).unwrap(), 3), [0, 0, 0]);
    }

    #[test]
    fn a_list_names_pictures_relative_to_itself_in_its_own_order() {
        let folder = folder(&["a.png", "b.png"]);
        let list = folder.path().join("list.txt");
        fs::write(&list, "# the second first\nb.png\r\n\n  a.png\nb.png").unwrap();
        assert_eq!(played(&mut Replay::open(&config(&list), Stop::default()).unwrap(), 100), [1, 0, 1]);
    }

    #[test]
    fn a_list_with_a_missing_picture_is_refused_with_the_line() {
        let folder = folder(&["a.png"]);
        let list = folder.path().join("list.txt");
        fs::write(&list, "a.png\nb.png\n").unwrap();
        let error = error_of(&config(&list));
        assert!(format!("{error:#}").contains("list.txt:2: "), "{error:#}");
        assert!(error.downcast_ref::<std::io::Error>().is_some());
    }

    #[test]
    fn frames_are_due_at_even_times_at_any_speed() {
        let folder = folder(&["a.png", "b.png", "c.png"]);
        for speed in [ReplaySpeed::Full, ReplaySpeed::Recorded] {
            let config = CameraConfig { frames_per_second: 100, replay_speed: speed, ..config(folder.path()) };
            let mut replay = Replay::open(&config, Stop::default()).unwrap();
            let begin = Instant::now();
            let mut due = Vec::new();
            let mut frame = Frame::default();
            while replay.next_frame(&mut frame).unwrap() {
                due.push(frame.captured_at);
                if speed == ReplaySpeed::Recorded {
                    assert!(monotonic_now() >= frame.captured_at);
                }
            }
            assert_eq!(due[1] - due[0], Duration::from_millis(10));
            assert_eq!(due[2] - due[0], Duration::from_millis(20));
            assert!(speed == ReplaySpeed::Full || begin.elapsed() >= Duration::from_millis(20));
        }
    }

    #[test]
    fn a_slow_reader_does_not_shift_the_times_of_a_recording() {
        let folder = folder(&["a.png", "b.png"]);
        let config = CameraConfig { frames_per_second: 100, replay_speed: ReplaySpeed::Recorded, ..config(folder.path()) };
        let mut replay = Replay::open(&config, Stop::default()).unwrap();
        let mut frame = Frame::default();
        replay.next_frame(&mut frame).unwrap();
        let first = frame.captured_at;
        std::thread::sleep(Duration::from_millis(30));
        replay.next_frame(&mut frame).unwrap();
        assert_eq!(frame.captured_at - first, Duration::from_millis(10));
    }

    #[test]
    fn a_y4m_file_is_played_at_its_own_rate_and_loops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.y4m");
        fs::write(&path, b"YUV4MPEG2 W1 H1 F50:1 Cmono\nFRAME\n\x05FRAME\n\x06").unwrap();
        let mut replay = Replay::open(&config(&path), Stop::default()).unwrap();
        assert!(replay.description().contains("1×1 y4m at 50 frames/s"), "{}", replay.description());
        assert_eq!(played(&mut replay, 100), [5, 6]);
        let config = CameraConfig { replay_loop: true, ..config(&path) };
        assert_eq!(played(&mut Replay::open(&config, Stop::default()).unwrap(), 3), [5, 6, 5]);
    }

    #[test]
    fn a_y4m_file_without_frames_ends_even_when_looped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clip.y4m");
        fs::write(&path, b"YUV4MPEG2 W1 H1 Cmono\n").unwrap();
        let config = CameraConfig { replay_loop: true, ..config(&path) };
        assert!(played(&mut Replay::open(&config, Stop::default()).unwrap(), 3).is_empty());
    }

    #[test]
    fn y4m_from_a_pipe_is_played_until_the_other_end_closes() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"YUV4MPEG2 W1 H1 F25:1 Cmono\nFRAME\n\x05FRAME\n\x06").unwrap();
        drop(writer);
        let recording = Recording::from_pipe(TimedPipe::new(reader.into(), Duration::from_secs(2), Stop::default())).unwrap();
        assert_eq!(played(&mut Replay::new(recording, &config(Path::new("-")), Stop::default()), 100), [5, 6]);
    }

    #[test]
    fn a_recording_that_cannot_be_played_gets_one_clear_line() {
        let folder = folder(&["a.png"]);
        let at = |name: &str| folder.path().join(name);
        let line = |path: &Path| {
            let line = format!("{:#}", error_of(&config(path)));
            assert!(!line.contains('\n'), "{line}");
            line
        };

        let missing = line(Path::new("/nonexistent"));
        assert_eq!(missing, "/nonexistent: cannot open the recording: No such file or directory (os error 2)");

        fs::write(at("damaged.jpg"), [0xFF, 0xD8, 0xFF]).unwrap();
        assert!(line(&at("damaged.jpg")).contains("damaged.jpg: cannot read the picture: "));

        fs::write(at("clip.y4m"), b"RIFF").unwrap();
        assert!(line(&at("clip.y4m")).ends_with("clip.y4m: not a y4m stream (it does not begin with YUV4MPEG2)"));

        fs::write(at("clip.mp4"), b"\0\0\0\x18ftypmp42").unwrap();
        assert!(line(&at("clip.mp4")).contains("let ffmpeg convert other videos"));

        fs::create_dir(at("empty")).unwrap();
        assert!(line(&at("empty")).contains("empty: no pictures in this folder (png, "));

        fs::write(at("empty.txt"), "# nothing\n").unwrap();
        assert!(line(&at("empty.txt")).ends_with("empty.txt: no pictures in this list"));

        let looped_input = CameraConfig { replay_loop: true, ..config(Path::new("-")) };
        assert!(error_of(&looped_input).to_string().contains("replay_loop"));
    }
}
