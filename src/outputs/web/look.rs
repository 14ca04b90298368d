//! What the page looks like and says: the same faces, colours and words as the displays, handed to the browser.

use std::collections::BTreeMap;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::RgbColor;
use serde::Serialize;

use crate::classifier::Emotion;
use crate::outputs::display::face::Mien;
use crate::outputs::display::palette;
use crate::outputs::display::words::{Language, Words};

/// Everything that does not change while the service runs, as JSON.
#[derive(Serialize)]
struct Look {
    /// In the order in which probabilities and sums come.
    expressions: [Emotion; 7],
    faces: BTreeMap<&'static str, Mien>,
    languages: BTreeMap<Language, &'static Words>,
    /// Spoken where the browser's language is not.
    language: Language,
    colours: BTreeMap<&'static str, String>,
}

/// The face while there is nothing to mirror.
const ASLEEP: &str = "asleep";

pub(super) fn json(language: Language) -> String {
    let faces = Emotion::ALL.map(|emotion| (emotion.name(), Mien::of(emotion)));
    let look = Look {
        expressions: Emotion::ALL,
        faces: faces.into_iter().chain([(ASLEEP, Mien::asleep())]).collect(),
        languages: Language::ALL.map(|language| (language, language.words())).into(),
        language,
        colours: colours().into_iter().map(|(name, color)| (name, hex(color))).collect(),
    };
    serde_json::to_string(&look).expect("words and numbers have a JSON form")
}

/// The colours as variables for the style sheet.
pub(super) fn css() -> String {
    let lines = colours().map(|(name, color)| format!("  --{name}: {};\n", hex(color)));
    format!(":root {{\n{}}}\n", lines.concat())
}

fn colours() -> [(&'static str, Rgb888); 13] {
    let [angry, disgust, fear, happy, sad, surprise, neutral] =
        Emotion::ALL.map(|emotion| (emotion.name(), palette::of(emotion)));
    [
        angry,
        disgust,
        fear,
        happy,
        sad,
        surprise,
        neutral,
        (ASLEEP, palette::ASLEEP),
        ("dark-paper", palette::PAPER),
        ("dark-ink", palette::INK),
        ("dark-quiet", palette::QUIET),
        ("dark-track", palette::TRACK),
        ("features", palette::FEATURES),
    ]
}

fn hex(color: Rgb888) -> String {
    format!("#{:02x}{:02x}{:02x}", color.r(), color.g(), color.b())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outputs::display::vision::contrast;

    #[test]
    fn the_browser_gets_the_faces_colours_and_words_of_the_displays() {
        let look: serde_json::Value = serde_json::from_str(&json(Language::De)).unwrap();
        assert_eq!((&look["language"], &look["expressions"][3]), (&"de".into(), &"happy".into()));
        assert_eq!(look["languages"]["fr"]["expressions"]["happy"], "Joie");
        assert_eq!(look["faces"].as_object().unwrap().len(), 8);
        assert!(look["faces"]["happy"]["mouth_width"].as_f64().unwrap() > 0.4);
        assert!(css().contains("  --happy: #f8e560;\n"));
    }

    #[test]
    fn the_page_has_all_its_words_in_every_language() {
        for language in Language::ALL {
            let words = &language.words().web;
            let all = serde_json::to_value(words).unwrap();
            assert!(all.as_object().unwrap().values().all(|text| !text.as_str().unwrap().trim().is_empty()), "{language:?}");
            assert!([&words.face, &words.faces].iter().all(|text| text.contains("{n}")), "{language:?}");
        }
    }

    /// The value of a variable of the light style, as written in the style sheet.
    fn light(name: &str) -> Rgb888 {
        let sheet = include_str!("page/page.css");
        let begin = sheet.find(&format!("--{name}: #")).unwrap_or_else(|| panic!("--{name} is not there")) + name.len() + 5;
        let value = u32::from_str_radix(&sheet[begin..begin + 6], 16).unwrap();
        Rgb888::new((value >> 16) as u8, (value >> 8) as u8, value as u8)
    }

    #[test]
    fn text_and_edges_stand_out_in_the_light_style_too() {
        for ground in ["paper", "card"].map(light) {
            for text in ["ink", "quiet", "link", "bad"].map(light) {
                assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}: {}", contrast(text, ground));
            }
            // Yellow on white would not do: everything coloured has an edge.
            assert!(contrast(light("edge"), ground) >= 3.0);
        }
    }
}
