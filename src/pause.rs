//! The wish for a pause, shared by everything that can ask for one and by the thread that has the camera open.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// While it is on, the camera is closed and nothing is looked at. Copies share it.
///
/// There are two wishes, and one is enough: what people ask for (a button, a command), and what a privacy switch says, which nobody can overrule.
#[derive(Clone, Debug, Default)]
pub struct Pause(Arc<Wishes>);

#[derive(Debug, Default)]
struct Wishes {
    asked: AtomicBool,
    switched: AtomicBool,
    /// A file that is there while a pause is asked for.
    kept_in: Option<PathBuf>,
}

impl Pause {
    /// One that is remembered by a file: who asked for a pause must not be watched because the service was started again.
    pub fn kept_in(path: &Path) -> Self {
        Self(Arc::new(Wishes { asked: path.exists().into(), kept_in: Some(path.to_owned()), ..Wishes::default() }))
    }

    /// Asks for a pause, or for its end.
    pub fn ask(&self, wanted: bool) {
        self.0.asked.store(wanted, Ordering::Relaxed);
        self.keep(wanted);
    }

    /// Asks for the opposite of what was asked for last.
    pub fn toggle(&self) {
        let before = self.0.asked.fetch_xor(true, Ordering::Relaxed);
        self.keep(!before);
    }

    fn keep(&self, wanted: bool) {
        let Some(path) = &self.0.kept_in else { return };
        let kept = match wanted {
            true => fs::File::create(path).map(drop),
            false => fs::remove_file(path).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            }),
        };
        if let Err(error) = kept {
            log::warn!("{}: a restart will not remember whether there is a pause: {error}", path.display());
        }
    }

    /// Says what the privacy switch says; whoever reads one says true before anything has been read.
    pub fn set_switch(&self, private: bool) {
        self.0.switched.store(private, Ordering::Relaxed);
    }

    /// Whether the privacy switch wants a pause, which nobody can end but itself.
    pub fn is_switched(&self) -> bool {
        self.0.switched.load(Ordering::Relaxed)
    }

    /// Whether anybody wants a pause.
    pub fn is_on(&self) -> bool {
        self.reason().is_some()
    }

    /// Who wants it, for people; none if it is off.
    pub fn reason(&self) -> Option<&'static str> {
        if self.0.switched.load(Ordering::Relaxed) {
            Some("the privacy switch is open or cannot be read")
        } else if self.0.asked.load(Ordering::Relaxed) {
            Some("asked for")
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privacy_switch_cannot_be_overruled_by_a_button() {
        let pause = Pause::default();
        pause.set_switch(true);
        pause.toggle();
        pause.toggle();
        assert_eq!(pause.reason(), Some("the privacy switch is open or cannot be read"));
        pause.set_switch(false);
        assert!(!pause.is_on());
    }

    #[test]
    fn a_pause_that_was_asked_for_outlives_a_restart_and_its_end_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("paused");
        let pause = Pause::kept_in(&path);
        assert!(!pause.is_on());
        pause.toggle();
        assert!(Pause::kept_in(&path).is_on());
        pause.ask(false);
        pause.ask(false);
        assert!(!Pause::kept_in(&path).is_on());
        // What the switch says is not remembered: it says so itself.
        pause.set_switch(true);
        assert!(!Pause::kept_in(&path).is_on());
    }

    #[test]
    fn every_copy_sees_the_wish_and_the_next_press_takes_it_back() {
        let pause = Pause::default();
        pause.clone().toggle();
        assert_eq!(pause.reason(), Some("asked for"));
        pause.clone().toggle();
        assert!(!pause.is_on());
    }
}
