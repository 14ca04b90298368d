//! The relief of the skin: forehead, cheeks and nose, with the lines and folds that expressions make.

use super::brush::{Canvas, Stroke};
use super::draw::{EYE, EYE_HALF_WIDTH, LIGHT, SHADOW, SIDES};
use super::face::Face;
use super::mouth::mouth_corner;

/// The forehead with its furrows, and the frown between the brows.
pub(super) fn forehead(canvas: &mut Canvas<'_>, face: &Face) {
    canvas.spot((-0.05, -0.34), (0.34, 0.22), LIGHT, 0.22);
    for side in SIDES {
        canvas.spot((side * 0.44, -0.12), (0.12, 0.3), SHADOW, 0.22);
    }
    for (line, height) in [-0.27, -0.335, -0.40].into_iter().enumerate() {
        let reach = 0.27 - 0.02 * line as f32;
        let stroke = Stroke {
            from: (-reach, height - 0.02),
            to: (reach, height - 0.02),
            bow: 0.02 + 0.3 * (face.outer_brow - face.inner_brow),
            radius: [0.0, 0.007, 0.0],
            softness: 0.02,
            ..Stroke::default()
        };
        canvas.stroke(&stroke, SHADOW, 0.5 * face.forehead_lines);
        // Below each furrow the skin bulges into the light.
        let lit = Stroke { from: (-reach, height), to: (reach, height), ..stroke };
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

/// The cheeks, from the lower lids with their crow's feet to the folds beside the mouth.
pub(super) fn cheeks(canvas: &mut Canvas<'_>, face: &Face) {
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

/// The nose from its bridge to the shadow below it.
pub(super) fn nose(canvas: &mut Canvas<'_>, face: &Face) {
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
