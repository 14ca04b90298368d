//! Lights that can take any colour: that of the main face's expression, as bright as it is sure, with soft transitions.

use std::time::Duration;

use anyhow::Result;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};

use crate::config::LedsConfig;
use crate::outputs::display::palette;
use crate::outputs::{Output, View};

/// Amounts of light of red, green and blue, each 0 (dark) to 1 (all the LED has), proportional to the light that comes out.
pub type Light = [f32; 3];

/// No light.
pub const DARK: Light = [0.0; 3];

/// Something that can take a colour.
///
/// Dropping it leaves it dark.
pub trait ColourLight {
    /// What this is, for the log: `strip at /dev/spidev0.0`.
    fn name(&self) -> &str;

    /// Shows `light`; returns within a few milliseconds, and does nothing if it shows that already.
    ///
    /// # Errors
    /// If the device is gone; it is of no use after that.
    fn set(&mut self, light: Light) -> Result<()>;
}

/// A colour light as an output.
pub struct Coloured<L: ColourLight> {
    light: L,
    glow: Glow,
}

impl<L: ColourLight> Coloured<L> {
    /// Takes a light, which is dark.
    pub fn new(light: L, config: &LedsConfig) -> Self {
        Self { light, glow: Glow::new(config) }
    }
}

impl<L: ColourLight> Output for Coloured<L> {
    fn name(&self) -> &str {
        self.light.name()
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        self.light.set(self.glow.next(view))
    }
}

/// Nearer than this to its aim, of 1, a transition is over: less than an LED with 8 bits can show.
const THERE: f32 = 1.0 / 512.0;

/// The colour over time.
pub struct Glow {
    brightness: f32,
    idle: Light,
    transition_s: f32,
    light: Light,
    /// When it was so; none if it has not been shown since the last interruption.
    at: Option<Duration>,
}

impl Glow {
    /// Dark to begin with.
    pub fn new(config: &LedsConfig) -> Self {
        let idle = scaled(amounts(palette::ASLEEP), config.idle_brightness as f32 / largest(amounts(palette::ASLEEP)));
        Self { brightness: config.brightness as f32, idle, transition_s: config.transition_s as f32, light: DARK, at: None }
    }

    /// The light for `view`. Between observations it goes the share 1 − exp(−Δt / `transition_s`) of the way to the expression's colour, Δt from the
    /// times of the observations. Where nothing is looked at it is dark at once.
    pub fn next(&mut self, view: View<'_>) -> Light {
        let View::Watching(observation) = view else {
            (self.light, self.at) = (DARK, None);
            return DARK;
        };
        let aim = observation
            .main_face()
            .map_or(self.idle, |face| scaled(amounts(palette::of(face.expression)), self.brightness * face.confidence()));
        let now = observation.captured_at;
        let passed = self.at.replace(now).map_or(Duration::ZERO, |before| now.saturating_sub(before)).as_secs_f32();
        let share = if self.transition_s > 0.0 { 1.0 - (-passed / self.transition_s).exp() } else { 1.0 };
        for (light, aim) in self.light.iter_mut().zip(aim) {
            *light += share * (aim - *light);
        }
        if self.light.iter().zip(aim).all(|(light, aim)| (light - aim).abs() < THERE) {
            self.light = aim;
        }
        self.light
    }
}

/// The light of a colour as screens mean it (sRGB, IEC 61966-2-1): this is the gamma correction, since an LED's light follows its duty.
pub fn amounts(colour: Rgb888) -> Light {
    [colour.r(), colour.g(), colour.b()].map(|channel| {
        let share = f32::from(channel) / 255.0;
        if share <= 0.04045 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    })
}

fn scaled(light: Light, factor: f32) -> Light {
    light.map(|amount| amount * factor)
}

