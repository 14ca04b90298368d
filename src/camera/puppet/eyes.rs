//! Eyes with their lids, and brows.

use super::brush::{Area, Canvas, Stroke};
use super::draw::{BROW, EYE, EYE_HALF_WIDTH, LASHES, LIGHT, SHADOW, smooth};
use super::face::Face;

pub(super) fn eye(canvas: &mut Canvas<'_>, face: &Face, side: f32) {
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
