//! Lips, teeth and what is between them, and the chin.

use super::brush::{Area, Canvas, Stroke};
use super::draw::{LIGHT, MOUTH, SHADOW, SIDES, smooth, zigzag};
use super::face::Face;

/// The right corner of the mouth.
pub(super) fn mouth_corner(face: &Face) -> (f32, f32) {
    (face.mouth_width, MOUTH - face.corner_raise + 0.42 * face.jaw_drop)
}

pub(super) fn mouth(canvas: &mut Canvas<'_>, face: &Face) {
    let (width, corner) = mouth_corner(face);
    let inner_top = MOUTH - face.upper_lip_raise;
    let inner_bottom = (MOUTH + face.lower_lip_drop + 0.92 * face.jaw_drop).max(inner_top);
    let thin = 1.0 - 0.65 * face.lip_press;
    let (upper_thick, lower_thick) = (0.048 * thin, 0.062 * thin);
    let square = face.mouth_squareness;

    // A jaw that drops far rounds the mouth, and the lips reach around its corners.
    let round = smooth(0.04, 0.15, face.jaw_drop);
    let outer_width = width + 0.028 * round;

    // Edges of the lips over t = −1 to 1 from corner to corner.
    let bulge = move |t: f32| {
        let parabola = (1.0 - t * t).max(0.0);
        parabola + round * (parabola.sqrt() - parabola) + square * parabola * t * t
    };
    let top = move |t: f32| corner + (inner_top - corner) * bulge(t);
    let bottom = move |t: f32| corner + (inner_bottom - corner) * bulge(t);
    let outer_top = move |t: f32| {
        let dip = (1.0 - 16.0 * t * t).max(0.0);
        top(t) - upper_thick * bulge(t) * (1.0 - 0.22 * dip)
    };
    let outer_bottom = move |t: f32| bottom(t) + lower_thick * bulge(t) * (1.0 - 0.45 * (1.0 - round) * t * t);

    let lowest = inner_bottom.max(corner) + lower_thick;
    canvas.spot((0.0, 0.395 - 0.5 * face.upper_lip_raise), (0.03, 0.045), SHADOW, 0.20);
    canvas.spot((0.0, lowest + 0.045), (0.15, 0.05), SHADOW, 0.34 + 0.2 * face.chin_raise);
    canvas.spot((0.0, lowest + 0.14), (0.14, 0.09), LIGHT, 0.18 + 0.1 * face.chin_raise);
    for side in SIDES {
        canvas.spot(
            (side * (width + 0.02), corner + 0.008),
            (0.055, 0.05),
            SHADOW,
            0.16 + 4.0 * face.corner_raise.abs().min(0.05),
        );
        let droop = Stroke {
            from: (width + 0.015, corner + 0.01),
            to: (width + 0.03, corner + 0.11),
            bow: 0.01,
            radius: [0.008, 0.006, 0.0],
            softness: 0.03,
            ..Stroke::default()
        };
        canvas.stroke(&droop.on(side), SHADOW, (9.0 * -face.corner_raise).clamp(0.0, 0.45));
    }

    let edge = 1.0 / (1.4 * canvas.pixel);
    let soft = 1.0 / (0.012f32).max(1.5 * canvas.pixel);
    let area =
        Area { left: -outer_width, top: outer_top(0.3).min(outer_top(0.9)) - 0.03, right: outer_width, bottom: lowest + 0.03 };
    let teeth_top_edge = MOUTH + 0.012;
    let teeth_bottom_edge = teeth_top_edge + 0.02 + 0.92 * face.jaw_drop;
    canvas.fill(area, |u, v| {
        let (t, outer_t) = (u / width, u / outer_width);
        let (upper_outer, upper_inner, lower_inner, lower_outer) = (outer_top(outer_t), top(t), bottom(t), outer_bottom(outer_t));
        let cover = ((v - upper_outer).min(lower_outer - v) * soft * 0.7 + 0.5).clamp(0.0, 1.0);
        if cover == 0.0 {
            return (0.0, 0.0);
        }
        let lip = if v < 0.5 * (upper_inner + lower_inner) {
            98.0 - 10.0 * u
        } else {
            let down = (v - lower_inner) / lower_thick - 0.4;
            112.0 + 34.0 * (1.0 - 6.0 * down * down).max(0.0) * (1.0 - t * t) - 10.0 * u
        };
        let gap = (v - upper_inner).min(lower_inner - v);
        let open = (gap * edge + 0.5).clamp(0.0, 1.0) * smooth(0.0, 0.012, lower_inner - upper_inner);
        // The line where the lips meet or the teeth begin.
        let line = ((0.006 - gap.abs().min((v - upper_inner).abs())) * soft + 0.5).clamp(0.0, 1.0) * 0.8;
        let teeth = ((teeth_top_edge - v).max(v - teeth_bottom_edge) * edge + 0.5).clamp(0.0, 1.0) * (1.0 - 1.1 * t * t).max(0.0);
        let ridge = zigzag(u * 19.0 + 0.5);
        let depth = smooth(0.0, 0.03, v - upper_inner);
        let tooth = (150.0 + 68.0 * depth) * (1.0 - 0.10 * smooth(0.36, 0.5, ridge));
        let cavity = 26.0;
        let inside = cavity + (tooth - cavity) * teeth;
        let tone = lip + (SHADOW - lip) * line * (1.0 - open) * f32::from(u.abs() < width);
        (tone + (inside - tone) * open, cover)
    });
}
