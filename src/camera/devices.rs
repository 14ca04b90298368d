//! The video nodes of this machine, and for each whether it is a camera for us, and if not, why and what helps.
//!
//! A Raspberry Pi has a dozen nodes `/dev/video*` that are no cameras: codecs and image processors, and the raw side of CSI cameras.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use v4l::Device;
use v4l::capability::Flags;
use v4l::video::Capture;

use super::negotiate::pixel_format;
use crate::config::PixelFormat;

/// Drivers of the Raspberry Pi's codecs and image processors.
const CODEC_DRIVERS: [&str; 6] = ["bcm2835-codec", "bcm2835-isp", "pispbe", "rpivid", "rpi-hevc-dec", "rpi_hevc_dec"];

/// Drivers of CSI cameras whose pictures are raw Bayer data until libcamera has worked on them.
const RAW_BAYER_DRIVERS: [&str; 3] = ["unicam", "bcm2835-unicam", "rp1-cfe"];

/// A video node and what came out of looking at it.
#[derive(Debug)]
pub struct Candidate {
    /// `/dev/video0`
    pub path: PathBuf,
    /// What the device calls itself; empty if not known.
    pub card: String,
    /// `uvcvideo` for USB cameras; empty if not known.
    pub driver: String,
    /// Where it is plugged in: `usb-0000:00:14.0-1`; empty if not known.
    pub bus: String,
    /// Whether it is of use, and why not.
    pub verdict: Verdict,
}

/// Whether a video node is a camera that we can use. Displayed as the reason, with the remedy.
#[derive(Debug)]
pub enum Verdict {
    /// It is, with these pixel formats.
    Usable(Vec<PixelFormat>),
    /// It gives no pictures: a camera's metadata, an output, a codec.
    NoCapture,
    /// It belongs to the Raspberry Pi's codecs or image processors.
    Codec,
    /// It is a CSI camera, which works through `rpicam-vid` only.
    RawBayer,
    /// We may not open it; the remedy.
    NoPermission(String),
    /// Another program has it.
    Busy,
    /// It gives pictures, but in none of our formats: these are its own.
    NoCommonFormat(Vec<String>),
    /// It could not be asked.
    Failed(io::Error),
}

impl Verdict {
    /// True for [`Verdict::Usable`].
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Usable(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usable(formats) => {
                let names: Vec<_> = formats.iter().map(|format| format!("{format:?}").to_uppercase()).collect();
                write!(f, "usable ({})", names.join(", "))
            }
            Self::NoCapture => f.write_str("not a camera: it gives no pictures (metadata, output or codec node)"),
            Self::Codec => f.write_str("not a camera: part of the Raspberry Pi's codecs and image processors"),
            Self::RawBayer => f.write_str("a CSI camera with raw Bayer data: use source = \"rpicam\" (package rpicam-apps)"),
            Self::NoPermission(remedy) => write!(f, "no permission: {remedy}"),
            Self::Busy => f.write_str("in use by another program (`fuser -v` with the path names it)"),
            Self::NoCommonFormat(offered) => {
                write!(f, "none of our pixel formats: it offers {}", offered.join(", "))
            }
            Self::Failed(error) => write!(f, "cannot be asked: {error}"),
        }
    }
}

impl fmt::Display for Candidate {
    /// `/dev/video0 "HD Webcam" (uvcvideo): usable (YUYV, MJPG)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if !self.card.is_empty() {
            write!(f, " \"{}\"", self.card)?;
        }
        if !self.driver.is_empty() {
            write!(f, " ({})", self.driver)?;
        }
        write!(f, ": {}", self.verdict)
    }
}

/// Looks at every `/dev/video*`, in the order of their numbers. Opens and closes the nodes, but captures nothing.
pub fn candidates() -> Vec<Candidate> {
    let mut numbers: Vec<u32> = fs::read_dir("/dev")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("video")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers.into_iter().map(|number| examine(Path::new(&format!("/dev/video{number}")))).collect()
}

