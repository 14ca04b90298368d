//! CSI cameras of a Raspberry Pi, through the program `rpicam-vid` as a child process.
//!
//! On V4L2 these cameras give raw Bayer data; what turns it into pictures is libcamera, which has no stable C interface. The program writes
//! YUV 4:2:0 pictures one after the other into a pipe: luma, then a quarter of each chroma plane. Rows come as the image processor wrote them, padded to
//! 64 bytes (780 pixels become 832: <https://github.com/raspberrypi/rpicam-apps/issues/188>), and nothing in the pipe says so. So the width is rounded to a
//! multiple of 64, where there is no padding, and the height to an even number.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::pipe::{TimedPipe, wait_readable};
use super::{FrameSource, START_TIMEOUT, TIMEOUT};
use crate::config::CameraConfig;
use crate::frame::{Frame, monotonic_now};
use crate::stop::Stop;

/// The program, and its name until 2023.
const PROGRAMS: [&str; 2] = ["rpicam-vid", "libcamera-vid"];

/// Rows of this many bytes have no padding on any Raspberry Pi.
const ROW_BYTES: u32 = 64;

/// Longer lines of the program's messages are cut.
const MAX_LINE: usize = 400;

/// A running `rpicam-vid`. It is killed and reaped on drop.
pub struct RpicamCamera {
    child: Child,
    pictures: File,
    messages: Messages,
    width: u32,
    height: u32,
    description: String,
    sequence: u64,
    /// Whether chroma of the picture before is still in the pipe. Read late, so that a picture is out as soon as its luma is there.
    chroma_pending: bool,
    chroma: Vec<u8>,
    stop: Stop,
}

/// The path of the program, if it is installed.
pub fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    PROGRAMS
        .iter()
        .flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0))
}

/// The CSI cameras that the program knows: `imx708 [4608x2592 10-bit RGGB]`.
///
/// # Errors
/// If the program does not run, or is silent for 5 s.
pub fn list_cameras(program: &Path, stop: &Stop) -> Result<Vec<String>> {
    list(Command::new(program), stop).with_context(|| format!("{} --list-cameras", program.display()))
}

fn list(mut command: Command, stop: &Stop) -> Result<Vec<String>> {
    let child = command.arg("--list-cameras").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut child = KilledOnDrop(child);
    let output: OwnedFd = child.0.stdout.take().context("no output")?.into();
    let mut cameras = Vec::new();
    for line in BufReader::new(TimedPipe::new(output, START_TIMEOUT, stop.clone()).take(1 << 16)).split(b'\n') {
        cameras.extend(listed_camera(&String::from_utf8_lossy(&line?)));
    }
    Ok(cameras)
}

/// `0 : imx708 [4608x2592 10-bit RGGB] (/base/soc/…)` → `imx708 [4608x2592 10-bit RGGB]`
fn listed_camera(line: &str) -> Option<String> {
    let (number, camera) = line.split_once(" : ")?;
    number.parse::<u32>().ok()?;
    Some(camera.split(" (/").next()?.trim().to_owned())
}

struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Kills and reaps; neither fails for a child of ours, but it may have ended by itself.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

impl RpicamCamera {
    /// Starts the program with the wanted rate and the nearest size (width rounded to a multiple of 64, height to an even number).
    ///
    /// # Errors
    /// If it is not installed or does not start.
    pub fn open(config: &CameraConfig, stop: Stop) -> Result<Self> {
        let program = program().context("rpicam-vid is not installed (Raspberry Pi OS: sudo apt install rpicam-apps)")?;
        let name = program.display().to_string();
        Self::start(Command::new(&program), &name, config, stop).with_context(|| format!("cannot start {name}"))
    }

