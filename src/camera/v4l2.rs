//! Cameras through the kernel's Video4Linux2: every USB camera, and whatever else gives finished pictures.
//!
//! Traps that shaped this file: without a timeout the `v4l` crate waits for an unplugged camera for ever; after a timeout its stream queues a buffer
//! that it does not own, so we wait before we ask it, and a stream that has failed once is never used again; a driver may grant another mode than it was
//! asked for; `bytesperline` is not the width.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::io::Errno;
use v4l::buffer::{Flags, Metadata, Type};
use v4l::device::Handle;
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC};

use super::devices::{Candidate, Verdict, asked, candidates, identify, is, known_to_sysfs, open, refused};
use super::luma::{Layout, LumaReader};
use super::negotiate::{Mode, best_mode, nearest_interval, nearest_size, pixel_format, rate};
use super::{FrameSource, START_TIMEOUT, TIMEOUT};
use crate::config::{CameraConfig, PixelFormat};
use crate::frame::{Frame, monotonic_now};
use crate::stop::{NAP, Stop};

/// One that the camera fills, one that is full, one that is read. More would only make pictures older.
const BUFFERS: u32 = 3;

/// An open camera.
pub struct V4l2Camera {
    // None only while it is dropped.
    stream: Option<Stream<'static>>,
    streaming: bool,
    stop: Stop,
    luma: LumaReader,
    description: String,
    /// [`START_TIMEOUT`], then [`TIMEOUT`].
    timeout: Duration,
    bad_pictures: u64,
}

/// Which camera it is, wherever the kernel puts it after it was unplugged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the device calls itself.
    pub card: String,
    /// Where it is plugged in.
    pub bus: String,
}

/// A camera that was found among several, and how.
pub struct Found {
    /// The camera.
    pub camera: V4l2Camera,
    /// To find it again.
    pub identity: Identity,
    /// Its place among the candidates.
    pub place: usize,
}

/// Opens the first usable camera; `previous`, if it is there, comes first, then others with its name, then the order of the numbers. Gives all candidates
/// with what came out of looking at them; a usable one that would not open has [`Verdict::Failed`] or [`Verdict::Busy`].
pub fn find(config: &CameraConfig, previous: Option<&Identity>, stop: &Stop) -> (Option<Found>, Vec<Candidate>) {
    let mut candidates = candidates();
    for place in order(&candidates, previous) {
        let Some(candidate) = candidates.get_mut(place) else { continue };
        match V4l2Camera::open(&candidate.path, config, stop.clone()) {
            Ok(camera) => {
                let identity = Identity { card: candidate.card.clone(), bus: candidate.bus.clone() };
                return (Some(Found { camera, identity, place }), candidates);
            }
            Err(error) => {
                let busy = error.downcast_ref().is_some_and(|error| is(error, Errno::BUSY));
                candidate.verdict = if busy { Verdict::Busy } else { Verdict::Failed(io::Error::other(format!("{error:#}"))) };
            }
        }
    }
    (None, candidates)
}

/// The places of the usable candidates in the order in which they are tried.
fn order(candidates: &[Candidate], previous: Option<&Identity>) -> Vec<usize> {
    let mut usable: Vec<_> = candidates.iter().enumerate().filter(|(_, candidate)| candidate.verdict.is_usable()).collect();
    if let Some(previous) = previous {
        usable.sort_by_key(|(_, candidate)| (candidate.card != previous.card, candidate.bus != previous.bus));
    }
    usable.into_iter().map(|(place, _)| place).collect()
}

impl V4l2Camera {
    /// Opens one camera and sets the mode nearest to the wanted one. It streams from the first [`next_frame`](FrameSource::next_frame) on.
    ///
    /// # Errors
    /// If the path is no camera of ours, may not be opened, is in use, or offers no mode that can be read; the text says which and what helps.
    pub fn open(path: &Path, config: &CameraConfig, stop: Stop) -> Result<Self> {
        Self::open_device(path, config, stop).with_context(|| format!("cannot use camera {}", path.display()))
    }

    fn open_device(path: &Path, config: &CameraConfig, stop: Stop) -> Result<Self> {
        let device = open(path).map_err(|error| match refused(path, &error) {
            Some(verdict) => anyhow!(error).context(verdict.to_string()),
            None => error.into(),
        })?;
        let mut about = known_to_sysfs(path);
        if !identify(&device, &mut about)? {
            bail!("{}", Verdict::NoCapture);
        }

        let wanted = wanted_mode(&device, config)?;
        let (layout, interval) = set_mode(&device, wanted).map_err(explain_busy)?;
        let luma = LumaReader::new(layout).context("the driver's format makes no sense")?;
        let mut stream =
            Stream::with_buffers(&device, Type::VideoCapture, BUFFERS).map_err(|error| explain_busy(error.into()))?;
        // It is asked only when there is something: see `wait`.
        stream.set_timeout(Duration::ZERO);
        let description = description(&about, path, layout, interval);
        Ok(Self { stream: Some(stream), streaming: false, stop, luma, description, timeout: START_TIMEOUT, bad_pictures: 0 })
    }

