//! What lies behind the features: shoulders, neck, ears, the head's shape with its light, and hair.

use super::brush::{Area, Canvas};
use super::draw::{CHIN, HAIR, SHIRT, SIDES, SKIN, smooth, zigzag};
use super::face::Face;

/// Shirt and neck; the chin's shadow lies on it.
pub(super) fn shoulders(canvas: &mut Canvas<'_>) {
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

/// Ears and the bare head, with the chin where the jaw has it.
pub(super) fn head(canvas: &mut Canvas<'_>, face: &Face) {
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

/// Short hair over the head's upper part.
pub(super) fn hair(canvas: &mut Canvas<'_>) {
    let (edge, fringe) = (1.0 / (3.0 * canvas.pixel), 1.0 / (3.0 * canvas.pixel).max(0.03));
    canvas.fill(Area { left: -0.62, top: -0.98, right: 0.62, bottom: 0.12 }, |u, v| {
        let (across, up) = (u / 0.57, (v + 0.30) / 0.64);
        let radius = across * across + up * up;
        // Between the outer outline and the hairline; sideburns end at the ear.
        let hairline =
            -0.56 + 0.08 * (u + 0.15).abs() + 4.2 * (u.abs() - 0.30).max(0.0).powi(2) + 30.0 * (u.abs() - 0.43).max(0.0).powi(2);
        let cover = (((1.0 - radius) * 0.3).min(0.06 - v) * edge).min((hairline - v) * fringe);
        let strand = zigzag(u * 40.0 + v * 9.0) + zigzag(u * 93.0 - v * 14.0);
        let sheen = 30.0 * (1.0 - ((up + 0.62) * 4.0).powi(2)).max(0.0) * (1.0 - across * across).max(0.0);
        (HAIR + 14.0 * strand + sheen, cover.clamp(0.0, 1.0))
    });
}
