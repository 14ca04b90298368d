//! What distinguishes one display's scene from another's: the language, what the display can show, and how it is spared.

use std::time::Duration;

use super::moment::Night;
use super::words::Language;
use crate::config::Config;

/// How a scene looks on one display.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SceneStyle {
    /// The language of its words.
    pub language: Language,
    /// What a pixel can show.
    pub depth: Depth,
    /// True for a round display: the corners of its square are empty.
    pub round: bool,
    /// The scene is dimmed when nobody has been there for so long; none: never.
    pub dim_after: Option<Duration>,
    /// The hours in which the display is black; none: it never is.
    pub night: Option<Night>,
    /// Whom to ask about the device; empty: nobody is named.
    pub contact: &'static str,
    /// Whether the picture's outlines are shown, where there is room and colour.
    pub outline: bool,
}

/// What a pixel of a display can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// Any colour.
    #[default]
    Color,
    /// On or off. The scene is drawn with white lines on black ground; every pixel is `Rgb888::BLACK` or `Rgb888::WHITE`.
    Mono,
}

impl SceneStyle {
    /// What the configuration says, for a square display in colour that is attached to the device.
    pub fn of_attached(config: &Config) -> Self {
        Self { outline: config.display.outline, ..Self::of(config) }
    }

    /// As [`of_attached`](Self::of_attached), for what may be seen elsewhere: a file or a terminal.
    pub fn of(Config { display: config, deployment, .. }: &Config) -> Self {
        // Styles are copied about; a contact is a few bytes, once for each configuration that is read.
        let contact = deployment.contact.clone().leak();
        let dim_after = (config.dim_after_s > 0).then(|| Duration::from_secs(config.dim_after_s.into()));
        Self { language: config.language, dim_after, night: config.night.hours(), contact, ..Self::default() }
    }
}
