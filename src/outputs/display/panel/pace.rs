//! How many bytes may be sent with a picture, to a panel whose bus is slow.

use std::time::Duration;

use crate::outputs::View;

/// A fifth of the 1,024 bytes of 128 × 64 pixels: 5 ms on I²C at 400 kHz, 19 ms at 100 kHz.
pub(super) const LEAST: usize = 204;

/// Whatever changes, it is there within half a second, however slowly pictures come: with ten a second this is `LEAST`.
const PER_SECOND: f32 = 2048.0;

/// When the last picture was sent.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Duration>,
}

impl Pace {
    /// How many bytes may be sent `now` for `view`; no limit where all must be sent.
    pub(super) fn bytes(&mut self, view: View<'_>, now: Duration) -> usize {
        let passed = self.last.replace(now).map(|last| now.saturating_sub(last).as_secs_f32());
        match (view, passed) {
            (View::Watching(_), Some(passed)) => LEAST.max((PER_SECOND * passed) as usize),
            // After another view the next may come in a second. And before the first picture there is noise.
            _ => usize::MAX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::Observation;

    #[test]
    fn while_pictures_come_quickly_a_fifth_is_sent_and_more_where_they_come_slowly() {
        let (observation, mut pace) = (Observation::default(), Pace::default());
        let watching = View::Watching(&observation);
        let mut bytes_at = |view, milliseconds| pace.bytes(view, Duration::from_millis(milliseconds));
        assert_eq!(bytes_at(watching, 1000), usize::MAX, "the memory holds noise");
        assert_eq!(bytes_at(watching, 1033), 204);
        assert_eq!(bytes_at(watching, 1133), 204);
        assert_eq!(bytes_at(watching, 1383), 512);
        assert_eq!(bytes_at(View::Paused, 1400), usize::MAX, "the next comes in a second");
        assert_eq!(bytes_at(watching, 1450), 204);
    }
}
