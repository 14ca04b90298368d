//! Draws a face: head, eyes, brows, nose, cheeks and mouth, from the back to the front.
//!
//! Proportions are means of adults (breadth of the face 140 mm = 1; between the pupils 63 mm, eye to mouth 66 mm, eye to chin 112 mm); the light
//! comes from above, a little from the left of the picture.

use super::brush::{Area, Canvas, Stroke};
use super::face::Face;

const SHADOW: f32 = 20.0;
const LIGHT: f32 = 245.0;
const SKIN: f32 = 190.0;
const HAIR: f32 = 42.0;
const BROW: f32 = 48.0;
const LASHES: f32 = 25.0;
const SHIRT: f32 = 70.0;

/// The middle of an eye (the other one mirrored), and half its width.
const EYE: (f32, f32) = (0.225, 0.0);
const EYE_HALF_WIDTH: f32 = 0.108;
/// Height of the closed lips and of the chin's lower edge.
const MOUTH: f32 = 0.47;
const CHIN: f32 = 0.82;

const SIDES: [f32; 2] = [-1.0, 1.0];

/// Draws the head with shoulders over what is in the picture.
pub(super) fn draw(canvas: &mut Canvas<'_>, face: &Face) {
    shoulders(canvas);
    head(canvas, face);
    forehead(canvas, face);
    cheeks(canvas, face);
    nose(canvas, face);
    for side in SIDES {
        eye(canvas, face, side);
        brow(canvas, face, side);
    }
    mouth(canvas, face);
    hair(canvas);
}

