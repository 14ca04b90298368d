//! Smooth shapes for any `DrawTarget`, which can be written but not read: a stack of layers over a known paper is mixed pixel by pixel.
//!
//! A shape says how far a point lies outside of it (its signed distance, negative inside); half a pixel on either side of the edge the
//! colours are mixed. Coordinates are pixels or any other unit, y grows downwards, and a pixel's colour is that of its centre.

use std::ops::Range;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use embedded_graphics::primitives::Rectangle;

/// An upright rectangle with its top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Area {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

impl Area {
    /// The square around a circle.
    pub fn around(x: f32, y: f32, radius: f32) -> Self {
        Self { x: x - radius, y: y - radius, width: 2.0 * radius, height: 2.0 * radius }
    }

    /// The first column to the right.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// The first row below.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The middle.
    pub fn center(&self) -> (f32, f32) {
        (self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Larger by `border` on each side.
    pub fn grown(&self, border: f32) -> Self {
        Self { x: self.x - border, y: self.y - border, width: self.width + 2.0 * border, height: self.height + 2.0 * border }
    }
}

/// An arc from corner to corner, as of a lip, a lid or a brow.
#[derive(Clone, Copy, Debug)]
pub struct Curve {
    /// Middle between the corners.
    pub x: f32,
    /// As `x`.
    pub y: f32,
    /// From the middle to a corner; positive.
    pub half_width: f32,
    /// How much lower than the middle the right corner lies; the left one lies higher by that.
    pub tilt: f32,
    /// How far the arc rises above its corners; negative: how far it sags.
    pub rise: f32,
    /// 0: a parabola, 1: half an ellipse.
    pub roundness: f32,
}

impl Curve {
    /// Height of the arc at `x`, which is between the corners.
    fn y_at(&self, x: f32) -> f32 {
        let t = ((x - self.x) / self.half_width).clamp(-1.0, 1.0);
        let parabola = 1.0 - t * t;
        self.y + self.tilt * t - self.rise * (parabola + self.roundness * (parabola.sqrt() - parabola))
    }
}

/// A part of a circle; angles in radians, clockwise from the top.
#[derive(Clone, Copy, Debug)]
pub struct Arc {
    center: (f32, f32),
    radius: f32,
    from: f32,
    to: f32,
    /// Half of the pen's width.
    half_width: f32,
    ends: [(f32, f32); 2],
    /// Where the middle between the ends lies, seen from the centre.
    middle: (f32, f32),
    /// The cosine of the angle from there to an end.
    reach: f32,
}

impl Arc {
    /// From one angle to another, less than a full turn.
    pub fn new(center: (f32, f32), radius: f32, from: f32, to: f32, half_width: f32) -> Self {
        let at = |angle: f32| (center.0 + radius * angle.sin(), center.1 - radius * angle.cos());
        let half_turn = (from + to) / 2.0;
        Self {
            center,
            radius,
            from,
            to,
            half_width,
            ends: [at(from), at(to)],
            middle: (half_turn.sin(), -half_turn.cos()),
            reach: ((to - from) / 2.0).cos(),
        }
    }

    fn distance(&self, x: f32, y: f32) -> f32 {
        let (right, down) = (x - self.center.0, y - self.center.1);
        let from_center = length(right, down);
        if right * self.middle.0 + down * self.middle.1 >= self.reach * from_center {
            return (from_center - self.radius).abs() - self.half_width;
        }
        let [from, to] = self.ends.map(|end| length(x - end.0, y - end.1));
        from.min(to) - self.half_width
    }

    /// How far a point lies beyond the line from the centre in the direction of `angle`.
    fn beyond(&self, angle: f32, x: f32, y: f32) -> f32 {
        let (sin, cos) = angle.sin_cos();
        (x - self.center.0) * cos + (y - self.center.1) * sin
    }

    /// Some points on it, near enough to each other for the area around them.
    fn points(&self) -> [(f32, f32); 9] {
        std::array::from_fn(|i| {
            let (sin, cos) = (self.from + (self.to - self.from) * i as f32 / 8.0).sin_cos();
            (self.center.0 + self.radius * sin, self.center.1 - self.radius * cos)
        })
    }
}

/// How many straight pieces stand for an arc; at 24 the corners do not show on a face of 1000 pixels.
const PIECES: usize = 24;

/// What a layer covers.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// A filled circle.
    Disc {
        /// Centre.
        x: f32,
        /// Centre.
        y: f32,
        /// In the same unit.
        radius: f32,
    },
    /// A rectangle with round corners.
    Rounded(Area, f32),
    /// What two rectangles with the same round corners have in common: the full part of a bar.
    Common(Area, Area, f32),
    /// A line with round ends.
    Line {
        /// Begin.
        from: (f32, f32),
        /// End.
        to: (f32, f32),
        /// Half of the line's width.
        half_width: f32,
    },
    /// A part of a circle drawn with a round pen.
    Arc(Arc),
    /// What of it lies before an angle, in radians clockwise from the top: the full part of a bent bar.
    ArcUntil(Arc, f32),
    /// An arc drawn with a round pen, as its pieces and half the pen's width.
    Stroke([(f32, f32); PIECES + 1], f32),
    /// What lies between two arcs with the same corners: an open mouth, an open eye.
    Between(Lens),
}

/// What lies below `upper` and above `lower`; both have the same corners.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Lens {
    pub upper: Curve,
    pub lower: Curve,
}

