//! The scene on a framebuffer such as `/dev/fb0`, in whatever size, depth and order of colours the kernel says it has.
//!
//! Only rows that changed are written, and every ten seconds all: the console writes into the same memory, a login prompt for instance. Its cursor and
//! its blanking are switched off meanwhile. On Raspberry Pi OS the user must be in group `video`, and for the cursor in group `tty`.
//!
//! Where the kernel has DRM, and that is everywhere today, a screen is better used by [`drm`](super::drm): there the console stays out of the way.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use embedded_graphics::pixelcolor::Rgb888;

use super::canvas::Canvas;
use super::console::QuietConsole;
use super::fb_geometry::{self, Geometry};
use super::moment::Moment;
use super::scene::Scene;
use super::style::SceneStyle;
use crate::outputs::permission::group_hint;
use crate::outputs::{Output, View};

/// A screen.
pub struct Framebuffer {
    name: String,
    file: File,
    geometry: Geometry,
    scene: Scene,
    canvas: Canvas,
    /// The rows as they are on the screen, one after the other without the gaps between them.
    shown: Vec<u8>,
    row: Vec<u8>,
    /// When all rows were last written.
    painted_at: Instant,
    /// Let go after the last black.
    _console: Option<QuietConsole>,
}

/// How long what others draw on the screen may stay.
const PAINT_ALL_EVERY: Duration = Duration::from_secs(10);

impl Framebuffer {
    /// Opens the device, asks for its geometry and makes it black. Its scene has this style.
    ///
    /// # Errors
    /// If it cannot be opened or written, is no framebuffer, or has pixels of another kind than 16, 24 or 32 bits with red, green and blue.
    pub fn open(path: &Path, style: SceneStyle) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::PermissionDenied => group_hint(path),
                std::io::ErrorKind::NotFound => " (is a screen connected?)".into(),
                _ => String::new(),
            };
            anyhow::Error::from(error).context(format!("cannot open {}{hint}", path.display()))
        })?;
        let geometry = fb_geometry::ask(&file).with_context(|| format!("cannot use {}", path.display()))?;
        let mut framebuffer = Self::with_geometry(path, file, geometry, style)?;
        framebuffer._console = Some(QuietConsole::hush(Path::new("/dev/tty0")));
        Ok(framebuffer)
    }

    /// As [`open`](Self::open), with a geometry that is known.
    fn with_geometry(path: &Path, file: File, geometry: Geometry, style: SceneStyle) -> Result<Self> {
        let mut framebuffer = Self {
            name: format!("screen {}", path.display()),
            file,
            scene: Scene::new(style),
            canvas: Canvas::new(geometry.width, geometry.height),
            // Nothing that a row can be: each is written once.
            shown: Vec::new(),
            row: Vec::new(),
            painted_at: Instant::now(),
            _console: None,
            geometry,
        };
        framebuffer.write_canvas()?;
        Ok(framebuffer)
    }

    fn write_canvas(&mut self) -> Result<()> {
        let Self { name, file, geometry, canvas, shown, row, .. } = self;
        let row_bytes = geometry.row_bytes();
        let first_time = shown.is_empty();
        shown.resize(row_bytes * geometry.height as usize, 0);
        for (y, pixels) in canvas.rows().enumerate() {
            row.clear();
            for pixel in pixels {
                geometry.format.pack(*pixel, row);
            }
            let place = y * row_bytes..(y + 1) * row_bytes;
            if first_time || row[..] != shown[place.clone()] {
                shown[place].copy_from_slice(row);
                let rows = geometry.rows_to_write(y);
                let bytes = &shown[rows.start * row_bytes..rows.end * row_bytes];
                file.write_all_at(bytes, geometry.row_offset(rows.start)).with_context(|| format!("cannot write to {name}"))?;
            }
        }
        Ok(())
    }
}

impl Output for Framebuffer {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        if self.painted_at.elapsed() >= PAINT_ALL_EVERY {
            self.painted_at = Instant::now();
            self.shown.clear();
        }
        let Ok(()) = self.scene.at(Moment::now()).draw(view, &mut self.canvas);
        self.write_canvas()
    }
}

impl Drop for Framebuffer {
    fn drop(&mut self) {
        use embedded_graphics::draw_target::DrawTarget;
        use embedded_graphics::prelude::RgbColor;
        let Ok(()) = self.canvas.clear(Rgb888::BLACK);
        let _ = self.write_canvas();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::display::fb_geometry::{Channel, PixelFormat};

    /// RGB565, 100×62 visible at (3, 1) of a larger picture with rows of 256 bytes.
    fn geometry() -> Geometry {
        let channel = |offset, length| Channel { offset, length };
        Geometry {
            width: 100,
            height: 62,
            x: 3,
            y: 1,
            line_length: 256,
            format: PixelFormat { bytes: 2, red: channel(11, 5), green: channel(5, 6), blue: channel(0, 5), opaque: 0 },
        }
    }

    #[test]
    fn the_picture_lies_where_the_kernel_says_and_nothing_else_is_touched() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![0xAA; 256 * 64]).unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(file.path()).unwrap();
        let mut framebuffer = Framebuffer::with_geometry(file.path(), open(), geometry(), SceneStyle::default()).unwrap();
        framebuffer.show(View::Starting).unwrap();

        let bytes = std::fs::read(file.path()).unwrap();
        for (index, pixel) in bytes.chunks_exact(2).enumerate() {
            let (x, y) = (index % 128, index / 128);
            let inside = (3..103).contains(&x) && (1..63).contains(&y);
            assert_eq!(pixel == [0xAA, 0xAA], !inside, "{x}, {y}");
        }
        // The paper's #10151C: 00010 000101 00011 = 0x10A3.
        assert_eq!(bytes[256 + 6..256 + 8], [0xA3, 0x10]);

        drop(framebuffer);
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(bytes.iter().all(|byte| [0xAA, 0].contains(byte)), "black at the end");
    }

    #[test]
    fn rows_that_did_not_change_are_not_written_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(file.path()).unwrap();
        let mut framebuffer = Framebuffer::with_geometry(file.path(), open(), geometry(), SceneStyle::default()).unwrap();
        framebuffer.show(View::Starting).unwrap();
        std::fs::write(file.path(), []).unwrap();
        framebuffer.show(View::Starting).unwrap();
        assert!(std::fs::read(file.path()).unwrap().is_empty());
    }

    #[test]
    fn what_others_draw_on_the_screen_is_painted_over_within_ten_seconds() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(file.path()).unwrap();
        let mut framebuffer = Framebuffer::with_geometry(file.path(), open(), geometry(), SceneStyle::default()).unwrap();
        framebuffer.show(View::Paused).unwrap();
        let before = std::fs::read(file.path()).unwrap();
        std::fs::write(file.path(), vec![0x55; before.len()]).unwrap();
        framebuffer.painted_at -= PAINT_ALL_EVERY;
        framebuffer.show(View::Paused).unwrap();
        let after = std::fs::read(file.path()).unwrap();
        let row = 256 + 6..256 + 206;
        assert_eq!(after[row.clone()], before[row]);
    }

    #[test]
    fn what_is_no_framebuffer_is_refused_by_name() {
        let error = format!("{:#}", Framebuffer::open(Path::new("/dev/null"), SceneStyle::default()).err().unwrap());
        assert!(error.starts_with("cannot use /dev/null: it is no framebuffer"), "{error}");
        let error = format!("{:#}", Framebuffer::open(Path::new("/dev/fb77"), SceneStyle::default()).err().unwrap());
        assert!(error.starts_with("cannot open /dev/fb77 (is a screen connected?): "), "{error}");
    }
}
