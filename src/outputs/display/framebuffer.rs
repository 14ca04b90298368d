//! The scene on a framebuffer such as `/dev/fb0`, in whatever size, depth and order of colours the kernel says it has.
//!
//! Only rows that changed are written. On Raspberry Pi OS the user must be in group `video`; a console's cursor and text on the same screen are
//! not touched.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Context, Result};
use embedded_graphics::pixelcolor::Rgb888;

use super::canvas::Canvas;
use super::fb_geometry::{self, Geometry};
use super::scene::Scene;
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
}

impl Framebuffer {
    /// Opens the device, asks for its geometry and makes it black.
    ///
    /// # Errors
    /// If it cannot be opened or written, is no framebuffer, or has pixels of another kind than 16, 24 or 32 bits with red, green and blue.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            let hint = match error.kind() {
                std::io::ErrorKind::PermissionDenied => {
                    " (is the user in group \"video\"? `sudo usermod -aG video $USER`, then log in again)"
                }
                std::io::ErrorKind::NotFound => " (is a screen connected?)",
                _ => "",
            };
            anyhow::Error::from(error).context(format!("cannot open {}{hint}", path.display()))
        })?;
        let geometry = fb_geometry::ask(&file).with_context(|| format!("cannot use {}", path.display()))?;
        Self::with_geometry(path, file, geometry)
    }

    /// As [`open`](Self::open), with a geometry that is known.
    fn with_geometry(path: &Path, file: File, geometry: Geometry) -> Result<Self> {
        let mut framebuffer = Self {
            name: format!("screen {}", path.display()),
            file,
            scene: Scene::default(),
            canvas: Canvas::new(geometry.width, geometry.height),
            // Nothing that a row can be: each is written once.
            shown: Vec::new(),
            row: Vec::new(),
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
        for (y, (pixels, shown)) in canvas.rows().zip(shown.chunks_exact_mut(row_bytes)).enumerate() {
            row.clear();
            for pixel in pixels {
                geometry.format.pack(*pixel, row);
            }
            if first_time || row != shown {
                file.write_all_at(row, geometry.row_offset(y)).with_context(|| format!("cannot write to {name}"))?;
                shown.copy_from_slice(row);
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
        let Ok(()) = self.scene.draw(view, &mut self.canvas);
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
        let mut framebuffer = Framebuffer::with_geometry(file.path(), open(), geometry()).unwrap();
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
        let mut framebuffer = Framebuffer::with_geometry(file.path(), open(), geometry()).unwrap();
        framebuffer.show(View::Starting).unwrap();
        std::fs::write(file.path(), []).unwrap();
        framebuffer.show(View::Starting).unwrap();
        assert!(std::fs::read(file.path()).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_framebuffer_is_refused_by_name() {
        let error = format!("{:#}", Framebuffer::open(Path::new("/dev/null")).err().unwrap());
        assert!(error.starts_with("cannot use /dev/null: it is no framebuffer"), "{error}");
        let error = format!("{:#}", Framebuffer::open(Path::new("/dev/fb77")).err().unwrap());
        assert!(error.starts_with("cannot open /dev/fb77 (is a screen connected?): "), "{error}");
    }
}