impl Lens {
    fn distance(&self, x: f32, y: f32) -> f32 {
        let beside = (x - self.upper.x).abs() - self.upper.half_width;
        beside.max(self.upper.y_at(x) - y).max(y - self.lower.y_at(x))
    }

    fn bounds(&self) -> Area {
        let Curve { x, y, half_width, tilt, rise, .. } = self.upper;
        let top = y - tilt.abs() - rise.max(0.0);
        let bottom = self.lower.y + tilt.abs() + (-self.lower.rise).max(0.0);
        Area { x: x - half_width, y: top, width: 2.0 * half_width, height: bottom - top }
    }
}

impl Shape {
    /// An arc drawn with a round pen.
    pub fn stroke(curve: &Curve, half_width: f32) -> Self {
        let points = std::array::from_fn(|i| {
            // Denser at the corners, where an ellipse turns fastest.
            let angle = std::f32::consts::PI * i as f32 / PIECES as f32;
            let x = curve.x - curve.half_width * angle.cos();
            (x, curve.y_at(x))
        });
        Self::Stroke(points, half_width)
    }

    /// How far outside a point lies; inside, negative. Outside of [`Self::bounds`] it may be anything positive.
    fn distance(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Disc { x: center_x, y: center_y, radius } => length(x - center_x, y - center_y) - radius,
            Self::Rounded(area, radius) => distance_to_rounded(x, y, area, *radius),
            Self::Common(one, other, radius) => {
                distance_to_rounded(x, y, one, *radius).max(distance_to_rounded(x, y, other, *radius))
            }
            Self::Line { from, to, half_width } => squared_distance_to_line(x, y, *from, *to).sqrt() - half_width,
            Self::Arc(arc) => arc.distance(x, y),
            Self::ArcUntil(arc, angle) => arc.distance(x, y).max(arc.beyond(*angle, x, y)),
            Self::Stroke(points, half_width) => {
                // From left to right: only a few pieces can be as near as the pen is wide and a pixel more.
                let reach = 2.0 * half_width + 2.0;
                let first = points[1..].partition_point(|end| end.0 < x - reach);
                let near = points[first..].windows(2).take_while(|piece| piece[0].0 <= x + reach);
                let squared = near.map(|piece| squared_distance_to_line(x, y, piece[0], piece[1])).fold(f32::MAX, f32::min);
                squared.sqrt() - half_width
            }
            Self::Between(lens) => lens.distance(x, y),
        }
    }

    /// The smallest area that holds it.
    pub fn bounds(&self) -> Area {
        let around_points = |points: &[(f32, f32)], border: f32| {
            let (left, right) = extent(points.iter().map(|point| point.0));
            let (top, bottom) = extent(points.iter().map(|point| point.1));
            Area { x: left, y: top, width: right - left, height: bottom - top }.grown(border)
        };
        match self {
            Self::Disc { x, y, radius } => Area::around(*x, *y, *radius),
            Self::Rounded(area, _) | Self::Common(area, _, _) => *area,
            Self::Line { from, to, half_width } => around_points(&[*from, *to], *half_width),
            Self::Arc(arc) | Self::ArcUntil(arc, _) => around_points(&arc.points(), arc.half_width),
            Self::Stroke(points, half_width) => around_points(points, *half_width),
            Self::Between(lens) => lens.bounds(),
        }
    }
}

