//! Draws a face from its parameters: the order from the back to the front, the proportions and the tones.
//!
//! Proportions are means of adults (breadth of the face 140 mm = 1; between the pupils 63 mm, eye to mouth 66 mm, eye to chin 115 mm); the light
//! comes from above, a little from the left of the picture.

use super::brush::Canvas;
use super::face::Face;
use super::{eyes, head, mouth, skin};

/// Grey levels, 0 to 255.
pub(super) const SHADOW: f32 = 20.0;
pub(super) const LIGHT: f32 = 245.0;
pub(super) const SKIN: f32 = 190.0;
pub(super) const HAIR: f32 = 42.0;
pub(super) const BROW: f32 = 48.0;
pub(super) const LASHES: f32 = 25.0;
pub(super) const IRIS: f32 = 62.0;
pub(super) const PUPIL: f32 = 12.0;
pub(super) const GLINT: f32 = 240.0;
pub(super) const CAVITY: f32 = 26.0;
pub(super) const SHIRT: f32 = 70.0;

/// The middle of the eye on the picture's right (the other one mirrored), and half its width.
pub(super) const EYE: (f32, f32) = (0.225, 0.0);
pub(super) const EYE_HALF_WIDTH: f32 = 0.108;
/// Height of the closed lips and of the chin's lower edge.
pub(super) const MOUTH: f32 = 0.47;
pub(super) const CHIN: f32 = 0.82;

/// Signs of `u` on the picture's left and right.
pub(super) const SIDES: [f32; 2] = [-1.0, 1.0];

/// Draws head and shoulders over what is in the picture.
pub(super) fn draw(canvas: &mut Canvas<'_>, face: &Face) {
    head::shoulders(canvas);
    head::head(canvas, face);
    skin::forehead(canvas, face);
    skin::cheeks(canvas, face);
    skin::nose(canvas, face);
    for side in SIDES {
        eyes::eye(canvas, face, side);
        eyes::brow(canvas, face, side);
    }
    mouth::mouth(canvas, face);
    head::hair(canvas);
}

/// How much of a pixel lies inside a shape: `inside` is the distance from the shape's edge, positive inwards, `edge` the width of the transition.
pub(super) fn cover(inside: f32, edge: f32) -> f32 {
    (inside / edge + 0.5).clamp(0.0, 1.0)
}

/// The way from `from` (share 0) to `to` (share 1).
pub(super) fn mix(from: f32, to: f32, share: f32) -> f32 {
    from + share * (to - from)
}

/// 0 below `from`, 1 above `to`, smooth between.
pub(super) fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// A wave of triangles: 0.5 at whole numbers, 0 half way between them.
pub(super) fn zigzag(value: f32) -> f32 {
    // Not `fract`, which is a call into the C library on plain x86-64 and keeps the loop around it from being vectorised.
    ((value - (value as i32) as f32).abs() - 0.5).abs()
}
