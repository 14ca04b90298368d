//! Everything that a display says, one file per language in `words/`.
//!
//! Another language is a file there, a variant here, and its letters in the fonts: the tests say what is missing.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::classifier::Emotion;

/// A language that displays speak, by its code of ISO 639-1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// German.
    De,
    /// French.
    Fr,
    /// Spanish.
    Es,
    /// Chinese in simplified letters.
    Zh,
}

impl Language {
    /// All; `ALL[i] as usize == i`.
    pub const ALL: [Self; 5] = [Self::En, Self::De, Self::Fr, Self::Es, Self::Zh];

    /// What is said in it.
    pub fn words(self) -> &'static Words {
        static WORDS: LazyLock<[Words; 5]> = LazyLock::new(|| {
            Language::ALL.map(|language| toml::from_str(language.file()).expect("the files of words in this program are whole"))
        });
        &WORDS[self as usize]
    }

    const fn file(self) -> &'static str {
        match self {
            Self::En => include_str!("words/en.toml"),
            Self::De => include_str!("words/de.toml"),
            Self::Fr => include_str!("words/fr.toml"),
            Self::Es => include_str!("words/es.toml"),
            Self::Zh => include_str!("words/zh.toml"),
        }
    }

    /// The height of the smallest letters that can be read, in pixels: Chinese ones have more strokes.
    pub const fn least_letters(self) -> f32 {
        match self {
            Self::Zh => 12.0,
            _ => 6.0,
        }
    }
}

/// What a display says in one language.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// What the program promises about pictures; always on the screen.
    pub privacy: String,
    /// In front of the day's mix.
    pub today: String,
    expressions: BTreeMap<Emotion, String>,
    /// Nothing has been seen yet: what the device does, and what it does not.
    pub starting: Message,
    /// Nobody is there.
    pub no_face: Message,
    /// There is no camera.
    pub camera_lost: Message,
    /// The pictures are dark.
    pub covered: Message,
    /// The camera is closed on somebody's wish.
    pub paused: Message,
    /// Faces are counted, and nothing else.
    pub counting: Message,
    /// What only the page in the browser says.
    pub web: WebWords,
}

/// What only the page in the browser says. `{n}` stands for a number.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct WebWords {
    /// The language's own name for itself.
    pub name: String,
    pub language: String,
    /// What is measured and what is not.
    pub notice: String,
    pub connecting: String,
    pub disconnected: String,
    pub live: String,
    pub expressions: String,
    pub face: String,
    pub faces: String,
    pub pause: String,
    pub resume: String,
    pub switched: String,
    pub no_data: String,
    pub no_clock: String,
    pub since_start: String,
    pub as_table: String,
    pub hour: String,
    pub minutes: String,
    pub device: String,
    pub part: String,
    pub state: String,
    pub ok: String,
    pub degraded: String,
    pub failed: String,
    pub rate: String,
    pub temperature: String,
    pub throttled: String,
    pub running: String,
    pub outline: String,
    pub token: String,
    pub token_advice: String,
    pub open: String,
    pub wrong_token: String,
    pub crowded: String,
}

/// What is the matter and what to do about it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// What is the matter, in a word or two.
    pub title: String,
    /// What to do, in a sentence or two.
    pub advice: String,
    /// The same for displays that have no room for the advice.
    pub brief: String,
}

impl Words {
    /// The name of an expression.
    pub fn name(&self, emotion: Emotion) -> &str {
        &self.expressions[&emotion]
    }

    /// The first letter of its name.
    pub fn initial(&self, emotion: Emotion) -> &str {
        let name = self.name(emotion);
        &name[..name.chars().next().map_or(0, char::len_utf8)]
    }

    /// Everything that is said, for those who look for letters.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        let messages = [&self.starting, &self.no_face, &self.camera_lost, &self.covered, &self.paused, &self.counting];
        let of_messages = messages.into_iter().flat_map(|message| [&message.title, &message.advice, &message.brief]);
        [&self.privacy, &self.today].into_iter().chain(self.expressions.values()).chain(of_messages).map(String::as_str)
    }
}

/// Whether a letter is as wide as it is high; a terminal gives it two cells.
pub fn is_wide(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{ff01}'..='\u{ff60}')
}

/// Whether a line may not begin with this letter.
pub fn closes(letter: char) -> bool {
    matches!(letter, '，' | '。' | '、' | '：' | '；' | '！' | '？')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_everything_and_nothing_twice() {
        for language in Language::ALL {
            let words = language.words();
            assert!(words.all().all(|text| !text.is_empty() && text.trim() == text), "{language:?}");
            let mut names = Emotion::ALL.map(|emotion| words.name(emotion));
            names.sort_unstable();
            assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{language:?}: {names:?}");
            assert_eq!(words.all().count(), 2 + 7 + 6 * 3);
        }
    }

    #[test]
    fn an_initial_is_one_letter() {
        assert_eq!(Language::De.words().initial(Emotion::Surprise), "Ü");
        assert_eq!(Language::Zh.words().initial(Emotion::Happy), "开");
    }
}
