//! Which rows of which of two buffers are out of date, so that only rows that changed are converted and copied.

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;

use super::canvas::Canvas;

/// The last picture, and for each of the two buffers the rows in which it does not yet have it.
pub(super) struct DoubleBuffer {
    newest: Canvas,
    stale: [Vec<bool>; 2],
    /// The one to be written next; the other is on the screen.
    back: usize,
}

impl DoubleBuffer {
    /// For two buffers of `height` rows that hold anything.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let stale = vec![true; height as usize];
        Self { newest: Canvas::new(width, height), stale: [stale.clone(), stale], back: 0 }
    }

    /// The one to be written next.
    pub(super) fn back(&self) -> usize {
        self.back
    }

    /// Takes a new picture of the same size; true if the screen must change.
    pub(super) fn take(&mut self, canvas: &Canvas) -> bool {
        for (y, (new, newest)) in canvas.rows().zip(self.newest.rows()).enumerate() {
            if new != newest {
                self.stale.iter_mut().for_each(|stale| stale[y] = true);
            }
        }
        self.newest.clone_from(canvas);
        // What is on the screen is right if nothing in its buffer is out of date.
        self.stale[1 - self.back].contains(&true)
    }

    /// Brings the back buffer up to date, which has `pitch` bytes from row to row; gives the number of rows written.
    pub(super) fn write(&mut self, bytes: &mut [u8], pitch: usize) -> usize {
        let mut written = 0;
        for ((row, stale), bytes) in self.newest.rows().zip(&mut self.stale[self.back]).zip(bytes.chunks_mut(pitch)) {
            if std::mem::take(stale) {
                pack_xrgb8888(row, bytes);
                written += 1;
            }
        }
        written
    }

    /// The buffer that was written is on the screen now.
    pub(super) fn flip(&mut self) {
        self.back = 1 - self.back;
    }
}

/// DRM's XRGB8888: a little-endian number, so blue comes first.
fn pack_xrgb8888(row: &[Rgb888], bytes: &mut [u8]) {
    for (pixel, bytes) in row.iter().zip(bytes.chunks_exact_mut(4)) {
        bytes.copy_from_slice(&[pixel.b(), pixel.g(), pixel.r(), 0]);
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::Pixel;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::geometry::Point;

    use super::*;

    /// Two buffers of 4×3 pixels with rows of 20 bytes, and the screen that shows one of them.
    struct Screen {
        buffers: [Vec<u8>; 2],
        rows: DoubleBuffer,
        shown: usize,
    }

    impl Screen {
        fn new() -> Self {
            Self { buffers: [vec![0xEE; 60], vec![0xEE; 60]], rows: DoubleBuffer::new(4, 3), shown: 1 }
        }

        /// Shows a picture; how many rows were written, or nothing if the screen was right already.
        fn show(&mut self, canvas: &Canvas) -> Option<usize> {
            let written = self.rows.take(canvas).then(|| {
                let back = self.rows.back();
                assert_ne!(back, self.shown, "what is on the screen is never written");
                let written = self.rows.write(&mut self.buffers[back], 20);
                self.rows.flip();
                self.shown = back;
                written
            });
            for (y, row) in canvas.rows().enumerate() {
                let bytes = &self.buffers[self.shown][20 * y..20 * y + 20];
                let expected: Vec<u8> = row.iter().flat_map(|pixel| [pixel.b(), pixel.g(), pixel.r(), 0]).collect();
                assert_eq!(bytes[..16], expected);
                assert_eq!(bytes[16..], [0xEE; 4], "between rows nothing is written");
            }
            written
        }
    }

    fn picture(pixels: &[(i32, i32, Rgb888)]) -> Canvas {
        let mut canvas = Canvas::new(4, 3);
        canvas.draw_iter(pixels.iter().map(|(x, y, color)| Pixel(Point::new(*x, *y), *color))).unwrap();
        canvas
    }

    #[test]
    fn both_buffers_get_every_change_once_and_the_screen_is_always_right() {
        let mut screen = Screen::new();
        let (black, red) = (picture(&[]), picture(&[(1, 1, Rgb888::new(255, 128, 1))]));
        let both = picture(&[(1, 1, Rgb888::new(255, 128, 1)), (3, 2, Rgb888::BLUE)]);
        assert_eq!(screen.show(&black), Some(3), "noise before");
        assert_eq!(screen.show(&black), None);
        // The other buffer still has noise.
        assert_eq!(screen.show(&red), Some(3));
        assert_eq!(screen.show(&red), None);
        // Row 2, and row 1 which this buffer has not seen yet.
        assert_eq!(screen.show(&both), Some(2));
        assert_eq!(screen.show(&black), Some(2));
        assert_eq!(screen.show(&both), Some(2));
    }

    #[test]
    fn a_pixel_is_blue_green_red_and_nothing() {
        let mut bytes = [0xEE; 4];
        pack_xrgb8888(&[Rgb888::new(0x11, 0x22, 0x33)], &mut bytes);
        assert_eq!(u32::from_le_bytes(bytes), 0x0011_2233);
    }
}