    fn next_good_frame(&mut self, frame: &mut Frame) -> Result<()> {
        let stream = self.stream.as_mut().context("the stream has ended")?;
        let handle = stream.handle();
        let begin = monotonic_now();
        if !self.streaming {
            start(stream, begin + self.timeout, &self.stop).map_err(|error| explain_stream(error, self.timeout))?;
            self.streaming = true;
        }
        loop {
            let next = wait(&handle, monotonic_now() + self.timeout, &self.stop).and_then(|()| stream.next());
            let (buffer, about) = next.map_err(|error| explain_stream(error, self.timeout))?;
            let read = content(buffer, about).and_then(|bytes| Ok(self.luma.read(bytes, frame)?));
            let now = monotonic_now();
            let Err(error) = read else {
                frame.sequence = about.sequence.into();
                frame.captured_at = capture_time(about, now);
                self.timeout = TIMEOUT;
                return Ok(());
            };
            if self.bad_pictures == 0 {
                log::warn!("{}: dropped a picture: {error:#} (said once)", self.description);
            }
            self.bad_pictures += 1;
            if now.saturating_sub(begin) >= self.timeout {
                return Err(error.context(format!("only damaged pictures for {} s", self.timeout.as_secs())));
            }
        }
    }
}

impl FrameSource for V4l2Camera {
    fn description(&self) -> &str {
        &self.description
    }

    fn next_frame(&mut self, frame: &mut Frame) -> Result<bool> {
        self.next_good_frame(frame).with_context(|| self.description.clone())?;
        Ok(true)
    }
}

impl Drop for V4l2Camera {
    fn drop(&mut self) {
        if self.bad_pictures > 0 {
            log::info!("{}: {} damaged pictures were dropped", self.description, self.bad_pictures);
        }
        let Some(mut stream) = self.stream.take() else { return };
        // The crate's own `drop` panics if a driver refuses to stop, except when the device is gone. Then rather lose the buffers.
        if let Err(error) = stream.stop()
            && !is(&error, Errno::NODEV)
        {
            log::error!("{}: cannot stop: {error}", self.description);
            std::mem::forget(stream);
        }
    }
}

/// The part of a buffer that the driver has filled.
///
/// # Errors
/// If the driver says that the picture is damaged.
fn content<'a>(buffer: &'a [u8], about: &Metadata) -> Result<&'a [u8]> {
    ensure!(!about.flags.contains(Flags::ERROR), "the driver says that it is damaged");
    Ok(buffer.get(..about.bytesused as usize).unwrap_or(buffer))
}

