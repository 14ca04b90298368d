//! When a display may rest: it is dimmed while nobody is there, and black at night.

use std::time::Duration;

use super::moment::Moment;
use super::style::SceneStyle;
use crate::outputs::View;

/// How bright a display should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Brightness {
    /// Somebody is there, or was a moment ago.
    #[default]
    Full,
    /// Nobody has been there for a while.
    Dim,
    /// It is night: every pixel is black.
    Dark,
}

/// Since when nobody has been there and nothing has changed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    kind: Option<u8>,
    since: Duration,
}

impl Rest {
    /// How bright `view` should be shown `now`.
    pub(super) fn brightness(&mut self, view: View<'_>, now: Moment, style: &SceneStyle) -> Brightness {
        let (kind, somebody) = match view {
            View::Starting => (0, false),
            View::Watching(observation) => (1, observation.face_count() > 0),
            View::Covered => (2, false),
            View::Paused => (3, false),
            View::CameraLost { .. } => (4, false),
        };
        // Another view than before is news, and somebody may have caused it.
        if somebody || self.kind.replace(kind) != Some(kind) {
            self.since = now.elapsed;
        }
        if style.night.is_some_and(|night| night.contains(now.minute)) {
            Brightness::Dark
        } else if style.dim_after.is_some_and(|dim_after| now.elapsed.saturating_sub(self.since) >= dim_after) {
            Brightness::Dim
        } else {
            Brightness::Full
        }
    }
}
