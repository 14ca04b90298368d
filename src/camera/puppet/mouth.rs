//! Lips, teeth and what is between them, and the skin around.

use super::brush::{Area, Canvas, Stroke};
use super::draw::{CAVITY, LIGHT, MOUTH, SHADOW, SIDES, cover, mix, smooth, zigzag};
use super::face::Face;

/// The lower edge of the upper teeth, which do not move with the face.
const UPPER_TEETH: f32 = MOUTH + 0.012;

/// The edges of the lips, as heights over `t` = −1 to 1 from corner to corner.
#[derive(Clone, Copy)]
struct Lips {
    /// Half the width of the opening, and of the lips around it.
    inner_width: f32,
    outer_width: f32,
    /// Height of the corners.
    corner: f32,
    /// Heights of the opening's edges in the middle.
    top: f32,
    bottom: f32,
    /// How thick the lips are in the middle.
    upper_thickness: f32,
    lower_thickness: f32,
    /// 0: the opening is bounded by parabolas; 1: it is an ellipse.
    roundness: f32,
    /// Adds to it what makes a rectangle of parabolas.
    squareness: f32,
}

impl Lips {
    fn new(face: &Face) -> Self {
        let (inner_width, corner) = mouth_corner(face);
        let top = MOUTH - face.upper_lip_raise;
        let thinned = 1.0 - 0.65 * face.lip_press;
        // A jaw that drops far rounds the mouth, and the lips reach around its corners.
        let roundness = smooth(0.04, 0.15, face.jaw_drop);
        Self {
            inner_width,
            outer_width: inner_width + 0.028 * roundness,
            corner,
            top,
            bottom: (MOUTH + face.lower_lip_drop + 0.92 * face.jaw_drop).max(top),
            upper_thickness: 0.048 * thinned,
            lower_thickness: 0.062 * thinned,
            roundness,
            squareness: face.mouth_squareness,
        }
    }

    /// 0 at the corners, 1 in the middle.
    fn bulge(&self, t: f32) -> f32 {
        let parabola = (1.0 - t * t).max(0.0);
        mix(parabola, parabola.sqrt(), self.roundness) + self.squareness * parabola * t * t
    }

    fn inner_top(&self, t: f32) -> f32 {
        mix(self.corner, self.top, self.bulge(t))
    }

    fn inner_bottom(&self, t: f32) -> f32 {
        mix(self.corner, self.bottom, self.bulge(t))
    }

    fn outer_top(&self, t: f32) -> f32 {
        // The bow of the upper lip.
        let dip = (1.0 - 16.0 * t * t).max(0.0);
        self.inner_top(t) - self.upper_thickness * self.bulge(t) * (1.0 - 0.22 * dip)
    }

    fn outer_bottom(&self, t: f32) -> f32 {
        self.inner_bottom(t) + self.lower_thickness * self.bulge(t) * (1.0 - 0.45 * (1.0 - self.roundness) * t * t)
    }

    /// The lowest point of the lower lip, or of the corners if they hang lower.
    fn lowest(&self) -> f32 {
        self.bottom.max(self.corner) + self.lower_thickness
    }
}

/// The corner of the mouth on the picture's right.
pub(super) fn mouth_corner(face: &Face) -> (f32, f32) {
    (face.mouth_width, MOUTH - face.corner_raise + 0.42 * face.jaw_drop)
}

/// The mouth, and the hollows above, below and beside it.
pub(super) fn mouth(canvas: &mut Canvas<'_>, face: &Face) {
    let lips = Lips::new(face);
    surroundings(canvas, face, &lips);

    let (edge, soft) = (1.4 * canvas.pixel, (1.5 * canvas.pixel).max(0.012));
    let lower_teeth = UPPER_TEETH + 0.02 + 0.92 * face.jaw_drop;
    let area = Area {
        left: -lips.outer_width,
        top: lips.outer_top(0.3).min(lips.outer_top(0.9)) - 0.03,
        right: lips.outer_width,
        bottom: lips.lowest() + 0.03,
    };
    canvas.fill(area, |u, v| {
        let (t, outer_t) = (u / lips.inner_width, u / lips.outer_width);
        let opacity = cover((v - lips.outer_top(outer_t)).min(lips.outer_bottom(outer_t) - v), 1.4 * soft);
        if opacity == 0.0 {
            return (0.0, 0.0);
        }
        let (top, bottom) = (lips.inner_top(t), lips.inner_bottom(t));
        // The upper lip is turned away from the light; the lower one has a shine.
        let lip = if v < 0.5 * (top + bottom) {
            98.0 - 10.0 * u
        } else {
            let down = (v - bottom) / lips.lower_thickness - 0.4;
            112.0 + 34.0 * (1.0 - 6.0 * down * down).max(0.0) * (1.0 - t * t) - 10.0 * u
        };
        let inside = (v - top).min(bottom - v);
        let open = cover(inside, edge) * smooth(0.0, 0.012, bottom - top);
        // The line where the lips meet, or the shadow where they turn inwards.
        let line = 0.8 * cover(0.006 - inside.abs().min((v - top).abs()), soft) * f32::from(t.abs() < 1.0);
        let bared = cover((UPPER_TEETH - v).max(v - lower_teeth), edge) * (1.0 - 1.1 * t * t).max(0.0);
        let gaps = 0.10 * smooth(0.36, 0.5, zigzag(u * 19.0 + 0.5));
        let teeth = (150.0 + 68.0 * smooth(0.0, 0.03, v - top)) * (1.0 - gaps);
        (mix(mix(lip, SHADOW, line), mix(CAVITY, teeth, bared), open), opacity)
    });
}

fn surroundings(canvas: &mut Canvas<'_>, face: &Face, lips: &Lips) {
    let (width, corner, lowest) = (lips.inner_width, lips.corner, lips.lowest());
    canvas.spot((0.0, 0.395 - 0.5 * face.upper_lip_raise), (0.03, 0.045), SHADOW, 0.20);
    canvas.spot((0.0, lowest + 0.045), (0.15, 0.05), SHADOW, 0.34 + 0.2 * face.chin_raise);
    canvas.spot((0.0, lowest + 0.14), (0.14, 0.09), LIGHT, 0.18 + 0.1 * face.chin_raise);
    // Corners that are drawn up or down make dimples; those that hang draw a line after them.
    let dimple = 0.16 + 4.0 * face.corner_raise.abs().min(0.05);
    let hanging = (-9.0 * face.corner_raise).clamp(0.0, 0.45);
    for side in SIDES {
        canvas.spot((side * (width + 0.02), corner + 0.008), (0.055, 0.05), SHADOW, dimple);
        let line = Stroke {
            from: (width + 0.015, corner + 0.01),
            to: (width + 0.03, corner + 0.11),
            bow: 0.01,
            radius: [0.008, 0.006, 0.0],
            softness: 0.03,
            ..Stroke::default()
        };
        canvas.stroke(&line.on(side), SHADOW, hanging);
    }
}
