//! A display as an option: `terminal`, `png=FILE`, `drm[=CARD]`, `fb[=DEVICE]`, or a panel's controller with its bus, `ssd1306[=/dev/i2c-1]`.

use std::path::PathBuf;
use std::str::FromStr;

use crate::config::{DisplayConfig, PanelController};

/// What `--display` names.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum DisplayChoice {
    Terminal,
    Png(PathBuf),
    Drm(PathBuf),
    Framebuffer(PathBuf),
    Panel(PanelController, PathBuf),
}

impl FromStr for DisplayChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, place) = text.split_once('=').unwrap_or((text, ""));
        let or = |usual: &str| PathBuf::from(if place.is_empty() { usual } else { place });
        let controller = PanelController::ALL.into_iter().find(|controller| controller.name().eq_ignore_ascii_case(kind));
        match (kind, controller) {
            ("terminal", _) if place.is_empty() => Ok(Self::Terminal),
            ("png", _) if !place.is_empty() => Ok(Self::Png(place.into())),
            ("png", _) => Err("which file? png=FILE".into()),
            ("drm", _) => Ok(Self::Drm(or("auto"))),
            ("fb", _) => Ok(Self::Framebuffer(or("/dev/fb0"))),
            (_, Some(controller)) => Ok(Self::Panel(controller, place.into())),
            _ => {
                let panels = PanelController::ALL.map(|controller| controller.name().to_lowercase()).join(", ");
                Err(format!("there are terminal, png=FILE, drm, fb, and the panels {panels}"))
            }
        }
    }
}

impl DisplayChoice {
    /// Adds this display; a panel keeps the lines that are configured.
    pub(super) fn add_to(&self, display: &mut DisplayConfig) {
        match self {
            Self::Terminal => display.terminal = true,
            Self::Png(path) => display.png.clone_from(path),
            Self::Drm(card) => display.drm.clone_from(card),
            Self::Framebuffer(device) => display.framebuffer.clone_from(device),
            Self::Panel(controller, bus) => {
                display.panel.controller = *controller;
                display.panel.bus.clone_from(bus);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpio::Line;

    #[test]
    fn a_display_is_named_by_its_kind_and_its_place() {
        let choice = |text: &str| text.parse::<DisplayChoice>().unwrap();
        assert_eq!(choice("terminal"), DisplayChoice::Terminal);
        assert_eq!(choice("png=a=b.png"), DisplayChoice::Png("a=b.png".into()));
        assert_eq!(choice("drm"), DisplayChoice::Drm("auto".into()));
        assert_eq!(choice("fb=/dev/fb1"), DisplayChoice::Framebuffer("/dev/fb1".into()));
        assert_eq!(choice("ssd1306"), DisplayChoice::Panel(PanelController::Ssd1306, "".into()));
        assert_eq!(choice("ILI9341=/dev/spidev1.0"), DisplayChoice::Panel(PanelController::Ili9341, "/dev/spidev1.0".into()));
        assert!("hdmi".parse::<DisplayChoice>().unwrap_err().contains("drm, fb, and the panels ili9341"));
    }

    #[test]
    fn a_panel_keeps_its_configured_lines() {
        let mut display = DisplayConfig::default();
        display.panel.data_command = Line::Number(9);
        DisplayChoice::Panel(PanelController::Gc9a01, "/dev/spidev0.1".into()).add_to(&mut display);
        assert_eq!((display.panel.data_command, display.panel.controller), (Line::Number(9), PanelController::Gc9a01));
    }
}
