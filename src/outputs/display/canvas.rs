//! A picture in memory that scenes are drawn on and displays read: 24-bit colours, row by row from the top left, used again for every frame.

use std::convert::Infallible;

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{PointsIter, RgbColor};
use embedded_graphics::primitives::Rectangle;

/// The picture. What is drawn outside of it is ignored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Canvas {
    width: usize,
    pixels: Vec<Rgb888>,
}

impl Canvas {
    /// A black picture.
    pub fn new(width: u32, height: u32) -> Self {
        let mut canvas = Self::default();
        canvas.resize(width, height);
        canvas
    }

    /// Gives the picture this size and makes it black.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.width = width as usize;
        self.pixels.clear();
        self.pixels.resize(width as usize * height as usize, Rgb888::BLACK);
    }

    /// The rows from top to bottom; none if the picture has no width.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[Rgb888]> {
        self.pixels.chunks_exact(self.width.max(1))
    }

    /// Red, green and blue of each pixel.
    pub fn to_rgb_bytes(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend(self.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()]));
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(self.width as u32, (self.pixels.len() / self.width.max(1)) as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(Point { x, y }, color) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            if x < self.width
                && let Some(pixel) = self.pixels.get_mut(y * self.width + x)
            {
                *pixel = color;
            }
        }
        Ok(())
    }

    fn fill_contiguous<I: IntoIterator<Item = Rgb888>>(&mut self, area: &Rectangle, colors: I) -> Result<(), Infallible> {
        let inside = area.intersection(&Rectangle::new(Point::zero(), self.size()));
        if inside != *area {
            // Colours of pixels outside have to be passed over.
            return self.draw_iter(area.points().zip(colors).map(|(point, color)| Pixel(point, color)));
        }
        let mut colors = colors.into_iter();
        for y in area.rows() {
            let begin = y as usize * self.width + area.top_left.x as usize;
            for (pixel, color) in self.pixels[begin..begin + area.size.width as usize].iter_mut().zip(&mut colors) {
                *pixel = color;
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), Infallible> {
        let inside = area.intersection(&Rectangle::new(Point::zero(), self.size()));
        for y in inside.rows() {
            let begin = y as usize * self.width + inside.top_left.x as usize;
            self.pixels[begin..begin + inside.size.width as usize].fill(color);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use embedded_graphics::primitives::{Primitive, PrimitiveStyle};
    use embedded_graphics::{Drawable, mock_display::MockDisplay};

    use super::*;

    fn assert_pattern(canvas: &Canvas, pattern: &[&str]) {
        let mut display = MockDisplay::new();
        let pixels = Rectangle::new(Point::zero(), canvas.size()).points().zip(&canvas.pixels);
        display.draw_iter(pixels.map(|(point, color)| Pixel(point, *color))).unwrap();
        display.assert_pattern(pattern);
    }

    #[test]
    fn what_is_drawn_beyond_the_edges_is_cut_off() {
        let mut canvas = Canvas::new(4, 3);
        let style = PrimitiveStyle::with_fill(Rgb888::RED);
        Rectangle::new(Point::new(-2, -2), Size::new(3, 3)).into_styled(style).draw(&mut canvas).unwrap();
        canvas.draw_iter([Pixel(Point::new(4, 0), Rgb888::GREEN), Pixel(Point::new(0, 3), Rgb888::GREEN)]).unwrap();
        let colors = [Rgb888::BLUE, Rgb888::WHITE, Rgb888::BLUE, Rgb888::WHITE];
        canvas.fill_contiguous(&Rectangle::new(Point::new(3, 1), Size::new(2, 2)), colors).unwrap();
        assert_pattern(&canvas, &["RKKK", "KKKB", "KKKB"]);
    }

    #[test]
    fn contiguous_colours_fill_an_area_row_by_row() {
        let mut canvas = Canvas::new(4, 3);
        let colors = [Rgb888::RED, Rgb888::GREEN, Rgb888::BLUE, Rgb888::WHITE];
        canvas.fill_contiguous(&Rectangle::new(Point::new(1, 1), Size::new(2, 2)), colors).unwrap();
        assert_pattern(&canvas, &["KKKK", "KRGK", "KBWK"]);
    }

    #[test]
    fn a_canvas_without_pixels_takes_everything() {
        let mut canvas = Canvas::new(0, 5);
        canvas.clear(Rgb888::RED).unwrap();
        canvas.draw_iter([Pixel(Point::zero(), Rgb888::RED)]).unwrap();
        assert_eq!(canvas.rows().count(), 0);
    }
}