fn extent(values: impl Iterator<Item = f32>) -> (f32, f32) {
    values.fold((f32::MAX, f32::MIN), |(least, most), value| (least.min(value), most.max(value)))
}

fn distance_to_rounded(x: f32, y: f32, area: &Area, radius: f32) -> f32 {
    let (center_x, center_y) = area.center();
    let radius = radius.min(area.width / 2.0).min(area.height / 2.0);
    let beside = (x - center_x).abs() - area.width / 2.0 + radius;
    let above = (y - center_y).abs() - area.height / 2.0 + radius;
    length(beside.max(0.0), above.max(0.0)) + beside.max(above).min(0.0) - radius
}

/// `f32::hypot` guards against overflow, which no picture needs, and takes several times as long.
fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

fn squared_distance_to_line(x: f32, y: f32, from: (f32, f32), to: (f32, f32)) -> f32 {
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let (x, y) = (x - from.0, y - from.1);
    let length_squared = along_x * along_x + along_y * along_y;
    let share = if length_squared > 0.0 { ((x * along_x + y * along_y) / length_squared).clamp(0.0, 1.0) } else { 0.0 };
    let (x, y) = (x - share * along_x, y - share * along_y);
    x * x + y * y
}

/// A shape in one colour, seen only inside `clip` if there is one.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Layer {
    pub shape: Shape,
    pub clip: Option<Lens>,
    pub color: Rgb888,
}

impl Layer {
    /// All of `shape`.
    pub fn new(shape: Shape, color: Rgb888) -> Self {
        Self { shape, clip: None, color }
    }

    /// The colour of a pixel with this layer over it.
    fn over(&self, color: Rgb888, x: f32, y: f32, scale: f32) -> Rgb888 {
        let mut cover = cover(self.shape.distance(x, y) * scale);
        if cover > 0.0
            && let Some(lens) = &self.clip
        {
            cover *= self::cover(lens.distance(x, y) * scale);
        }
        mix(color, self.color, cover)
    }

    /// From where to where the row at `y` lies inside by a pixel or more; nowhere if that is not known.
    fn covered_in_row(&self, y: f32, pixel: f32) -> (f32, f32) {
        let (x, half_width) = match self.shape {
            Shape::Disc { x, y: center_y, radius } => {
                let radius = radius - pixel;
                (x, if radius > 0.0 { (radius * radius - (y - center_y) * (y - center_y)).max(0.0).sqrt() } else { 0.0 })
            }
            Shape::Rounded(area, radius) => {
                let (x, center_y) = area.center();
                let is_between = (y - center_y).abs() < area.height / 2.0 - pixel;
                let radius = radius.min(area.width / 2.0).min(area.height / 2.0);
                (x, if is_between { (area.width / 2.0 - radius - pixel).max(0.0) } else { 0.0 })
            }
            _ => (0.0, 0.0),
        };
        if self.clip.is_some() { (x, x) } else { (x - half_width, x + half_width) }
    }

    /// The part of `shape` inside `lens`.
    pub fn inside(shape: Shape, lens: Lens, color: Rgb888) -> Self {
        Self { shape, clip: Some(lens), color }
    }
}

/// The most layers of one picture.
pub const MAX_LAYERS: usize = 32;

/// Draws `layers`, later ones over earlier ones, over `paper` in `area`. `scale` is the number of pixels per unit of all coordinates.
///
/// # Panics
/// With more than [`MAX_LAYERS`] layers.
pub fn draw<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    scale: f32,
    area: &Area,
    paper: Rgb888,
    layers: &[Layer],
) -> Result<(), D::Error> {
    assert!(layers.len() <= MAX_LAYERS, "a picture of {} layers", layers.len());
    let left = (area.x * scale).floor() as i32;
    let top = (area.y * scale).floor() as i32;
    let size = Size::new(
        ((area.right() * scale).ceil() as i32 - left).max(0) as u32,
        ((area.bottom() * scale).ceil() as i32 - top).max(0) as u32,
    );
    let pixels = Rectangle::new(Point::new(left, top), size).intersection(&target.bounding_box());

    let mut bounds = [Area::default(); MAX_LAYERS];
    for (bounds, layer) in bounds.iter_mut().zip(layers) {
        *bounds = layer.shape.bounds().grown(1.0 / scale);
    }
    for y in pixels.rows() {
        draw_row(target, scale, &pixels, y, paper, layers, &bounds)?;
    }
    Ok(())
}

