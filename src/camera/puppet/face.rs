//! What a face expresses, as numbers: one field per group of muscles, after the facial action units (AU) of Ekman and Friesen's coding system.
//!
//! Lengths are fractions of the face's width (cheek to cheek, about 14 cm in a person); upwards and outwards is positive. The rest is a strength
//! from 0 (relaxed) to 1 (as much as a face can).

use crate::classifier::Emotion;

/// One expression, or a mixture of two. Left and right are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// How far the inner ends of the brows are raised (AU 1) or lowered (AU 4); −0.08 to 0.10.
    pub inner_brow: f32,
    /// The same for the outer ends (AU 2); −0.06 to 0.10.
    pub outer_brow: f32,
    /// How far the brows are drawn together (AU 4); 0 to 0.05.
    pub brow_knit: f32,
    /// Height of the brows' arch above the line from end to end; −0.02 to 0.06.
    pub brow_arch: f32,
    /// The upper lid's height above the middle of the eye (AU 5 raises it); −0.03 (closed) to 0.08.
    pub upper_lid: f32,
    /// The lower lid's depth below the middle of the eye (AU 6 and 7 raise it); 0 to 0.05.
    pub lower_lid: f32,
    /// How much higher the upper lid is at the nose than at the temple, as in grief; −0.02 to 0.02.
    pub lid_slant: f32,
    /// Strength with which the cheeks are raised (AU 6).
    pub cheek_raise: f32,
    /// Strength with which the nose is wrinkled (AU 9).
    pub nose_wrinkle: f32,
    /// Half the width of the mouth (AU 12 and 20 widen it, 18 and 27 narrow it); 0.10 to 0.27.
    pub mouth_width: f32,
    /// How far the corners of the mouth are raised (AU 12) or lowered (AU 15); −0.06 to 0.09.
    pub corner_raise: f32,
    /// How far the upper lip is raised (AU 10); 0 to 0.08.
    pub upper_lip_raise: f32,
    /// How far the lower lip is lowered (AU 16 and 25) or pushed up (AU 17); −0.03 to 0.08.
    pub lower_lip_drop: f32,
    /// How far the jaw is dropped (AU 26 and 27); 0 to 0.25.
    pub jaw_drop: f32,
    /// Strength with which the lips are pressed together (AU 24): they grow thin.
    pub lip_press: f32,
    /// 0: the open mouth is an ellipse; 1: a rectangle.
    pub mouth_squareness: f32,
    /// Depth of the folds from the nose to the corners of the mouth (AU 10 and 12).
    pub nasolabial_fold: f32,
    /// Depth of the lines across the forehead (AU 1 and 2).
    pub forehead_lines: f32,
    /// Depth of the upright lines between the brows (AU 4).
    pub frown_lines: f32,
    /// Depth of the lines at the outer corners of the eyes (AU 6).
    pub crows_feet: f32,
    /// How far the chin is pushed up and puckered (AU 17).
    pub chin_raise: f32,
}

impl Face {
    /// The relaxed face; the lengths are means of adults.
    pub const NEUTRAL: Self = Self {
        inner_brow: 0.0,
        outer_brow: 0.0,
        brow_knit: 0.0,
        brow_arch: 0.025,
        upper_lid: 0.038,
        lower_lid: 0.030,
        lid_slant: 0.0,
        cheek_raise: 0.0,
        nose_wrinkle: 0.0,
        mouth_width: 0.185,
        corner_raise: 0.0,
        upper_lip_raise: 0.0,
        lower_lip_drop: 0.0,
        jaw_drop: 0.0,
        lip_press: 0.0,
        mouth_squareness: 0.0,
        nasolabial_fold: 0.15,
        forehead_lines: 0.0,
        frown_lines: 0.0,
        crows_feet: 0.0,
        chin_raise: 0.0,
    };

