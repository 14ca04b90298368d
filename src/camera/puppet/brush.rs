//! A small rasteriser with soft edges: areas filled by a formula, soft spots and tapered strokes, all in the face's own coordinates.
//!
//! Face coordinates: the origin lies between the eyes, `u` grows to the picture's right, `v` downwards, one unit is the face's width.

use image::GrayImage;

/// Where the face is in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose {
    /// The point between the eyes, in pixels.
    pub x: f32,
    /// See `x`.
    pub y: f32,
    /// The face's width in pixels.
    pub width: f32,
    /// How far the head leans, in radians, clockwise in the picture.
    pub roll: f32,
}

/// A rectangle in face coordinates.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Area {
    pub(super) const fn around(u: f32, v: f32, radius_u: f32, radius_v: f32) -> Self {
        Self { left: u - radius_u, top: v - radius_v, right: u + radius_u, bottom: v + radius_v }
    }
}

/// A line that is a parabola over its chord and as wide as it is told at both ends and in the middle.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub(super) from: (f32, f32),
    pub(super) to: (f32, f32),
    /// Height of the parabola, to the left of the way from `from` to `to`.
    pub(super) bow: f32,
    /// −1 to 1: where the parabola is highest, nearer to `from` or to `to`.
    pub(super) lean: f32,
    /// Half widths at `from`, in the middle and at `to`.
    pub(super) radius: [f32; 3],
    /// Width of the edge: from 0 (sharp to a pixel) upwards.
    pub(super) softness: f32,
}

impl Stroke {
    /// The same on the other side of the face, if `side` is −1.
    pub(super) fn on(self, side: f32) -> Self {
        Self { from: (side * self.from.0, self.from.1), to: (side * self.to.0, self.to.1), bow: side * self.bow, ..self }
    }
}

impl Default for Stroke {
    fn default() -> Self {
        Self { from: (0.0, 0.0), to: (0.0, 0.0), bow: 0.0, lean: 0.0, radius: [0.01; 3], softness: 0.01 }
    }
}

/// A picture to draw on, seen from the face.
pub(super) struct Canvas<'a> {
    image: &'a mut GrayImage,
    pose: Pose,
    cos: f32,
    sin: f32,
    /// The size of a pixel in face widths.
    pub(super) pixel: f32,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(image: &'a mut GrayImage, pose: Pose) -> Self {
        let (sin, cos) = pose.roll.sin_cos();
        Self { image, pose, cos, sin, pixel: 1.0 / pose.width }
    }

    /// Mixes what `ink` says for every pixel of `area` into the picture: a tone (0 to 255) and its opacity (0 to 1).
    pub(super) fn fill(&mut self, area: Area, ink: impl Fn(f32, f32) -> (f32, f32)) {
        let Pose { x, y, width, .. } = self.pose;
        let corners = [(area.left, area.top), (area.right, area.top), (area.left, area.bottom), (area.right, area.bottom)]
            .map(|(u, v)| (x + width * (u * self.cos - v * self.sin), y + width * (u * self.sin + v * self.cos)));
        let bounds = |pick: fn(&(f32, f32)) -> f32, size: u32| {
            let least = corners.iter().map(pick).fold(f32::INFINITY, f32::min);
            let most = corners.iter().map(pick).fold(f32::NEG_INFINITY, f32::max);
            // The conversion to an unsigned number takes what lies before the picture to 0.
            (least.floor() as usize).min(size as usize)..(most.ceil() as usize).min(size as usize)
        };
        let (columns, rows) = (bounds(|corner| corner.0, self.image.width()), bounds(|corner| corner.1, self.image.height()));
        if columns.is_empty() {
            return;
        }
        let stride = self.image.width() as usize;
        let pixels: &mut [u8] = self.image;
        let (step_u, step_v) = (self.cos * self.pixel, -self.sin * self.pixel);
        for row in rows {
            let (dx, dy) = (columns.start as f32 + 0.5 - x, row as f32 + 0.5 - y);
            let (u, v) = ((dx * self.cos + dy * self.sin) * self.pixel, (dy * self.cos - dx * self.sin) * self.pixel);
            for (pixel, column) in pixels[row * stride..][columns.clone()].iter_mut().zip(0_i32..) {
                let column = column as f32;
                let (tone, opacity) = ink(u + column * step_u, v + column * step_v);
                let before = f32::from(*pixel);
                *pixel = (before + (tone - before) * opacity + 0.5) as u8;
            }
        }
    }

    /// A spot that fades from the middle to nothing at its radii.
    pub(super) fn spot(&mut self, (u, v): (f32, f32), (radius_u, radius_v): (f32, f32), tone: f32, opacity: f32) {
        let (inverse_u, inverse_v) = (1.0 / radius_u, 1.0 / radius_v);
        self.fill(Area::around(u, v, radius_u, radius_v), |x, y| {
            let (dx, dy) = ((x - u) * inverse_u, (y - v) * inverse_v);
            let rest = (1.0 - dx * dx - dy * dy).max(0.0);
            (tone, opacity * rest * rest)
        });
    }

    /// Draws a stroke.
    pub(super) fn stroke(&mut self, stroke: &Stroke, tone: f32, opacity: f32) {
        let Stroke { from, to, bow, lean, radius: [start, middle, end], softness } = *stroke;
        let (chord_u, chord_v) = (to.0 - from.0, to.1 - from.1);
        let length = (chord_u * chord_u + chord_v * chord_v).sqrt();
        if opacity <= 0.0 || length == 0.0 {
            return;
        }
        let (along_u, along_v) = (chord_u / length, chord_v / length);
        let edge = softness.max(self.pixel);
        let margin = start.max(middle).max(end) + edge + bow.abs() * 1.2;
        let area = Area {
            left: from.0.min(to.0) - margin,
            top: from.1.min(to.1) - margin,
            right: from.0.max(to.0) + margin,
            bottom: from.1.max(to.1) + margin,
        };
        let (inverse_length, inverse_edge) = (1.0 / length, 1.0 / edge);
        self.fill(area, |u, v| {
            let (du, dv) = (u - from.0, v - from.1);
            let along = (du * along_u + dv * along_v) * inverse_length;
            let t = along.clamp(0.0, 1.0);
            let across = du * along_v - dv * along_u;
            let (hump, tilt) = (4.0 * t * (1.0 - t), 2.0 * t - 1.0);
            let height = bow * hump * (1.0 + lean * tilt);
            let slope = bow * inverse_length * (8.0 * lean * t * (1.0 - t) - 4.0 * tilt * (1.0 + lean * tilt));
            let beyond = (along - t) * length;
            let off = (across - height) * (across - height) / (1.0 + slope * slope) + beyond * beyond;
            let radius = (1.0 - hump) * if t < 0.5 { start } else { end } + hump * middle;
            let cover = ((radius - off.sqrt()) * inverse_edge + 0.5).clamp(0.0, 1.0);
            // What is thinner than its edge grows pale instead.
            let strength = (2.0 * radius * inverse_edge).min(1.0);
            (tone, opacity * strength * cover * cover * (3.0 - 2.0 * cover))
        });
    }
}