/// Draws one row in runs of pixels that the same layers touch: where nothing but the inside of a shape is seen, the run has one colour.
fn draw_row<D: DrawTarget<Color = Rgb888>>(
    target: &mut D,
    scale: f32,
    pixels: &Rectangle,
    row: i32,
    paper: Rgb888,
    layers: &[Layer],
    bounds: &[Area; MAX_LAYERS],
) -> Result<(), D::Error> {
    let y = (row as f32 + 0.5) / scale;
    let (left, right) = (pixels.top_left.x, pixels.top_left.x + pixels.size.width as i32);
    // The first pixel whose centre lies at `x` or further right.
    let first_from = |x: f32| ((x * scale - 0.5).ceil() as i32).clamp(left, right);

    // Of each layer in this row its number, its pixels, and those that it covers wholly.
    let mut in_row: [(usize, Range<i32>, Range<i32>); MAX_LAYERS] = std::array::from_fn(|_| (0, 0..0, 0..0));
    let mut cuts = [right; 4 * MAX_LAYERS + 1];
    let mut count = 0;
    for (index, (layer, bounds)) in layers.iter().zip(bounds).enumerate() {
        if y < bounds.y || y > bounds.bottom() {
            continue;
        }
        let touched = first_from(bounds.x)..first_from(bounds.right()) + 1;
        let touched = touched.start..touched.end.min(right);
        let (inner_left, inner_right) = layer.covered_in_row(y, 1.0 / scale);
        let covered = first_from(inner_left)..first_from(inner_right);
        cuts[4 * count..4 * count + 4].copy_from_slice(&[touched.start, touched.end, covered.start, covered.end]);
        in_row[count] = (index, touched, covered);
        count += 1;
    }
    let cuts = &mut cuts[..4 * count + 1];
    cuts.sort_unstable();

    let mut begin = left;
    for &end in cuts.iter() {
        if end <= begin {
            continue;
        }
        let holds = |range: &Range<i32>| range.start <= begin && range.end >= end;
        let lowest = in_row[..count].iter().rposition(|(_, _, covered)| holds(covered));
        let ground = lowest.map_or(paper, |position| layers[in_row[position].0].color);
        let above = &in_row[lowest.map_or(0, |position| position + 1)..count];
        let run = Rectangle::new(Point::new(begin, row), Size::new((end - begin) as u32, 1));
        if above.iter().any(|(_, touched, _)| holds(touched)) {
            let colors = (begin..end).map(|column| {
                let x = (column as f32 + 0.5) / scale;
                let touching = above.iter().filter(|(_, touched, _)| holds(touched));
                touching.fold(ground, |color, (index, ..)| layers[*index].over(color, x, y, scale))
            });
            target.fill_contiguous(&run, colors)?;
        } else {
            target.fill_solid(&run, ground)?;
        }
        begin = end;
    }
    Ok(())
}

/// How much of a pixel is covered whose centre lies `distance` pixels outside.
fn cover(distance: f32) -> f32 {
    (0.5 - distance).clamp(0.0, 1.0)
}

