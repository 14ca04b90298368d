//! Everything that a display says, in one place.

use crate::classifier::Emotion;

/// The name of an expression.
pub const fn name(emotion: Emotion) -> &'static str {
    match emotion {
        Emotion::Angry => "Angry",
        Emotion::Disgust => "Disgust",
        Emotion::Fear => "Fear",
        Emotion::Happy => "Happy",
        Emotion::Sad => "Sad",
        Emotion::Surprise => "Surprise",
        Emotion::Neutral => "Neutral",
    }
}

/// What the program promises about pictures; always on the screen.
pub const PRIVACY: &str = "no pictures stored";

/// Title and advice while nothing has been seen.
pub const STARTING: (&str, &str) = ("Starting", "The camera is being opened.");
/// Title and advice while nobody is there.
pub const NO_FACE: (&str, &str) = ("No face", "Look into the camera, from one or two metres away.");
/// Title and advice while the pictures are dark.
pub const COVERED: (&str, &str) = ("Covered", "The camera sees only darkness: uncover it, or make light.");
/// Title and advice while the camera is closed on somebody's wish.
pub const PAUSED: (&str, &str) = ("Paused", "The camera is closed.");
/// Title while there is no camera; the reason follows.
pub const CAMERA_LOST: &str = "No camera";
