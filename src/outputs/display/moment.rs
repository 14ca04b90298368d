//! The time that a display is drawn at, and what follows from it: hours of the night, and where the scene has drifted to.

use std::fmt;
use std::time::Duration;

use embedded_graphics::geometry::Point;
use serde::{Deserialize, Serialize};

use crate::frame::monotonic_now;

/// When a scene is drawn. The scene reads no clock; whoever shows it says what time it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Time since some beginning; never goes back.
    pub elapsed: Duration,
    /// The day as the place's calendar counts it; any number that changes at its midnight.
    pub day: i32,
    /// Minutes since midnight on the place's clock, 0 to 1439.
    pub minute: u16,
}

impl Moment {
    /// What the clocks of this machine say.
    pub fn now() -> Self {
        let local = jiff::Zoned::now();
        Self {
            elapsed: monotonic_now(),
            day: i32::from(local.year()) * 366 + i32::from(local.day_of_year()),
            minute: local.hour().unsigned_abs() as u16 * 60 + u16::from(local.minute().unsigned_abs()),
        }
    }
}

/// Some hours of each day, perhaps over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Night {
    /// The first minute, counted from midnight.
    from: u16,
    /// The first minute that does not belong to it any more.
    until: u16,
}

impl Night {
    /// Whether a minute of the day lies in it.
    pub fn contains(&self, minute: u16) -> bool {
        let Self { from, until } = *self;
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }

    /// Reads `22:00-07:00`.
    fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        let night = Self { from: minute_of(from)?, until: minute_of(until)? };
        (night.from != night.until).then_some(night)
    }
}

/// Reads `07:30`.
fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str, end: u16| -> Option<u16> {
        let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|value| is_number && *value < end)
    };
    Some(number(hour, 24)? * 60 + number(minute, 60)?)
}

/// `night` as it is written in the configuration: hours, or nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NightHours(Option<Night>);

impl NightHours {
    /// The hours, if there are any.
    pub fn hours(self) -> Option<Night> {
        self.0
    }
}

impl TryFrom<String> for NightHours {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self(None));
        }
        match Night::parse(&text) {
            Some(night) => Ok(Self(Some(night))),
            None => Err(format!("must be two times of the day such as \"22:00-07:00\", or \"\", not \"{text}\"")),
        }
    }
}

impl fmt::Display for Night {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, until } = self;
        write!(formatter, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, until / 60, until % 60)
    }
}

impl From<NightHours> for String {
    fn from(hours: NightHours) -> Self {
        hours.0.map(|night| night.to_string()).unwrap_or_default()
    }
}

/// The scene moves on by a pixel so often: what stands still for days leaves its traces in OLED and plasma panels.
const DRIFT_EVERY: Duration = Duration::from_secs(180);

/// How far the scene has been moved to the right and down, from 0 to `range` pixels each: over time to every place there is, by one pixel at a time.
pub(super) fn drift(elapsed: Duration, range: u32) -> Point {
    if range == 0 {
        return Point::zero();
    }
    let range = u64::from(range);
    // It begins in the middle.
    let step = elapsed.as_secs() / DRIFT_EVERY.as_secs() + range / 2;
    let there_and_back = |step: u64| {
        let place = step % (2 * range);
        place.min(2 * range - place) as i32
    };
    // A row's last step and the step to the next row would be two pixels at once: at the turn only the row changes.
    let (row, column) = (step / (range + 1), step % (range + 1));
    let column = if row % 2 == 0 { column } else { range - column };
    Point::new(column as i32, there_and_back(row + range / 2))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_night_may_pass_midnight() {
        let night = Night::parse("22:00-07:30").unwrap();
        for (hour, minute, dark) in [(21, 59, false), (22, 0, true), (0, 0, true), (7, 29, true), (7, 30, false), (12, 0, false)]
        {
            assert_eq!(night.contains(hour * 60 + minute), dark, "{hour}:{minute}");
        }
        let siesta = Night::parse("13:00 - 15:00").unwrap();
        assert!(siesta.contains(13 * 60) && !siesta.contains(15 * 60) && !siesta.contains(0));
    }

    #[test]
    fn hours_are_read_as_they_are_written_and_nonsense_is_refused() {
        for text in ["", "22:00-07:00"] {
            assert_eq!(String::from(NightHours::try_from(text.to_owned()).unwrap()), text);
        }
        for text in ["22-7", "24:00-07:00", "22:60-07:00", "22:00", "7:00-7:00", "+1:00-2:00", "22:00-07:00-08:00", "a:b-c:d"] {
            assert!(NightHours::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_scene_drifts_over_all_places_by_one_pixel_every_three_minutes() {
        for range in [1, 2, 4] {
            let places: Vec<Point> = (0..200).map(|step| drift(DRIFT_EVERY * step, range)).collect();
            for pair in places.windows(2) {
                let step = pair[1] - pair[0];
                assert_eq!(step.x.abs() + step.y.abs(), 1, "{pair:?}");
            }
            assert_eq!(places.iter().collect::<HashSet<_>>().len() as u32, (range + 1) * (range + 1));
            assert_eq!(places[0], Point::new(range as i32 / 2, range as i32 / 2));
            assert_eq!(drift(DRIFT_EVERY - Duration::from_nanos(1), range), places[0]);
        }
    }

    #[test]
    fn the_clocks_of_this_machine_are_in_their_ranges() {
        let now = Moment::now();
        assert!(now.minute < 1440 && now.day > 2020 * 366);
    }
}
