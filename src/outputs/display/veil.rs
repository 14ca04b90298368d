//! What lies between the scene and a display: it moves the scene by a few pixels, darkens it, and on a display of one colour decides what is lit.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{Dimensions, PointsIter, RgbColor};
use embedded_graphics::primitives::Rectangle;

/// What becomes of a colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Tone {
    /// Nothing.
    Plain,
    /// It keeps so many 256ths of its light.
    Dimmed(u16),
    /// Its lighter half is lit, the rest is not.
    Mono,
}

impl Tone {
    pub(super) fn of(self, color: Rgb888) -> Rgb888 {
        match self {
            Self::Plain => color,
            Self::Dimmed(share) => {
                let channel = |value: u8| (u16::from(value) * share / 256) as u8;
                Rgb888::new(channel(color.r()), channel(color.g()), channel(color.b()))
            }
            Self::Mono if color.g() >= 128 => Rgb888::WHITE,
            Self::Mono => Rgb888::BLACK,
        }
    }
}

/// The part of `target` that the scene is drawn on. What is drawn beyond its edges is ignored.
pub(super) struct Veil<'a, D> {
    pub(super) target: &'a mut D,
    /// The top left corner of the part.
    pub(super) corner: Point,
    pub(super) size: Size,
    pub(super) tone: Tone,
}

impl<D> OriginDimensions for Veil<'_, D> {
    fn size(&self) -> Size {
        self.size
    }
}

impl<D: DrawTarget<Color = Rgb888>> DrawTarget for Veil<'_, D> {
    type Color = Rgb888;
    type Error = D::Error;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), D::Error> {
        let Self { corner, tone, .. } = *self;
        let part = self.bounding_box();
        let inside = pixels.into_iter().filter(|Pixel(point, _)| part.contains(*point));
        self.target.draw_iter(inside.map(|Pixel(point, color)| Pixel(point + corner, tone.of(color))))
    }

    fn fill_contiguous<I: IntoIterator<Item = Rgb888>>(&mut self, area: &Rectangle, colors: I) -> Result<(), D::Error> {
        let Self { corner, tone, .. } = *self;
        if area.intersection(&self.bounding_box()) != *area {
            return self.draw_iter(area.points().zip(colors).map(|(point, color)| Pixel(point, color)));
        }
        let moved = Rectangle::new(area.top_left + corner, area.size);
        match tone {
            Tone::Plain => self.target.fill_contiguous(&moved, colors),
            tone => self.target.fill_contiguous(&moved, colors.into_iter().map(|color| tone.of(color))),
        }
    }

    fn fill_solid(&mut self, area: &Rectangle, color: Rgb888) -> Result<(), D::Error> {
        let inside = area.intersection(&self.bounding_box());
        self.target.fill_solid(&Rectangle::new(inside.top_left + self.corner, inside.size), self.tone.of(color))
    }

    /// Fills the whole target, also what lies around the part.
    fn clear(&mut self, color: Rgb888) -> Result<(), D::Error> {
        self.target.clear(self.tone.of(color))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::display::canvas::Canvas;

    #[test]
    fn what_is_drawn_is_moved_cut_off_at_the_edges_and_toned() {
        let mut canvas = Canvas::new(4, 2);
        let mut veil = Veil { target: &mut canvas, corner: Point::new(1, 0), size: Size::new(2, 2), tone: Tone::Dimmed(128) };
        let Ok(()) = veil.clear(Rgb888::new(20, 40, 60));
        let Ok(()) = veil.draw_iter([(0, 0), (2, 0), (-1, 1)].map(|(x, y)| Pixel(Point::new(x, y), Rgb888::WHITE)));
        let Ok(()) = veil.fill_contiguous(&Rectangle::new(Point::new(1, 1), Size::new(2, 1)), [Rgb888::RED, Rgb888::BLUE]);
        let (ground, white, red) = (Rgb888::new(10, 20, 30), Rgb888::new(127, 127, 127), Rgb888::new(127, 0, 0));
        let rows: Vec<_> = canvas.rows().collect();
        assert_eq!(rows, [[ground, white, ground, ground], [ground, ground, red, ground]]);
    }

    #[test]
    fn of_one_colour_means_black_or_white() {
        assert_eq!(Tone::Mono.of(Rgb888::new(128, 128, 128)), Rgb888::WHITE);
        assert_eq!(Tone::Mono.of(Rgb888::new(127, 127, 127)), Rgb888::BLACK);
    }
}