    /// The full expression of `emotion`.
    pub const fn of(emotion: Emotion) -> Self {
        match emotion {
            Emotion::Angry => Self {
                inner_brow: -0.078,
                outer_brow: 0.0,
                brow_knit: 0.04,
                brow_arch: -0.008,
                upper_lid: 0.036,
                lower_lid: 0.016,
                lid_slant: -0.014,
                nose_wrinkle: 0.25,
                mouth_width: 0.15,
                corner_raise: -0.042,
                lip_press: 0.8,
                nasolabial_fold: 0.6,
                frown_lines: 1.0,
                chin_raise: 0.6,
                ..Self::NEUTRAL
            },
            Emotion::Disgust => Self {
                inner_brow: -0.06,
                outer_brow: -0.03,
                brow_knit: 0.025,
                brow_arch: 0.01,
                upper_lid: 0.006,
                lower_lid: 0.008,
                cheek_raise: 0.7,
                nose_wrinkle: 1.0,
                mouth_width: 0.17,
                corner_raise: -0.04,
                upper_lip_raise: 0.065,
                lower_lip_drop: 0.01,
                mouth_squareness: 0.6,
                nasolabial_fold: 1.0,
                frown_lines: 0.6,
                chin_raise: 0.5,
                ..Self::NEUTRAL
            },
            Emotion::Fear => Self {
                inner_brow: 0.09,
                outer_brow: 0.01,
                brow_knit: 0.03,
                brow_arch: 0.0,
                upper_lid: 0.072,
                lower_lid: 0.026,
                lid_slant: 0.008,
                mouth_width: 0.24,
                corner_raise: -0.03,
                upper_lip_raise: 0.02,
                lower_lip_drop: 0.03,
                jaw_drop: 0.03,
                mouth_squareness: 0.7,
                nasolabial_fold: 0.3,
                forehead_lines: 0.7,
                frown_lines: 0.5,
                ..Self::NEUTRAL
            },
            Emotion::Happy => Self {
                upper_lid: 0.034,
                lower_lid: 0.018,
                cheek_raise: 1.0,
                mouth_width: 0.25,
                corner_raise: 0.075,
                upper_lip_raise: 0.03,
                lower_lip_drop: 0.02,
                jaw_drop: 0.03,
                mouth_squareness: 0.2,
                nasolabial_fold: 0.9,
                crows_feet: 0.9,
                ..Self::NEUTRAL
            },
            Emotion::Sad => Self {
                inner_brow: 0.07,
                outer_brow: -0.04,
                brow_knit: 0.025,
                brow_arch: -0.005,
                upper_lid: 0.018,
                lower_lid: 0.022,
                lid_slant: 0.014,
                mouth_width: 0.175,
                corner_raise: -0.05,
                lower_lip_drop: -0.012,
                nasolabial_fold: 0.4,
                forehead_lines: 0.25,
                frown_lines: 0.4,
                chin_raise: 0.8,
                ..Self::NEUTRAL
            },
            Emotion::Surprise => Self {
                inner_brow: 0.085,
                outer_brow: 0.09,
                brow_arch: 0.05,
                upper_lid: 0.075,
                lower_lid: 0.036,
                mouth_width: 0.13,
                lower_lip_drop: 0.03,
                upper_lip_raise: 0.02,
                jaw_drop: 0.17,
                nasolabial_fold: 0.1,
                forehead_lines: 0.8,
                ..Self::NEUTRAL
            },
            Emotion::Neutral => Self::NEUTRAL,
        }
    }

    /// The way from `self` (share 0) to `other` (share 1), every parameter in a straight line.
    pub fn towards(&self, other: &Self, share: f32) -> Self {
        let mix = |from: f32, to: f32| from + share * (to - from);
        Self {
            inner_brow: mix(self.inner_brow, other.inner_brow),
            outer_brow: mix(self.outer_brow, other.outer_brow),
            brow_knit: mix(self.brow_knit, other.brow_knit),
            brow_arch: mix(self.brow_arch, other.brow_arch),
            upper_lid: mix(self.upper_lid, other.upper_lid),
            lower_lid: mix(self.lower_lid, other.lower_lid),
            lid_slant: mix(self.lid_slant, other.lid_slant),
            cheek_raise: mix(self.cheek_raise, other.cheek_raise),
            nose_wrinkle: mix(self.nose_wrinkle, other.nose_wrinkle),
            mouth_width: mix(self.mouth_width, other.mouth_width),
            corner_raise: mix(self.corner_raise, other.corner_raise),
            upper_lip_raise: mix(self.upper_lip_raise, other.upper_lip_raise),
            lower_lip_drop: mix(self.lower_lip_drop, other.lower_lip_drop),
            jaw_drop: mix(self.jaw_drop, other.jaw_drop),
            lip_press: mix(self.lip_press, other.lip_press),
            mouth_squareness: mix(self.mouth_squareness, other.mouth_squareness),
            nasolabial_fold: mix(self.nasolabial_fold, other.nasolabial_fold),
            forehead_lines: mix(self.forehead_lines, other.forehead_lines),
            frown_lines: mix(self.frown_lines, other.frown_lines),
            crows_feet: mix(self.crows_feet, other.crows_feet),
            chin_raise: mix(self.chin_raise, other.chin_raise),
        }
    }

    /// The same face with the lids closed by `share`: 0 as it is, 1 shut.
    pub fn blinking(&self, share: f32) -> Self {
        // The lids meet a little below the middle of the eye: the upper one does most of the way.
        const MEETING: f32 = 0.015;
        Self {
            upper_lid: self.upper_lid + share * (-MEETING - self.upper_lid),
            lower_lid: self.lower_lid + share * (MEETING - self.lower_lid),
            lid_slant: self.lid_slant * (1.0 - share),
            ..*self
        }
    }
}
