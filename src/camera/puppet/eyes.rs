//! Eyes with their lids, and brows.

use super::brush::{Area, Canvas, Stroke};
use super::draw::{BROW, EYE, EYE_HALF_WIDTH, GLINT, IRIS, LASHES, LIGHT, PUPIL, SHADOW, cover, mix, smooth};
use super::face::Face;

/// The lids of one eye as heights over `t` = −1 (at the nose) to 1 (at the temple).
#[derive(Clone, Copy)]
struct Lids {
    upper: f32,
    lower: f32,
    slant: f32,
}

impl Lids {
    /// Height of both corners of the eye: the outer one lies a little higher.
    fn corner_line(t: f32) -> f32 {
        EYE.1 - 0.002 - 0.012 * t
    }

    fn upper_edge(self, t: f32) -> f32 {
        let hump = 1.0 - t * t;
        Self::corner_line(t) - hump * (self.upper - self.slant * t) - 0.006 * hump * hump
    }

    fn lower_edge(self, t: f32) -> f32 {
        Self::corner_line(t) + (1.0 - t * t) * self.lower * (1.0 + 0.2 * t)
    }
}

/// The eye on the picture's right (`side` 1) or left (−1), with its socket.
pub(super) fn eye(canvas: &mut Canvas<'_>, face: &Face, side: f32) {
    let lids = Lids { upper: face.upper_lid, lower: face.lower_lid, slant: face.lid_slant };
    socket(canvas, face, side);
    eyeball(canvas, lids, side);
    lid_lines(canvas, lids, side);
}

/// The hollow around the eye, deeper below a lowered brow.
fn socket(canvas: &mut Canvas<'_>, face: &Face, side: f32) {
    let lowered = (-0.5 * (face.inner_brow + face.outer_brow)).max(0.0);
    canvas.spot((side * 0.215, -0.055), (0.19, 0.105), SHADOW, 0.36 + 4.0 * lowered);
    canvas.spot((side * 0.105, -0.02), (0.07, 0.09), SHADOW, 0.30);
    canvas.spot((side * 0.235, -0.095), (0.11, 0.05), LIGHT, 0.10);
}

/// What the lids leave to be seen of the eyeball.
fn eyeball(canvas: &mut Canvas<'_>, lids: Lids, side: f32) {
    let edge = 1.4 * canvas.pixel;
    let (middle_u, middle_v) = (side * EYE.0, EYE.1 - 0.004);
    let area = Area { left: middle_u - EYE_HALF_WIDTH, top: -0.1, right: middle_u + EYE_HALF_WIDTH, bottom: 0.07 };
    canvas.fill(area, |u, v| {
        let t = (side * (u - middle_u) * (1.0 / EYE_HALF_WIDTH)).clamp(-1.0, 1.0);
        let below_lid = v - lids.upper_edge(t);
        let opacity = cover(below_lid.min(lids.lower_edge(t) - v), edge);
        if opacity == 0.0 {
            return (0.0, 0.0);
        }
        let (du, dv) = (u - middle_u, v - middle_v);
        let distance = (du * du + dv * dv).sqrt();
        let from_glint = ((du + 0.015) * (du + 0.015) + (dv + 0.015) * (dv + 0.015)).sqrt();
        // The upper lid's shadow lies on the white, which is a ball and darker at its sides.
        let white = 222.0 - 55.0 * t * t - 60.0 * (1.0 - smooth(0.0, 0.03, below_lid));
        let tone = mix(white, IRIS + 42.0 * smooth(-0.02, 0.04, dv), cover(0.044 - distance, edge));
        let tone = mix(tone, PUPIL, cover(0.020 - distance, edge));
        (mix(tone, GLINT, cover(0.010 - from_glint, edge)), opacity)
    });
}

/// Lashes along the upper lid, the crease above it, and the finer line of the lower lid.
fn lid_lines(canvas: &mut Canvas<'_>, lids: Lids, side: f32) {
    const LASH: f32 = 0.013;
    let edge = (1.5 * canvas.pixel).max(0.012);
    let middle_u = side * EYE.0;
    let open = smooth(-0.01, 0.03, lids.upper);
    canvas.fill(Area { left: middle_u - 0.135, top: -0.16, right: middle_u + 0.135, bottom: 0.1 }, |u, v| {
        let t = side * (u - middle_u) * (1.0 / EYE_HALF_WIDTH);
        let inside = t.clamp(-1.0, 1.0);
        let above = lids.upper_edge(inside) - v;
        let lashes = 0.9 * cover(LASH * (0.65 + 0.35 * t) - (above - 0.3 * LASH).abs(), edge);
        // The skin above the lid folds lower when the lid is raised.
        let crease_height = 0.030 + 0.012 * (1.0 - inside * inside) - 0.35 * (lids.upper - Face::NEUTRAL.upper_lid);
        let crease = 0.42 * open * cover(0.006 - (above - crease_height).abs(), 1.6 * edge);
        let below = 0.42 * cover(0.003 - (v - lids.lower_edge(inside) - 0.002).abs(), edge);
        let fade = (1.0 - 5.0 * (t - inside).abs()).max(0.0);
        (LASHES, lashes.max(crease).max(below) * fade)
    });
}

/// The brow of one side.
pub(super) fn brow(canvas: &mut Canvas<'_>, face: &Face, side: f32) {
    let stroke = Stroke {
        from: (0.098 - face.brow_knit, -0.135 - face.inner_brow),
        to: (0.365 - 0.3 * face.brow_knit, -0.150 - face.outer_brow),
        bow: face.brow_arch,
        lean: 0.35,
        radius: [0.020, 0.027, 0.006],
        softness: 0.024,
    };
    canvas.stroke(&stroke.on(side), BROW, 0.85);
}