    /// `command` is the program, to which the arguments are added; `name` is for people.
    fn start(mut command: Command, name: &str, config: &CameraConfig, stop: Stop) -> Result<Self> {
        let (width, height) = nearest_size(config.width, config.height);
        let rate = config.frames_per_second;
        command
            .args(["--codec", "yuv420", "--nopreview", "-t", "0", "-o", "-"])
            .args(["--width", &width.to_string(), "--height", &height.to_string(), "--framerate", &rate.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for us; we end the child.
            .process_group(0);
        let mut child = command.spawn()?;
        let (Some(pictures), Some(messages)) = (child.stdout.take(), child.stderr.take()) else {
            end(&mut child);
            bail!("no pipe");
        };
        Ok(Self {
            child,
            pictures: OwnedFd::from(pictures).into(),
            messages: Messages::new(OwnedFd::from(messages).into()),
            width,
            height,
            description: format!("CSI camera ({name}), {width}×{height} YU12 at {rate} frames/s"),
            sequence: 0,
            chroma_pending: false,
            chroma: vec![0; (width * height / 2) as usize],
            stop,
        })
    }

    fn read_picture(&mut self, frame: &mut Frame) -> Result<()> {
        let timeout = if self.sequence == 0 { START_TIMEOUT } else { TIMEOUT };
        let deadline = Instant::now() + timeout;
        frame.resize(self.width, self.height);
        let chroma = if self.chroma_pending { self.chroma.as_mut_slice() } else { &mut [] };
        let whole = read_exact(&self.pictures, &mut self.messages, chroma, deadline, &self.stop)
            .and_then(
                |whole| Ok(whole && read_exact(&self.pictures, &mut self.messages, &mut frame.image, deadline, &self.stop)?),
            )
            .with_context(|| format!("no picture for {} s", timeout.as_secs()))?;
        if !whole {
            return Err(self.why_it_ended());
        }
        self.chroma_pending = true;
        Ok(())
    }

    /// The program has closed its output: what it said last.
    fn why_it_ended(&mut self) -> anyhow::Error {
        // A child of its own could hold the pipe open.
        let deadline = Instant::now() + Duration::from_millis(200);
        while let Some(pipe) = &self.messages.pipe
            && wait_readable([pipe], deadline, &self.stop).is_ok()
        {
            self.messages.read();
        }
        // Its pipes close a moment before it can be reaped.
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status.to_string(),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(1)),
                _ => break "its output is closed".into(),
            }
        };
        match self.messages.last_line() {
            "" => anyhow!("the program ended ({status})"),
            line => anyhow!("the program ended ({status}): {line}"),
        }
    }
}

impl FrameSource for RpicamCamera {
    fn description(&self) -> &str {
        &self.description
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        self.read_picture(frame).with_context(|| self.description.clone())?;
        frame.sequence = self.sequence;
        frame.captured_at = monotonic_now();
        self.sequence += 1;
        Ok(true)
    }
}

impl Drop for RpicamCamera {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn nearest_size(width: u32, height: u32) -> (u32, u32) {
    let columns = ((width + ROW_BYTES / 2) / ROW_BYTES).max(1) * ROW_BYTES;
    (columns, height.next_multiple_of(2))
}

/// What the program says on its error output. It has to be read, or the program would wait for us one day.
struct Messages {
    // None when the other end is closed.
    pipe: Option<File>,
    line: Vec<u8>,
    last_line: String,
}

impl Messages {
    fn new(pipe: File) -> Self {
        Self { pipe: Some(pipe), line: Vec::new(), last_line: String::new() }
    }

    /// Reads what is there. To be called when there is something.
    fn read(&mut self) {
        let mut bytes = [0; 1024];
        let count = self.pipe.as_mut().and_then(|pipe| pipe.read(&mut bytes).ok()).unwrap_or(0);
        if count == 0 {
            self.pipe = None;
            self.end_line();
        }
        for &byte in bytes.iter().take(count) {
            if byte == b'\n' {
                self.end_line();
            } else if self.line.len() < MAX_LINE {
                self.line.push(byte);
            }
        }
    }

    /// Lines about single frames (`#12 (30.00 fps) exp …`) are no reason for anything.
    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        if !line.trim().is_empty() && !line.starts_with('#') {
            self.last_line = line.trim().to_owned();
        }
        self.line.clear();
    }

    fn last_line(&self) -> &str {
        &self.last_line
    }
}