/// Looks at one node.
pub fn examine(path: &Path) -> Candidate {
    let mut candidate = known_to_sysfs(path);
    candidate.verdict = match CODEC_DRIVERS.contains(&candidate.driver.as_str()) {
        true => Verdict::Codec,
        false if RAW_BAYER_DRIVERS.contains(&candidate.driver.as_str()) => Verdict::RawBayer,
        false => match open(path) {
            Ok(device) => ask(&device, &mut candidate).unwrap_or_else(verdict_of),
            Err(error) => refused(path, &error).unwrap_or_else(|| verdict_of(error)),
        },
    };
    candidate
}

/// Opens a node.
///
/// # Errors
/// With the system's error if the node is not there, not a device, or not ours to open.
pub(super) fn open(path: &Path) -> io::Result<Device> {
    // Also refuses a path with a zero byte, on which the crate would panic.
    if !fs::metadata(path)?.file_type().is_char_device() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a video device"));
    }
    Device::with_path(path)
}

/// Asks a driver through the `v4l` crate, which panics on what it does not expect: a name that is cut within a UTF-8 character, a colour code newer
/// than itself. Both come from foreign hardware, so here a panic becomes an error.
pub(super) fn asked<T>(question: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(question))
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, "the driver's answer makes no sense")))
}

pub(super) fn is(error: &io::Error, errno: Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

/// Fills in names and capabilities, and says whether the node captures.
pub(super) fn identify(device: &Device, candidate: &mut Candidate) -> io::Result<bool> {
    match asked(|| device.query_caps()) {
        Ok(found) => {
            (candidate.card, candidate.driver, candidate.bus) = (found.card, found.driver, found.bus);
            Ok(found.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING))
        }
        // What sysfs says must do then; whether it captures, its formats show.
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(true),
        Err(error) => Err(error),
    }
}

fn ask(device: &Device, candidate: &mut Candidate) -> io::Result<Verdict> {
    if !identify(device, candidate)? {
        return Ok(Verdict::NoCapture);
    }
    if CODEC_DRIVERS.contains(&candidate.driver.as_str()) {
        return Ok(Verdict::Codec);
    }
    if RAW_BAYER_DRIVERS.contains(&candidate.driver.as_str()) {
        return Ok(Verdict::RawBayer);
    }
    let offered: Vec<_> = asked(|| device.enum_formats())?.iter().map(|format| format.fourcc).collect();
    if offered.is_empty() {
        return Ok(Verdict::NoCapture);
    }
    let mut formats: Vec<_> = offered.iter().filter_map(|fourcc| pixel_format(fourcc.repr)).collect();
    formats.dedup();
    if formats.is_empty() {
        return Ok(Verdict::NoCommonFormat(offered.iter().map(ToString::to_string).collect()));
    }
    // Setting the format that is set already changes nothing, but fails while another program streams.
    match asked(|| device.set_format(&device.format()?)) {
        Err(error) if is(&error, Errno::BUSY) => Ok(Verdict::Busy),
        _ => Ok(Verdict::Usable(formats)),
    }
}

fn verdict_of(error: io::Error) -> Verdict {
    if is(&error, Errno::BUSY) { Verdict::Busy } else { Verdict::Failed(error) }
}

/// What the kernel tells without opening the node.
pub(super) fn known_to_sysfs(path: &Path) -> Candidate {
    let node = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let about = Path::new("/sys/class/video4linux").join(node.file_name().unwrap_or_default());
    let card = fs::read(about.join("name")).unwrap_or_default();
    let last_name = |link: PathBuf| {
        fs::canonicalize(link).ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned())).unwrap_or_default()
    };
    Candidate {
        path: path.into(),
        card: String::from_utf8_lossy(card.trim_ascii()).into_owned(),
        driver: last_name(about.join("device/driver")),
        bus: last_name(about.join("device")),
        verdict: Verdict::NoCapture,
    }
}

