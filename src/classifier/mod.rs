//! Which expression a face shows: a picture and a box in, seven probabilities out.

pub mod equalise;
pub mod mini_xception;
pub mod preprocess;

use std::fmt;

use anyhow::Result;
use image::GrayImage;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use crate::frame::BoundingBox;

/// The seven expressions of FER-2013, in its own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Emotion {
    Angry,
    Disgust,
    Fear,
    Happy,
    Sad,
    Surprise,
    Neutral,
}

impl Emotion {
    /// All seven; `ALL[i] as usize == i`.
    pub const ALL: [Self; 7] = [Self::Angry, Self::Disgust, Self::Fear, Self::Happy, Self::Sad, Self::Surprise, Self::Neutral];

    /// The name in lower case, as in files and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Angry => "angry",
            Self::Disgust => "disgust",
            Self::Fear => "fear",
            Self::Happy => "happy",
            Self::Sad => "sad",
            Self::Surprise => "surprise",
            Self::Neutral => "neutral",
        }
    }
}

impl fmt::Display for Emotion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// One probability per [`Emotion`]: each finite and not negative, together 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probabilities([f32; 7]);

impl Probabilities {
    /// How far the sum of a network's softmax may be from 1.
    const SUM_TOLERANCE: f32 = 1e-3;

    /// Keeps the rule: `None` for a value that is negative or not finite, or a sum that is not 1 within a thousandth. Rounding is normalised away.
    pub fn new(values: [f32; 7]) -> Option<Self> {
        let sum: f32 = values.iter().sum();
        let valid = values.iter().all(|value| value.is_finite() && *value >= 0.0);
        (valid && (sum - 1.0).abs() <= Self::SUM_TOLERANCE).then(|| Self(values.map(|value| value / sum)))
    }

    /// The probability of one expression, 0 to 1.
    pub const fn of(&self, emotion: Emotion) -> f32 {
        self.0[emotion as usize]
    }

    /// All seven in the order of [`Emotion::ALL`].
    pub const fn as_array(&self) -> &[f32; 7] {
        &self.0
    }

    /// The most probable expression; of equal ones the first.
    pub fn top(&self) -> Emotion {
        let mut top = Emotion::Angry;
        for emotion in Emotion::ALL {
            if self.of(emotion) > self.of(top) {
                top = emotion;
            }
        }
        top
    }

    /// The way from `self` (share 0) to `other` (share 1); a mixture of probabilities is again one.
    pub fn towards(&self, other: &Self, share: f32) -> Self {
        let share = share.clamp(0.0, 1.0);
        Self(std::array::from_fn(|i| self.0[i] + share * (other.0[i] - self.0[i])))
    }
}

/// As a map from name to probability, in the order of [`Emotion::ALL`].
impl Serialize for Probabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Emotion::ALL.len()))?;
        for emotion in Emotion::ALL {
            map.serialize_entry(emotion.name(), &self.of(emotion))?;
        }
        map.end()
    }
}

/// Names the expression of a face.
pub trait EmotionClassifier: Send {
    /// The probabilities for the face in `face`, a detector's box inside `image`; `None` if that is no face, as far as the network can tell.
    ///
    /// # Errors
    /// If the network computed something that is no probability (not finite, or a sum that is not 1): such a result is never shown.
    fn classify(&mut self, image: &GrayImage, face: BoundingBox) -> Result<Option<Probabilities>>;

    /// Whether the next faces are seen as in a mirror. They show the same there, but a network errs differently about it, so whoever looks at a face
    /// again and again, and takes a mean over time, does well to change between both.
    fn set_mirrored(&mut self, mirrored: bool);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emotions_are_numbered_as_in_fer_2013() {
        for (index, emotion) in Emotion::ALL.into_iter().enumerate() {
            assert_eq!(emotion as usize, index);
            assert_eq!(serde_json::to_value(emotion).unwrap(), emotion.name());
        }
        let names = Emotion::ALL.map(Emotion::name);
        assert_eq!(names, ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]);
    }

    #[test]
    fn probabilities_refuse_what_is_none() {
        assert!(Probabilities::new([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).is_some());
        for (index, bad) in [(0, f32::NAN), (1, f32::INFINITY), (2, -0.1), (3, 0.9)] {
            let mut values = [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0];
            values[index] = bad;
            assert_eq!(Probabilities::new(values), None, "{values:?}");
        }
    }

    #[test]
    fn the_top_expression_is_the_most_probable_one() {
        let probabilities = Probabilities::new([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1]).unwrap();
        assert_eq!(probabilities.top(), Emotion::Happy);
        assert!((probabilities.of(Emotion::Happy) - 0.4).abs() < 1e-6);
    }

    #[test]
    fn half_way_between_two_is_their_mean() {
        let happy = Probabilities::new([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]).unwrap();
        let sad = Probabilities::new([0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]).unwrap();
        assert_eq!(happy.towards(&sad, 0.5).as_array(), &[0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0]);
    }
}
