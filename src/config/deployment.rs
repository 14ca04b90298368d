//! `[deployment]`: where the device stands. In schools and at work it names expressions only if its operator says why that is lawful.

use serde::{Deserialize, Serialize};

use super::{OutOfRange, SourceKind};

/// `[deployment]`: where the device stands, and whom to ask about it. `docs/privacy.md` says what depends on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeploymentConfig {
    /// Where it stands.
    pub setting: Setting,
    /// For `education` and `workplace`: why it may name the expressions of the people there, in the operator's words; empty: it may not.
    pub lawful_because: String,
    /// Whom to ask about the device, for the displays; empty: nobody is named.
    pub contact: String,
}

/// Where a device can stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// With people who live there.
    #[default]
    Home,
    /// In a museum, at a fair, on a stage.
    Exhibit,
    /// In a study whose participants have agreed.
    Research,
    /// In a school, a university, a training.
    Education,
    /// Where people work.
    Workplace,
}

impl Setting {
    /// As the configuration has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Exhibit => "exhibit",
            Self::Research => "research",
            Self::Education => "education",
            Self::Workplace => "workplace",
        }
    }

    /// Whether the European Union prohibits to infer emotions there (Regulation (EU) 2024/1689, Art. 5(1)(f)).
    const fn is_restricted(self) -> bool {
        matches!(self, Self::Education | Self::Workplace)
    }
}

impl DeploymentConfig {
    /// Whether expressions may be named in the pictures of `source`. Of a recording or a drawn face they always may: a lesson works everywhere.
    pub fn names_expressions(&self, source: SourceKind) -> bool {
        !source.is_camera() || !self.setting.is_restricted() || !self.lawful_because.trim().is_empty()
    }

    /// What there is to say about it, in one line for the log and for whoever asks; none where nothing stands against naming expressions.
    pub fn notice(&self, source: SourceKind) -> Option<String> {
        let setting = self.setting.name();
        if !source.is_camera() || !self.setting.is_restricted() {
            None
        } else if self.names_expressions(source) {
            Some(format!("expressions are named, in the setting \"{setting}\", because: {}", self.lawful_because.trim()))
        } else {
            Some(format!(
                "faces are counted and expressions are not named: the setting is \"{setting}\", and [deployment] lawful_because is empty"
            ))
        }
    }

    pub(super) fn check(&self) -> Result<(), OutOfRange> {
        for (key, text, most) in [("lawful_because", &self.lawful_because, 500), ("contact", &self.contact, 120)] {
            if text.chars().count() > most || text.chars().any(char::is_control) {
                return Err(OutOfRange { table: "deployment", key, rule: format!("{most} letters at most, in one line") });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn deployment(text: &str) -> DeploymentConfig {
        Config::parse(&format!("[deployment]\n{text}"), Path::new("visaged.toml")).unwrap().deployment
    }

    #[test]
    fn at_work_and_in_schools_a_camera_s_faces_are_named_only_with_a_reason() {
        for (setting, restricted) in
            [("home", false), ("exhibit", false), ("research", false), ("education", true), ("workplace", true)]
        {
            for (reason, given) in [("", false), (" \u{a0}", false), ("a rehabilitation clinic, Art. 5(1)(f)", true)] {
                let deployment = deployment(&format!("setting = \"{setting}\"\nlawful_because = \"{reason}\""));
                for source in [SourceKind::Auto, SourceKind::V4l2, SourceKind::Rpicam] {
                    assert_eq!(deployment.names_expressions(source), given || !restricted, "{setting}, {reason:?}");
                    assert_eq!(deployment.notice(source).is_some(), restricted, "{setting}, {reason:?}");
                }
                for source in [SourceKind::Replay, SourceKind::Puppet] {
                    assert!(deployment.names_expressions(source) && deployment.notice(source).is_none());
                }
            }
        }
        let deployment = deployment("setting = \"workplace\"\nlawful_because = \"medical\"");
        assert!(deployment.notice(SourceKind::Auto).unwrap().ends_with("\"workplace\", because: medical"));
    }

    #[test]
    fn another_setting_and_a_contact_of_two_lines_are_refused() {
        let message = |text: &str| Config::parse(text, Path::new("visaged.toml")).unwrap_err().to_string();
        let unknown = message("[deployment]\nsetting = \"office\"\n");
        assert!(
            unknown.starts_with("visaged.toml:2: ") && unknown.ends_with("\"education\", \"workplace\", not \"office\""),
            "{unknown}"
        );
        assert_eq!(
            message("[deployment]\n\ncontact = \"Ada\\nLovelace\"\n"),
            "visaged.toml:3: contact in [deployment] must be 120 letters at most, in one line"
        );
    }
}