/// Fills `buffer` until `deadline`; false if the pipe ends before. Messages are read meanwhile.
fn read_exact(
    mut pictures: &File,
    messages: &mut Messages,
    mut buffer: &mut [u8],
    deadline: Instant,
    stop: &Stop,
) -> io::Result<bool> {
    while !buffer.is_empty() {
        let (picture_data, message) = match &messages.pipe {
            Some(pipe) => wait_readable([pictures, pipe], deadline, stop).map(|[a, b]| (a, b))?,
            None => wait_readable([pictures], deadline, stop).map(|[a]| (a, false))?,
        };
        if message {
            messages.read();
        }
        if picture_data {
            match pictures.read(buffer)? {
                0 => return Ok(false),
                count => buffer = buffer.get_mut(count..).unwrap_or_default(),
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    /// 64×2 pixels: 128 bytes of luma, 64 of chroma.
    fn config() -> CameraConfig {
        CameraConfig { width: 70, height: 1, frames_per_second: 15, ..CameraConfig::default() }
    }

    /// A shell script in place of the program.
    fn camera(script: &str) -> RpicamCamera {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script, "rpicam-vid"]);
        RpicamCamera::start(command, "rpicam-vid", &config(), Stop::default()).unwrap()
    }

    fn error_of(camera: &mut RpicamCamera) -> String {
        format!("{:#}", camera.next_frame(&mut Frame::default()).unwrap_err())
    }

    #[test]
    fn pictures_come_out_with_their_luma_only() {
        let mut camera = camera(
            "picture() { printf '%128s' '' | tr ' ' $1; printf '%64s' '' | tr ' ' c; }
             picture A; echo '#0 (0.00 fps)' >&2; picture B; exec sleep 60",
        );
        assert_eq!(camera.description(), "CSI camera (rpicam-vid), 64×2 YU12 at 15 frames/s");
        let mut frame = Frame::default();
        for (sequence, pixel) in [(0, b'A'), (1, b'B')] {
            assert!(camera.next_frame(&mut frame).unwrap());
            assert_eq!((frame.sequence, frame.image.dimensions()), (sequence, (64, 2)));
            assert!(frame.image.iter().all(|found| *found == pixel));
        }
    }

    #[test]
    fn the_program_is_asked_for_raw_pictures_of_the_nearest_size_without_padding() {
        let mut camera = camera("echo \"$*\" >&2; exit 1");
        let error = error_of(&mut camera);
        let arguments = "--codec yuv420 --nopreview -t 0 -o - --width 64 --height 2 --framerate 15";
        assert!(error.ends_with(arguments), "{error}");
        assert_eq!(nearest_size(640, 480), (640, 480));
        assert_eq!(nearest_size(800, 599), (832, 600));
        assert_eq!(nearest_size(16, 16), (64, 16));
        assert_eq!(nearest_size(4096, 4096), (4096, 4096));
    }

    #[test]
    fn a_program_that_ends_is_an_error_with_its_last_message() {
        let mut camera = camera("echo 'ERROR: *** no cameras available ***' >&2; echo '#1 (30 fps)' >&2; exit 255");
        assert_eq!(
            error_of(&mut camera),
            "CSI camera (rpicam-vid), 64×2 YU12 at 15 frames/s: the program ended (exit status: 255): \
             ERROR: *** no cameras available ***"
        );
    }

    #[test]
    fn a_picture_that_is_cut_is_an_error() {
        let error = error_of(&mut camera("printf '%100s' ''"));
        assert!(error.contains("the program ended ("), "{error}");
    }

    #[test]
    fn a_program_that_falls_silent_times_out() {
        let mut camera = camera("exec sleep 60");
        let deadline = Instant::now() + Duration::from_millis(30);
        let read = read_exact(&camera.pictures, &mut camera.messages, &mut [0; 8], deadline, &Stop::default());
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn many_messages_do_not_block_the_pictures() {
        // More than the 64 KiB that a pipe holds.
        let mut camera = camera(
            "i=0; while [ $i -lt 3000 ]; do echo 'a message of forty bytes, more or less...' >&2; i=$((i+1)); done
             printf '%128s' '' | tr ' ' A; exec sleep 60",
        );
        assert!(camera.next_frame(&mut Frame::default()).unwrap());
    }

    #[test]
    fn a_dropped_camera_leaves_no_child_behind() {
        let camera = camera("exec sleep 60");
        let id = rustix::process::Pid::from_child(&camera.child);
        drop(camera);
        assert_eq!(rustix::process::test_kill_process(id), Err(Errno::SRCH));
    }

    #[test]
    fn the_cameras_that_the_program_lists_are_found() {
        let listed = |script: &str| {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", script, "rpicam-vid"]);
            list(command, &Stop::default()).unwrap()
        };
        // The form of rpicam-apps since 2023.
        let output = "Available cameras\n-----------------\n\
            0 : imx708_wide [4608x2592 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@88000/imx708@1a)\n\
            \x20   Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]\n";
        assert_eq!(listed(&format!("cat <<'END'\n{output}END\n")), ["imx708_wide [4608x2592 10-bit RGGB]"]);
        assert!(listed("echo 'No cameras available!'").is_empty());
    }
}
