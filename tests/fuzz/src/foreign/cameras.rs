//! Pictures: those of cameras, and files that are looked at or replayed.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use visaged::camera::luma::{Layout, LumaReader, MAX_SIDE};
use visaged::camera::replay::Replay;
use visaged::camera::{FrameSource, picture};
use visaged::config::{CameraConfig, PixelFormat, ReplaySpeed};
use visaged::frame::Frame;
use visaged::stop::Stop;

use super::refusal;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("there is a folder for temporary files");
}

/// A file with these bytes.
pub(super) fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.with(|folder| folder.path().join(name));
    // A file that is written over reaches the disk at once on some file systems; a new one may be gone again before.
    let _ = fs::remove_file(&path);
    fs::write(&path, bytes).expect("there is room for a temporary file");
    path
}

/// Of a camera whose mode has just the size that the picture says, as far as a mode can.
pub(super) fn mjpeg(bytes: &[u8]) {
    let (width, height) = size_of(bytes).filter(|(width, height)| *width <= MAX_SIDE && *height <= MAX_SIDE).unwrap_or((50, 30));
    read(Layout { format: PixelFormat::Mjpg, width, height, bytes_per_line: 0 }, bytes);
}

/// The size in the first frame header (T.81 B.2.2: FF C0 to FF C2, length, precision, height, width); neither side is 0.
fn size_of(jpeg: &[u8]) -> Option<(u32, u32)> {
    let header = jpeg.windows(9).find(|bytes| bytes[0] == 0xFF && (0xC0..=0xC2).contains(&bytes[1]))?;
    let side = |place: usize| Some(u32::from(u16::from_be_bytes([header[place], header[place + 1]]))).filter(|side| *side > 0);
    Some((side(7)?, side(5)?))
}

/// A driver's word for the layout (format, width, height and bytes in a row, little-endian), then its bytes.
pub(super) fn converters(bytes: &[u8]) {
    const FORMATS: [PixelFormat; 7] = [
        PixelFormat::Grey,
        PixelFormat::Yuyv,
        PixelFormat::Uyvy,
        PixelFormat::Nv12,
        PixelFormat::Yu12,
        PixelFormat::Mjpg,
        PixelFormat::Auto,
    ];
    let Some((header, bytes)) = bytes.split_at_checked(13) else { return };
    let number = |place: usize| u32::from_le_bytes([header[place], header[place + 1], header[place + 2], header[place + 3]]);
    let layout = Layout {
        format: FORMATS[usize::from(header[0]) % FORMATS.len()],
        width: number(1),
        height: number(5),
        bytes_per_line: number(9),
    };
    let Some(frame) = read(layout, bytes) else { return };
    let (step, offset) = match layout.format {
        PixelFormat::Grey | PixelFormat::Nv12 | PixelFormat::Yu12 => (1, 0),
        PixelFormat::Yuyv => (2, 0),
        PixelFormat::Uyvy => (2, 1),
        PixelFormat::Mjpg | PixelFormat::Auto => return,
    };
    let row_bytes = if layout.bytes_per_line == 0 { layout.width * step } else { layout.bytes_per_line };
    for (x, y, pixel) in frame.image.enumerate_pixels() {
        assert_eq!(pixel.0[0], bytes[(y * row_bytes + x * step + offset) as usize], "pixel {x}, {y} of {layout:?}");
    }
}

/// The frame, if the layout is one and the bytes make a picture of it.
fn read(layout: Layout, bytes: &[u8]) -> Option<Frame> {
    let mut reader = LumaReader::new(layout).map_err(refusal).ok()?;
    let mut frame = Frame::default();
    // The second time in buffers that have been used.
    let first = reader.read(bytes, &mut frame).is_ok();
    let second = reader.read(bytes, &mut frame).map_err(refusal);
    assert_eq!(first, second.is_ok(), "the same picture is read differently the second time");
    assert_eq!(frame.image.dimensions(), (layout.width, layout.height));
    second.ok().map(|()| frame)
}

/// A file that is named on the command line, or lies in a folder that is replayed.
pub(super) fn picture(bytes: &[u8]) {
    match picture::load_grey(&file("picture", bytes)) {
        Ok(image) => {
            let (width, height) = image.dimensions();
            assert!(width <= picture::MAX_SIDE && height <= picture::MAX_SIDE);
        }
        Err(error) => {
            let message = refusal(error);
            assert!(message.contains("picture: cannot read the picture: "), "{message}");
        }
    }
}

/// A recording, to its end and once more from its beginning.
pub(super) fn y4m(bytes: &[u8]) {
    const FRAMES: usize = 8;
    let replay = CameraConfig {
        replay: file("clip.y4m", bytes),
        replay_speed: ReplaySpeed::Full,
        replay_loop: true,
        ..CameraConfig::default()
    };
    match Replay::open(&replay, Stop::default()) {
        Ok(mut replay) => {
            let mut frame = Frame::default();
            for _ in 0..FRAMES {
                match replay.next_frame(&mut frame) {
                    Ok(true) => assert!(!frame.image.is_empty()),
                    Ok(false) => break,
                    Err(error) => {
                        refusal(error);
                        break;
                    }
                }
            }
        }
        Err(error) => drop(refusal(error)),
    }
}