/// 0 below `from`, 1 above `to`, smooth between.
fn smooth(from: f32, to: f32, value: f32) -> f32 {
    let t = ((value - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

fn shoulders(canvas: &mut Canvas<'_>) {
    let edge = 1.0 / (1.5 * canvas.pixel);
    canvas.fill(Area { left: -1.25, top: 0.9, right: 1.25, bottom: 2.4 }, |u, v| {
        let top = 1.12 + 0.34 * u * u - 0.06 * (1.0 - (3.0 * u).abs()).max(0.0);
        (SHIRT - 18.0 * u, ((v - top) * edge).clamp(0.0, 1.0))
    });
    canvas.fill(Area { left: -0.36, top: 0.4, right: 0.36, bottom: 1.3 }, |u, v| {
        let half_width = 0.285 + 0.10 * smooth(0.85, 1.2, v);
        let collar = 1.28 - 0.9 * u * u;
        let cover = ((half_width - u.abs()).min(collar - v) * edge).clamp(0.0, 1.0);
        let shade = 0.58 + 0.34 * smooth(0.78, 1.15, v) - 0.5 * u * u - 0.12 * u;
        (SKIN * shade, cover)
    });
}

fn head(canvas: &mut Canvas<'_>, face: &Face) {
    for side in SIDES {
        canvas.fill(Area::around(side * 0.5, 0.12, 0.1, 0.2), |u, v| {
            let (du, dv) = ((u - side * 0.5) * 14.0, (v - 0.12) * 5.6);
            let out = du * du + dv * dv;
            (SKIN * (0.56 + 0.18 * smooth(0.2, 0.8, out)), ((1.0 - out) * 4.0).clamp(0.0, 1.0))
        });
    }
    let chin = CHIN + 0.85 * face.jaw_drop - 0.02 * face.chin_raise;
    let (jaw_centre, jaw_inverse) = (0.16, 1.0 / (chin - 0.16));
    let puff = 1.0 + 0.02 * face.cheek_raise;
    let edge = 0.25 / canvas.pixel;
    canvas.fill(Area { left: -0.54, top: -0.9, right: 0.54, bottom: chin + 0.02 }, |u, v| {
        // The outline: a broad arch above, below an ellipse that narrows to the chin.
        let (distance, width) = if v < jaw_centre {
            let up = (v - jaw_centre) * (1.0 / 0.98);
            (up * up, 0.5 * puff)
        } else {
            let down = (v - jaw_centre) * jaw_inverse;
            (down, 0.5 * puff - 0.055 * smooth(0.0, 0.6, down))
        };
        let across = u / width;
        let radius = distance * distance + across * across;
        let cover = ((1.0 - radius) * edge).clamp(0.0, 1.0);
        // Turned away from the light: darker towards the outline, to the right and downwards.
        let shade = 1.07 - 0.36 * radius * radius - 0.16 * u - 0.12 * (v + 0.2) * (v + 0.2);
        (SKIN * shade, cover)
    });
}

fn hair(canvas: &mut Canvas<'_>) {
    let edge = 1.0 / (3.0 * canvas.pixel);
    canvas.fill(Area { left: -0.62, top: -0.98, right: 0.62, bottom: 0.12 }, |u, v| {
        let (across, up) = (u / 0.57, (v + 0.30) / 0.64);
        let radius = across * across + up * up;
        // Between the outer outline and the hairline; sideburns end at the ear.
        let hairline =
            -0.56 + 0.08 * (u + 0.15).abs() + 4.2 * (u.abs() - 0.30).max(0.0).powi(2) + 30.0 * (u.abs() - 0.43).max(0.0).powi(2);
        let cover = ((1.0 - radius) * 0.3).min(hairline - v).min(0.06 - v) * edge;
        let strand = ((u * 40.0 + v * 9.0).fract().abs() - 0.5).abs() + ((u * 93.0 - v * 14.0).fract().abs() - 0.5).abs();
        let sheen = 30.0 * (1.0 - ((up + 0.62) * 4.0).powi(2)).max(0.0) * (1.0 - across * across).max(0.0);
        (HAIR + 14.0 * strand + sheen, cover.clamp(0.0, 1.0))
    });
}

fn forehead(canvas: &mut Canvas<'_>, face: &Face) {
    canvas.spot((-0.05, -0.34), (0.34, 0.22), LIGHT, 0.22);
    for side in SIDES {
        canvas.spot((side * 0.44, -0.12), (0.12, 0.3), SHADOW, 0.22);
    }
    for (line, height) in [-0.27, -0.335, -0.40].into_iter().enumerate() {
        let reach = 0.27 - 0.02 * line as f32;
        let rise = 0.6 * face.inner_brow.max(0.0);
        let stroke = Stroke {
            from: (-reach, height - 0.02),
            to: (reach, height - 0.02),
            bow: 0.02 + 0.3 * (face.outer_brow - face.inner_brow),
            radius: [0.0, 0.007, 0.0],
            softness: 0.02,
            ..Stroke::default()
        };
        canvas.stroke(&stroke, SHADOW, 0.5 * face.forehead_lines);
        let lit = Stroke { from: (-reach, height - rise), to: (reach, height - rise), ..stroke };
        canvas.stroke(&lit, LIGHT, 0.2 * face.forehead_lines);
    }
    // Skin bulges between brows that are drawn together.
    canvas.spot((0.0, -0.15), (0.09, 0.10), SHADOW, 0.28 * face.frown_lines);
    for side in SIDES {
        let frown = Stroke {
            from: (0.045 - 0.2 * face.brow_knit, -0.235 - 0.3 * face.inner_brow),
            to: (0.036, -0.085),
            bow: -0.008,
            radius: [0.0, 0.009, 0.003],
            softness: 0.02,
            ..Stroke::default()
        };
        canvas.stroke(&frown.on(side), SHADOW, 0.65 * face.frown_lines);
    }
}

fn cheeks(canvas: &mut Canvas<'_>, face: &Face) {
    let raised = face.cheek_raise;
    let corner = mouth_corner(face);
    for side in SIDES {
        canvas.spot((side * 0.30, 0.21 - 0.04 * raised), (0.17, 0.13), LIGHT, 0.16 + 0.22 * raised);
        canvas.spot((side * 0.36, 0.46), (0.14, 0.24), SHADOW, 0.16 + 0.06 * raised);
        // The furrow under the lower lid, deepened by the cheek below it.
        let furrow = Stroke {
            from: (0.12, 0.045 - 0.01 * raised),
            to: (0.34, 0.06 - 0.03 * raised),
            bow: -0.035,
            radius: [0.004, 0.012, 0.0],
            softness: 0.04,
            ..Stroke::default()
        };
        canvas.stroke(&furrow.on(side), SHADOW, 0.20 + 0.25 * raised);
        for (foot, fall) in [-0.055, 0.005, 0.06].into_iter().enumerate() {
            let start = EYE.0 + EYE_HALF_WIDTH + 0.025;
            let crow = Stroke {
                from: (start, 0.012 * (foot as f32 - 1.0)),
                to: (start + 0.085, fall),
                bow: 0.006 * (1.0 - foot as f32),
                radius: [0.003, 0.006, 0.0],
                softness: 0.015,
                ..Stroke::default()
            };
            canvas.stroke(&crow.on(side), SHADOW, 0.40 * face.crows_feet);
        }
        let fold = Stroke {
            from: (0.125, 0.235 - 0.03 * face.nose_wrinkle),
            to: (corner.0 + 0.05, corner.1 + 0.02 - 0.03 * raised),
            bow: 0.025 + 0.01 * raised,
            radius: [0.008, 0.013, 0.004],
            softness: 0.035,
            ..Stroke::default()
        };
        canvas.stroke(&fold.on(side), SHADOW, 0.55 * face.nasolabial_fold);
        let bulge = Stroke {
            from: (fold.from.0 + 0.045, fold.from.1),
            to: (fold.to.0 + 0.045, fold.to.1),
            radius: [0.01, 0.02, 0.0],
            softness: 0.05,
            ..fold
        };
        canvas.stroke(&bulge.on(side), LIGHT, 0.22 * face.nasolabial_fold);
    }
}

fn nose(canvas: &mut Canvas<'_>, face: &Face) {
    let up = 0.022 * face.nose_wrinkle + 0.15 * face.upper_lip_raise;
    for side in SIDES {
        // From the inner corner of the eye along the bridge down to the wing.
        let flank = Stroke {
            from: (0.085, -0.075),
            to: (0.085, 0.26 - up),
            bow: -0.02,
            radius: [0.025, 0.012, 0.02],
            softness: 0.06,
            ..Stroke::default()
        };
        canvas.stroke(&flank.on(side), SHADOW, if side < 0.0 { 0.13 } else { 0.22 });
    }
    let bridge = Stroke {
        from: (-0.008, -0.10),
        to: (-0.008, 0.2 - up),
        radius: [0.02, 0.014, 0.02],
        softness: 0.045,
        ..Stroke::default()
    };
    canvas.stroke(&bridge, LIGHT, 0.32);
    canvas.spot((0.0, 0.335 - up), (0.14, 0.05), SHADOW, 0.30);
    canvas.spot((-0.006, 0.245 - up), (0.055, 0.055), LIGHT, 0.42);
    for side in SIDES {
        let wing = Stroke {
            from: (0.10, 0.215 - up),
            to: (0.092, 0.312 - up),
            bow: -0.034,
            radius: [0.002, 0.009, 0.006],
            softness: 0.022,
            ..Stroke::default()
        };
        canvas.stroke(&wing.on(side), SHADOW, 0.42 + 0.25 * face.nose_wrinkle);
        canvas.spot((side * 0.09, 0.262 - up), (0.03, 0.035), LIGHT, 0.14);
        let nostril = Stroke {
            from: (0.022, 0.302 - up),
            to: (0.078, 0.304 - up),
            bow: 0.008,
            radius: [0.006, 0.012, 0.006],
            softness: 0.016,
            ..Stroke::default()
        };
        canvas.stroke(&nostril.on(side), SHADOW, 0.72);
        for line in [0.0, 1.0] {
            let wrinkle = Stroke {
                from: (0.012 + 0.02 * line, -0.055 + 0.05 * line),
                to: (0.095, -0.03 + 0.075 * line),
                bow: 0.014,
                radius: [0.005, 0.008, 0.0],
                softness: 0.018,
                ..Stroke::default()
            };
            canvas.stroke(&wrinkle.on(side), SHADOW, 0.55 * face.nose_wrinkle);
        }
    }
}

fn eye(canvas: &mut Canvas<'_>, face: &Face, side: f32) {
    let lowered = (-0.5 * (face.inner_brow + face.outer_brow)).max(0.0);
    canvas.spot((side * 0.215, -0.055), (0.19, 0.105), SHADOW, 0.36 + 4.0 * lowered);
    canvas.spot((side * 0.105, -0.02), (0.07, 0.09), SHADOW, 0.30);
    canvas.spot((side * 0.235, -0.095), (0.11, 0.05), LIGHT, 0.10);

    // Lids as heights over t = −1 (at the nose) to 1 (at the temple).
    let (upper_lid, lower_lid, slant) = (face.upper_lid, face.lower_lid, face.lid_slant);
    let tilt = |t: f32| 0.010 - 0.012 * (t + 1.0);
    let upper = move |t: f32| {
        let hump = 1.0 - t * t;
        EYE.1 + tilt(t) - hump * (upper_lid - slant * t) - 0.006 * hump * hump
    };
    let lower = move |t: f32| EYE.1 + tilt(t) + (1.0 - t * t) * (lower_lid + 0.2 * lower_lid * t);
    let t_of = move |u: f32| (side * u - EYE.0) * (1.0 / EYE_HALF_WIDTH);

    let edge = 1.0 / (1.4 * canvas.pixel);
    let iris = (side * EYE.0, EYE.1 - 0.004);
    let area = Area { left: side * EYE.0 - EYE_HALF_WIDTH, top: -0.1, right: side * EYE.0 + EYE_HALF_WIDTH, bottom: 0.07 };
    canvas.fill(area, |u, v| {
        let t = t_of(u).clamp(-1.0, 1.0);
        let (top, bottom) = (upper(t), lower(t));
        let cover = ((v - top).min(bottom - v) * edge + 0.5).clamp(0.0, 1.0);
        if cover == 0.0 {
            return (0.0, 0.0);
        }
        let (du, dv) = (u - iris.0, v - iris.1);
        let distance = (du * du + dv * dv).sqrt();
        let white = 222.0 - 55.0 * t * t - 60.0 * smooth(0.03, 0.0, v - top);
        let ring = 62.0 + 42.0 * smooth(-0.02, 0.04, dv);
        let iris_cover = ((0.044 - distance) * edge + 0.5).clamp(0.0, 1.0);
        let pupil_cover = ((0.02 - distance) * edge + 0.5).clamp(0.0, 1.0);
        let glint = {
            let (gu, gv) = (du + 0.015, dv + 0.015);
            ((0.010 - (gu * gu + gv * gv).sqrt()) * edge + 0.5).clamp(0.0, 1.0)
        };
        let tone = white + (ring - white) * iris_cover;
        let tone = tone + (12.0 - tone) * pupil_cover;
        (tone + (240.0 - tone) * glint, cover)
    });

    // Lashes follow the upper lid; the crease lies above it; the lower lid is a finer line.
    let lash = 0.013;
    let soft = 1.0 / (0.012f32).max(1.5 * canvas.pixel);
    let area = Area { left: side * EYE.0 - 0.135, top: -0.16, right: side * EYE.0 + 0.135, bottom: 0.1 };
    let open = smooth(-0.01, 0.03, upper_lid);
    canvas.fill(area, |u, v| {
        let t = t_of(u);
        let inside = t.clamp(-1.0, 1.0);
        let fade = (1.0 - 5.0 * (t - inside).abs()).max(0.0);
        let above = upper(inside) - v;
        let thick = lash * (0.65 + 0.35 * t);
        let line = ((thick - (above - 0.3 * lash).abs()) * soft + 0.5).clamp(0.0, 1.0) * 0.9;
        let crease_height = 0.030 + 0.012 * (1.0 - inside * inside) - 0.35 * (upper_lid - 0.042);
        let crease = ((0.006 - (above - crease_height).abs()) * (0.6 * soft) + 0.5).clamp(0.0, 1.0) * 0.42 * open;
        let under = ((0.003 - (v - lower(inside) - 0.002).abs()) * soft + 0.5).clamp(0.0, 1.0) * 0.42;
        (LASHES, line.max(crease).max(under) * fade)
    });
}

fn brow(canvas: &mut Canvas<'_>, face: &Face, side: f32) {
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

/// The right corner of the mouth.
fn mouth_corner(face: &Face) -> (f32, f32) {
    (face.mouth_width, MOUTH - face.corner_raise + 0.42 * face.jaw_drop)
}

fn mouth(canvas: &mut Canvas<'_>, face: &Face) {
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
        let ridge = ((u * 19.0 + 0.5).fract().abs() - 0.5).abs();
        let depth = smooth(0.0, 0.03, v - upper_inner);
        let tooth = (150.0 + 68.0 * depth) * (1.0 - 0.10 * smooth(0.36, 0.5, ridge));
        let cavity = 26.0;
        let inside = cavity + (tooth - cavity) * teeth;
        let tone = lip + (SHADOW - lip) * line * (1.0 - open) * f32::from(u.abs() < width);
        (tone + (inside - tone) * open, cover)
    });
}