fn largest(light: Light) -> f32 {
    light.into_iter().fold(0.0, f32::max)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classifier::{Emotion, Probabilities};
    use crate::frame::BoundingBox;
    use crate::tracker::{Observation, TrackedFace};

    /// One face that is this sure of its expression, at a time.
    pub(in crate::outputs::leds) fn seeing(expression: Emotion, confidence: f32, milliseconds: u64) -> Observation {
        let mut probabilities = [(1.0 - confidence) / 6.0; 7];
        probabilities[expression as usize] = confidence;
        let face = TrackedFace {
            id: 1,
            bounding_box: BoundingBox { x: 0, y: 0, width: 90, height: 90 },
            probabilities: Probabilities::new(probabilities).unwrap(),
            expression,
            expression_since: Duration::ZERO,
            first_seen: Duration::ZERO,
            last_seen: Duration::ZERO,
        };
        Observation { faces: vec![face], captured_at: Duration::from_millis(milliseconds), ..Observation::default() }
    }

    pub(in crate::outputs::leds) fn nobody(milliseconds: u64) -> Observation {
        Observation { captured_at: Duration::from_millis(milliseconds), ..Observation::default() }
    }

    fn near(light: Light, expected: Light) {
        assert!(light.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3), "{light:?}, not {expected:?}");
    }

    fn glow(transition_s: f64) -> Glow {
        Glow::new(&LedsConfig { brightness: 0.5, transition_s, ..LedsConfig::default() })
    }

    #[test]
    fn amounts_of_light_follow_the_srgb_curve() {
        // IEC 61966-2-1 with a pencil: (0.5020 + 0.055) / 1.055 = 0.5279, to the power 2.4: 0.2159; 0x0A / 255 / 12.92 = 0.003035.
        near(amounts(Rgb888::new(255, 128, 10)), [1.0, 0.2159, 0.003_035]);
    }

    #[test]
    fn the_colour_is_as_bright_as_the_expression_is_sure() {
        let blue = amounts(palette::of(Emotion::Sad));
        let light = glow(0.0).next(View::Watching(&seeing(Emotion::Sad, 0.8, 0)));
        near(light, blue.map(|amount| amount * 0.5 * 0.8));
    }

    #[test]
    fn after_one_time_constant_63_percent_of_the_way_is_gone() {
        let mut glow = glow(0.4);
        let aim = amounts(palette::of(Emotion::Happy)).map(|amount| amount * 0.5);
        near(glow.next(View::Watching(&seeing(Emotion::Happy, 1.0, 1000))), DARK);
        // 1 − 1/e = 0.632; twice: 1 − 1/e² = 0.865, whether in one step or in two.
        near(glow.next(View::Watching(&seeing(Emotion::Happy, 1.0, 1400))), aim.map(|amount| 0.632 * amount));
        near(glow.next(View::Watching(&seeing(Emotion::Happy, 1.0, 1600))), aim.map(|amount| 0.777 * amount));
        near(glow.next(View::Watching(&seeing(Emotion::Happy, 1.0, 1800))), aim.map(|amount| 0.865 * amount));
        assert_eq!(glow.next(View::Watching(&seeing(Emotion::Happy, 1.0, 9000))), aim);
    }

    #[test]
    fn nobody_is_dark_in_the_end_unless_an_idle_light_is_wanted() {
        let mut quiet = glow(0.4);
        quiet.next(View::Watching(&seeing(Emotion::Happy, 1.0, 0)));
        quiet.next(View::Watching(&seeing(Emotion::Happy, 1.0, 400)));
        assert!(quiet.next(View::Watching(&nobody(500)))[0] > 0.1);
        assert_eq!(quiet.next(View::Watching(&nobody(9000))), DARK);
        let mut idle = Glow::new(&LedsConfig { idle_brightness: 0.1, transition_s: 0.0, ..LedsConfig::default() });
        // The blue of the sleeping face is its brightest colour.
        near([0.0, 0.0, idle.next(View::Watching(&nobody(0)))[2]], [0.0, 0.0, 0.1]);
    }

    #[test]
    fn where_nothing_is_looked_at_it_is_dark_at_once_and_rises_softly_afterwards() {
        for dark in [View::Starting, View::Covered, View::Paused, View::CameraLost { reason: "unplugged" }] {
            let mut glow = glow(0.4);
            glow.next(View::Watching(&seeing(Emotion::Sad, 1.0, 0)));
            assert!(glow.next(View::Watching(&seeing(Emotion::Sad, 1.0, 400)))[2] > 0.2);
            assert_eq!(glow.next(dark), DARK);
            assert_eq!(glow.next(View::Watching(&seeing(Emotion::Sad, 1.0, 60_000))), DARK);
            assert!(glow.next(View::Watching(&seeing(Emotion::Sad, 1.0, 60_100)))[2] > 0.05);
        }
    }
}