/// The way from one colour (share 0) to another (share 1).
pub fn mix(from: Rgb888, to: Rgb888, share: f32) -> Rgb888 {
    if share <= 0.0 {
        return from;
    }
    if share >= 1.0 {
        return to;
    }
    let channel = |from: u8, to: u8| (f32::from(from) + share * (f32::from(to) - f32::from(from)) + 0.5) as u8;
    Rgb888::new(channel(from.r(), to.r()), channel(from.g(), to.g()), channel(from.b(), to.b()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::display::canvas::Canvas;

    /// Draws white shapes on black; `#`: more than half covered, `.`: less.
    fn picture(width: u32, height: u32, layers: &[Layer]) -> Vec<String> {
        let mut canvas = Canvas::new(width, height);
        let area = Area { x: 0.0, y: 0.0, width: width as f32, height: height as f32 };
        let Ok(()) = draw(&mut canvas, 1.0, &area, Rgb888::BLACK, layers);
        canvas.rows().map(|row| row.iter().map(|pixel| if pixel.r() > 127 { '#' } else { '.' }).collect()).collect()
    }

    fn white(shape: Shape) -> Layer {
        Layer::new(shape, Rgb888::WHITE)
    }

    fn curve(rise: f32) -> Curve {
        Curve { x: 4.5, y: 2.5, half_width: 4.0, tilt: 0.0, rise, roundness: 0.0 }
    }

    #[test]
    fn a_disc_covers_the_pixels_whose_centres_are_in_it() {
        // Corner pixels lie 2.83 from the middle, their neighbours 2.24.
        let disc = white(Shape::Disc { x: 2.5, y: 2.5, radius: 2.5 });
        assert_eq!(picture(5, 5, &[disc]), [".###.", "#####", "#####", "#####", ".###."]);
    }

    #[test]
    fn an_arc_that_sags_smiles_and_one_that_rises_frowns() {
        // y = 2.5 ± 2 (1 − t²) at t = 0, ¼, ½, ¾, 1: 2, 1.875, 1.5, 0.875, 0.
        let pen = 0.55;
        assert_eq!(
            picture(9, 5, &[white(Shape::stroke(&curve(-2.0), pen))]),
            [".........", ".........", "#.......#", ".##...##.", "..#####.."]
        );
        assert_eq!(
            picture(9, 5, &[white(Shape::stroke(&curve(2.0), pen))]),
            ["..#####..", ".##...##.", "#.......#", ".........", "........."]
        );
    }

    #[test]
    fn what_is_clipped_is_seen_inside_the_lens_only() {
        let lens = Lens { upper: Curve { y: 1.0, ..curve(0.0) }, lower: Curve { y: 3.0, ..curve(0.0) } };
        let everything = Shape::Rounded(Area { x: 0.0, y: 0.0, width: 9.0, height: 5.0 }, 0.0);
        assert_eq!(
            picture(9, 5, &[Layer::inside(everything, lens, Rgb888::WHITE)]),
            [".........", "#########", "#########", ".........", "........."]
        );
    }

    #[test]
    fn a_pixel_half_covered_is_half_way_between_the_colours() {
        let mut canvas = Canvas::new(3, 1);
        let area = Area { x: 0.0, y: 0.0, width: 3.0, height: 1.0 };
        let bar = Shape::Rounded(Area { width: 1.5, y: -5.0, height: 11.0, ..area }, 0.0);
        let Ok(()) = draw(&mut canvas, 1.0, &area, Rgb888::new(0, 100, 200), &[Layer::new(bar, Rgb888::new(200, 0, 100))]);
        assert_eq!(
            canvas.rows().next().unwrap(),
            [Rgb888::new(200, 0, 100), Rgb888::new(100, 50, 150), Rgb888::new(0, 100, 200)]
        );
    }

    #[test]
    fn a_later_layer_lies_over_an_earlier_one_and_the_scale_is_in_pixels_per_unit() {
        let mut canvas = Canvas::new(4, 1);
        let whole = Area { x: 0.0, y: 0.0, width: 2.0, height: 0.5 };
        let tall = |width: f32| Shape::Rounded(Area { x: -5.0, y: -5.0, width: 5.0 + width, height: 10.5 }, 0.0);
        let layers = [Layer::new(tall(1.5), Rgb888::RED), Layer::new(tall(0.5), Rgb888::BLUE)];
        let Ok(()) = draw(&mut canvas, 2.0, &whole, Rgb888::BLACK, &layers);
        assert_eq!(canvas.rows().next().unwrap(), [Rgb888::BLUE, Rgb888::RED, Rgb888::RED, Rgb888::BLACK]);
    }

    #[test]
    fn an_area_beyond_the_display_is_cut_off() {
        let mut canvas = Canvas::new(2, 2);
        let disc = [white(Shape::Disc { x: 0.0, y: 0.0, radius: 50.0 })];
        for area in
            [Area::around(0.0, 0.0, 9.0), Area::around(100.0, 0.0, 9.0), Area::around(f32::NAN, 0.0, 9.0), Area::default()]
        {
            let Ok(()) = draw(&mut canvas, 1.0, &area, Rgb888::BLACK, &disc);
        }
        assert!(canvas.rows().flatten().all(|pixel| *pixel == Rgb888::WHITE));
    }
}