/// Gives all buffers to the driver, starts the stream and takes the first picture, which is nobody's: the stream's `next` begins by giving back the
/// buffer that was taken last, so one has to be taken.
fn start(stream: &mut Stream<'static>, deadline: Duration, stop: &Stop) -> io::Result<()> {
    match stream.next() {
        Ok(_) => Ok(()),
        // Everything but the taking has been done.
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            wait(&stream.handle(), deadline, stop)?;
            stream.dequeue().map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Waits until the driver has a picture or an error to tell.
fn wait(handle: &Handle, deadline: Duration, stop: &Stop) -> io::Result<()> {
    /// `POLLIN` of poll(2).
    const READABLE: i16 = 1;
    loop {
        if stop.is_asked() {
            return Err(io::Error::other("asked to stop"));
        }
        let left = deadline.saturating_sub(monotonic_now());
        match handle.poll(READABLE, left.min(NAP).as_millis() as i32) {
            Ok(0) if left.is_zero() => return Err(io::ErrorKind::TimedOut.into()),
            Ok(0) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The best mode that the camera offers, in the wanted pixel format if one is wanted.
fn wanted_mode(device: &Device, config: &CameraConfig) -> Result<Mode> {
    let offered: Vec<[u8; 4]> = asked(|| device.enum_formats())?.iter().map(|format| format.fourcc.repr).collect();
    let mut modes = Vec::new();
    for &fourcc in &offered {
        let Some(format) = pixel_format(fourcc) else { continue };
        if config.pixel_format != PixelFormat::Auto && config.pixel_format != format {
            continue;
        }
        let code = FourCC::new(&fourcc);
        // Not every driver lists its sizes; then the wanted one is asked for, and the driver comes as near as it can.
        let (width, height) = match device.enum_framesizes(code) {
            Ok(sizes) => {
                let sizes: Vec<_> = sizes.into_iter().map(|size| size.size).collect();
                match nearest_size(&sizes, config.width, config.height) {
                    Some(size) => size,
                    None => continue,
                }
            }
            Err(_) => (config.width, config.height),
        };
        let intervals: Vec<_> =
            device.enum_frameintervals(code, width, height).unwrap_or_default().into_iter().map(|found| found.interval).collect();
        let interval = nearest_interval(&intervals, config.frames_per_second);
        modes.push(Mode { fourcc, format, width, height, interval });
    }
    best_mode(&modes, config.width, config.height, config.frames_per_second).ok_or_else(|| {
        let offered: Vec<_> = offered.iter().map(|fourcc| String::from_utf8_lossy(fourcc).into_owned()).collect();
        match config.pixel_format {
            PixelFormat::Auto => anyhow!("{}", Verdict::NoCommonFormat(offered)),
            wanted => {
                anyhow!("it does not offer pixel_format {}, but {}", format!("{wanted:?}").to_uppercase(), offered.join(", "))
            }
        }
    })
}

/// Sets a mode and gives what the driver made of it.
fn set_mode(device: &Device, mode: Mode) -> Result<(Layout, Option<f64>)> {
    let granted = asked(|| device.set_format(&Format::new(mode.width, mode.height, FourCC::new(&mode.fourcc))))?;
    let Some(format) = pixel_format(granted.fourcc.repr) else {
        bail!("asked for {}, the driver set {}", String::from_utf8_lossy(&mode.fourcc), granted.fourcc);
    };
    // Some drivers have no rates to set; their own is good enough.
    let interval = match mode.interval {
        Some(interval) => device.set_params(&Parameters::new(interval)),
        None => device.params(),
    };
    let layout = Layout { format, width: granted.width, height: granted.height, bytes_per_line: granted.stride };
    Ok((layout, interval.ok().and_then(|granted| rate(granted.interval))))
}

/// `USB camera "HD Webcam" (/dev/video0), 640×480 YUYV at 15 frames/s`
fn description(about: &Candidate, path: &Path, layout: Layout, frames_per_second: Option<f64>) -> String {
    let kind = if about.bus.starts_with("usb") { "USB camera" } else { "camera" };
    let format = format!("{:?}", layout.format).to_uppercase();
    let rate = frames_per_second.map(|rate| format!(" at {} frames/s", (rate * 100.0).round() / 100.0)).unwrap_or_default();
    format!("{kind} \"{}\" ({}), {}×{} {format}{rate}", about.card, path.display(), layout.width, layout.height)
}

/// The driver's own time where it is on our clock and plausible, else the time of arrival.
fn capture_time(about: &Metadata, now: Duration) -> Duration {
    let on_our_clock = about.flags & Flags::TIMESTAMP_MASK == Flags::TIMESTAMP_MONOTONIC;
    let (Ok(seconds), Ok(micros)) = (u64::try_from(about.timestamp.sec), u64::try_from(about.timestamp.usec)) else {
        return now;
    };
    let stamped = Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros));
    if on_our_clock && stamped <= now && now - stamped < TIMEOUT { stamped } else { now }
}

fn explain_busy(error: anyhow::Error) -> anyhow::Error {
    let busy = error.downcast_ref().is_some_and(|error| is(error, Errno::BUSY));
    if busy { error.context(Verdict::Busy.to_string()) } else { error }
}

fn explain_stream(error: io::Error, timeout: Duration) -> anyhow::Error {
    let silent = error.kind() == io::ErrorKind::TimedOut;
    let error = match Errno::from_io_error(&error) {
        _ if silent => return anyhow!(error).context(format!("no picture for {} s", timeout.as_secs())),
        Some(Errno::NODEV) => anyhow!(error).context("it was unplugged"),
        Some(Errno::NOSPC) => {
            anyhow!(error).context("the USB bus has no room for it: try MJPG, a smaller size, or another socket")
        }
        _ => anyhow!(error).context("the stream broke"),
    };
    explain_busy(error)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use v4l::timestamp::Timestamp;

    use super::*;

    fn candidate(card: &str, bus: &str, verdict: Verdict) -> Candidate {
        Candidate { path: PathBuf::new(), card: card.into(), driver: String::new(), bus: bus.into(), verdict }
    }

    fn usable(card: &str, bus: &str) -> Candidate {
        candidate(card, bus, Verdict::Usable(vec![PixelFormat::Yuyv]))
    }

    #[test]
    fn usable_cameras_are_tried_in_the_order_of_their_numbers() {
        let candidates = [candidate("codec", "", Verdict::Codec), usable("A", "usb-1"), usable("B", "usb-2")];
        assert_eq!(order(&candidates, None), [1, 2]);
    }

    #[test]
    fn the_previous_camera_is_found_again_under_another_number() {
        let candidates = [usable("A", "usb-1"), usable("B", "usb-2"), usable("B", "usb-3")];
        let previous = |card: &str, bus: &str| Identity { card: card.into(), bus: bus.into() };
        assert_eq!(order(&candidates, Some(&previous("B", "usb-3"))), [2, 1, 0]);
        // In another socket: the name decides.
        assert_eq!(order(&candidates, Some(&previous("B", "usb-9"))), [1, 2, 0]);
        assert_eq!(order(&candidates, Some(&previous("C", "usb-9"))), [0, 1, 2]);
    }

    #[test]
    fn the_drivers_time_counts_only_where_it_is_plausible() {
        let about = |sec, usec, flags| Metadata { timestamp: Timestamp::new(sec, usec), flags, ..Metadata::default() };
        let now = Duration::from_secs(100);
        let monotonic = Flags::TIMESTAMP_MONOTONIC;
        assert_eq!(capture_time(&about(99, 960_000, monotonic), now), Duration::from_millis(99_960));
        assert_eq!(capture_time(&about(99, 960_000, Flags::TIMESTAMP_UNKNOWN), now), now);
        assert_eq!(capture_time(&about(99, 960_000, Flags::TIMESTAMP_COPY), now), now);
        assert_eq!(capture_time(&about(101, 0, monotonic), now), now);
        assert_eq!(capture_time(&about(7, 0, monotonic), now), now);
        assert_eq!(capture_time(&about(-1, -1, monotonic), now), now);
    }

    #[test]
    fn of_a_buffer_only_what_the_driver_filled_is_read_and_nothing_of_a_damaged_picture() {
        let about = |bytesused, flags| Metadata { bytesused, flags, ..Metadata::default() };
        let done = Flags::MAPPED | Flags::DONE;
        assert_eq!(content(&[1, 2, 3, 4], &about(3, done)).unwrap(), [1, 2, 3]);
        // A driver that claims more than there is.
        assert_eq!(content(&[1, 2, 3, 4], &about(9, done)).unwrap(), [1, 2, 3, 4]);
        assert_eq!(content(&[1, 2, 3, 4], &about(0, done)).unwrap(), [0_u8; 0]);
        assert!(content(&[1, 2, 3, 4], &about(4, done | Flags::ERROR)).unwrap_err().to_string().contains("damaged"));
    }

    #[test]
    fn what_a_stream_fails_with_is_said_in_words_that_help() {
        for (errno, words) in [
            (Errno::NODEV, "it was unplugged"),
            (Errno::BUSY, "in use by another program"),
            (Errno::NOSPC, "try MJPG, a smaller size, or another socket"),
            (Errno::IO, "the stream broke"),
            (Errno::INVAL, "the stream broke"),
        ] {
            let said = format!("{:#}", explain_stream(errno.into(), TIMEOUT));
            assert!(said.contains(words), "{errno}: {said}");
        }
        let silent = format!("{:#}", explain_stream(io::ErrorKind::TimedOut.into(), TIMEOUT));
        assert!(silent.contains("no picture for 2 s"), "{silent}");
    }

    #[test]
    fn a_camera_is_described_in_a_few_words() {
        let layout = Layout { format: PixelFormat::Yuyv, width: 640, height: 480, bytes_per_line: 1280 };
        let about = usable("HD Webcam", "usb-0000:00:14.0-1");
        assert_eq!(
            description(&about, Path::new("/dev/video0"), layout, Some(15.0)),
            "USB camera \"HD Webcam\" (/dev/video0), 640×480 YUYV at 15 frames/s"
        );
        let about = usable("vivid", "platform:vivid-000");
        assert_eq!(description(&about, Path::new("/dev/video2"), layout, None), "camera \"vivid\" (/dev/video2), 640×480 YUYV");
    }

    #[test]
    fn a_path_that_is_no_camera_gets_one_clear_line() {
        let line = |path: &str| match V4l2Camera::open(Path::new(path), &CameraConfig::default(), Stop::default()) {
            Ok(_) => panic!("{path} should be no camera"),
            Err(error) => format!("{error:#}"),
        };
        assert_eq!(line("/dev/nothing"), "cannot use camera /dev/nothing: No such file or directory (os error 2)");
        assert_eq!(line("/etc/passwd"), "cannot use camera /etc/passwd: not a video device");
        // ENOTTY, and under emulation (qemu-user) ENOSYS.
        assert!(line("/dev/null").starts_with("cannot use camera /dev/null: "));
    }
}