/// What keeps a node from those whom its mode lets.
const FORBIDDEN: &str = "something else forbids it (a sandbox, a container's device rules)";

/// The verdict on a node that we may not open. Device rules answer with EPERM, the mode of the node with EACCES.
pub(super) fn refused(path: &Path, error: &io::Error) -> Option<Verdict> {
    if is(error, Errno::PERM) {
        return Some(Verdict::NoPermission(FORBIDDEN.into()));
    }
    is(error, Errno::ACCESS).then(|| Verdict::NoPermission(permission_remedy(path)))
}

/// What helps a user who may not open `path`.
fn permission_remedy(path: &Path) -> String {
    let Ok(about) = fs::metadata(path) else { return format!("{} cannot be looked at", path.display()) };
    let name_of = |id: u32, table: &str| {
        let table = fs::read(table).unwrap_or_default();
        name_of(id, &String::from_utf8_lossy(&table)).unwrap_or_else(|| id.to_string())
    };
    let group = name_of(about.gid(), "/etc/group");
    if about.mode() & 0o060 != 0o060 {
        return format!("its mode lets only its owner open it (`sudo chmod g+rw {}`, or a udev rule)", path.display());
    }
    let own_group = rustix::process::getegid().as_raw();
    let groups = rustix::process::getgroups().unwrap_or_default();
    if about.gid() == own_group || groups.iter().any(|id| id.as_raw() == about.gid()) {
        return format!("its group is ours, but {FORBIDDEN}");
    }
    let user = name_of(rustix::process::geteuid().as_raw(), "/etc/passwd");
    format!("it belongs to group \"{group}\" (`sudo usermod -aG {group} {user}`, then log in again)")
}

/// The name of a user or group in the text of `/etc/passwd` or `/etc/group`: `name:password:id:…`.
fn name_of(id: u32, table: &str) -> Option<String> {
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_by_their_number() {
        let groups = "root:x:0:\n# comment\nvideo:x:44:ann,bob\nbroken\n";
        assert_eq!(name_of(44, groups).as_deref(), Some("video"));
        assert_eq!(name_of(0, groups).as_deref(), Some("root"));
        assert_eq!(name_of(7, groups), None);
        assert_eq!(name_of(1000, "ann:x:1000:1000:Ann,,,:/home/ann:/bin/sh").as_deref(), Some("ann"));
    }

    #[test]
    fn a_candidate_is_told_in_one_line() {
        let mut candidate = Candidate {
            path: "/dev/video0".into(),
            card: "HD Webcam".into(),
            driver: "uvcvideo".into(),
            bus: "usb-0000:00:14.0-1".into(),
            verdict: Verdict::Usable(vec![PixelFormat::Yuyv, PixelFormat::Mjpg]),
        };
        assert_eq!(candidate.to_string(), "/dev/video0 \"HD Webcam\" (uvcvideo): usable (YUYV, MJPG)");
        candidate.verdict = Verdict::NoCommonFormat(vec!["H264".into(), "pBAA".into()]);
        assert!(candidate.to_string().ends_with(": none of our pixel formats: it offers H264, pBAA"));
    }

    #[test]
    fn a_path_that_is_no_camera_has_failed_with_the_reason() {
        let verdict = |path| examine(Path::new(path)).verdict.to_string();
        assert_eq!(verdict("/nonexistent/video0"), "cannot be asked: No such file or directory (os error 2)");
        assert_eq!(verdict("/etc/passwd"), "cannot be asked: not a video device");
        // ENOTTY, and under emulation (qemu-user) ENOSYS.
        assert!(verdict("/dev/null").starts_with("cannot be asked: "));
        assert!(verdict("/dev/\0video0").starts_with("cannot be asked: "));
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_an_error_and_no_panic() {
        let error = asked::<()>(|| panic!("not UTF-8")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
