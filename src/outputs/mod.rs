//! What people get: a picture on a display, a light, numbers. Each kind is an [`Output`]; [`Outputs`] is all that the configuration names.

use std::time::Duration;

use anyhow::Result;

use crate::config::{Config, PanelController};
use crate::frame::monotonic_now;
use crate::health::{Health, State};
use crate::pause::Pause;
use crate::tracker::Observation;
use own_thread::OwnThread;

pub mod buzzer;
pub mod display;
pub mod leds;
#[cfg(feature = "mqtt")]
pub mod mqtt;
mod own_thread;
pub mod permission;
pub mod statistics;
#[cfg(feature = "web")]
pub mod web;

/// What there is to show.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// Nothing has been seen yet.
    Starting,
    /// The camera works; these are the faces, perhaps none.
    Watching(&'a Observation),
    /// Pictures come, but they have been dark for 10 s: something covers the lens, or the light is out.
    Covered,
    /// Somebody asked for a pause: the camera is closed.
    Paused,
    /// No picture for 2 s, or no camera: a picture of before would be a lie.
    CameraLost {
        /// Why, in one line.
        reason: &'a str,
    },
}

/// Somewhere the result goes: a display, LEDs, statistics.
///
/// Dropping an output leaves it dark: LEDs off, screen cleared, the partial minute written.
pub trait Output {
    /// What this is, for the log: `LEDs on /dev/gpiochip0`.
    fn name(&self) -> &str;

    /// Shows `view`; called for every frame that was looked at, once when that ends (a lost camera, a covered lens, a pause), and then once a second until
    /// there is something to look at again.
    /// Must return within a few milliseconds; displays may take longer, since each has a thread of its own.
    ///
    /// # Errors
    /// A failed output is dropped and opened again later, as a camera is ([`Outputs`] does that); it never stops the others.
    fn show(&mut self, view: View<'_>) -> Result<()>;
}

/// The camera's name among the parts.
const CAMERA: &str = "camera";

/// How long a part that failed is left alone before it is opened again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// So long an output that has failed must work before that is said: one that comes and goes all the time must not fill the log.
const STEADY_AFTER: Duration = RETRY_AFTER;

type Opener = Box<dyn Fn() -> Result<Box<dyn Output>>>;

/// All outputs. Whatever can fail here may fail: it is logged when it begins and when it is over, and tried again every 5 s.
pub struct Outputs {
    /// In the caller's thread. The first to be dropped: the lights go out at once.
    parts: Vec<Part>,
    displays: Vec<OwnThread>,
    /// The last: a slow card may take seconds to store what was counted, and by then all is dark.
    statistics: Option<Part>,
    health: Health,
    /// Whether the health has been told that the camera works.
    watching: bool,
}

struct Part {
    name: String,
    open: Opener,
    output: Option<Box<dyn Output>>,
    /// Meant while `output` is none.
    retry_at: Duration,
    /// As the log has it.
    failing: bool,
    /// Since when it works, meant while `failing`.
    works_since: Option<Duration>,
    health: Health,
}

impl Outputs {
    /// Opens everything that `config` names; an output may ask for a `pause`. One that cannot be opened, a screen that is not plugged in for instance, is tried again later.
    #[cfg_attr(not(feature = "web"), expect(unused_variables, reason = "only the page asks for a pause"))]
    pub fn open(config: &Config, health: &Health, pause: &Pause) -> Self {
        health.forget_parts();
        // The first in every list.
        health.tell(CAMERA, State::Degraded, "no picture yet");
        let mut outputs =
            Self { parts: Vec::new(), displays: Vec::new(), statistics: None, health: health.clone(), watching: false };
        let mut counted = config.clone();
        let style = display::style::SceneStyle::of(config);
        let attached = display::style::SceneStyle::of_attached(config);
        if config.display.terminal {
            if counted.statistics.file.as_os_str() == "-" {
                log::warn!("the terminal display has standard output for itself: statistics do not go there");
                counted.statistics.file.clear();
            }
            outputs.add_display("terminal", move || Ok(Box::new(display::terminal::Terminal::open(style)?)));
        }
        if !config.display.png.as_os_str().is_empty() {
            let path = config.display.png.clone();
            outputs.add_display(&format!("picture file {}", path.display()), move || {
                Ok(Box::new(display::png::PngFile::open(&path, style)?))
            });
        }
        if !config.display.drm.as_os_str().is_empty() {
            let path = config.display.drm.clone();
            outputs.add_display(&format!("screen ({})", path.display()), move || {
                Ok(Box::new(display::drm::Screen::open(&path, attached)?))
            });
        }
        if !config.display.framebuffer.as_os_str().is_empty() {
            let path = config.display.framebuffer.clone();
            outputs.add_display(&format!("screen {}", path.display()), move || {
                Ok(Box::new(display::framebuffer::Framebuffer::open(&path, attached)?))
            });
        }
        if config.display.panel.controller != PanelController::None {
            let panel = config.display.panel.clone();
            outputs.add_display(&display::panel::name(&panel), move || {
                Ok(Box::new(display::panel::PanelDisplay::open(&panel, attached)?))
            });
        }
        for (name, open) in leds::openers(&config.leds, health.workers()) {
            outputs.add(&name, open);
        }
        if config.buzzer.line.is_some() {
            let (buzzer, workers) = (config.buzzer.clone(), health.workers().clone());
            outputs.add(buzzer::NAME, move || Ok(Box::new(buzzer::Buzzer::new(buzzer::open(&buzzer)?, &workers)?)));
        }
        #[cfg(feature = "mqtt")]
        if !config.mqtt.broker.is_empty() {
            let (config, health) = (config.clone(), health.clone());
            outputs.add(mqtt::NAME, move || Ok(Box::new(mqtt::Mqtt::open(&config, &health)?)));
        }
        #[cfg(feature = "web")]
        if !config.web.listen.is_empty() {
            let (config, health, pause) = (config.clone(), health.clone(), pause.clone());
            outputs.add(&web::name(&config.web), move || Ok(Box::new(web::Web::open(&config, &health, &pause)?)));
        }
        let theirs = health.clone();
        let open = move || Ok(Box::new(statistics::Statistics::open(&counted, &theirs)?) as Box<dyn Output>);
        outputs.statistics = Some(Part::open("statistics", health, open));
        outputs
    }

    /// Adds an output that `open` opens, now and after each failure; `name` is what the log calls it.
    pub fn add(&mut self, name: &str, open: impl Fn() -> Result<Box<dyn Output>> + 'static) {
        self.parts.push(Part::open(name, &self.health, open));
    }

    /// As [`add`](Self::add), in a thread of its own.
    pub fn add_display(&mut self, name: &str, open: impl Fn() -> Result<Box<dyn Output>> + Send + 'static) {
        match OwnThread::start(name, &self.health, open) {
            Ok(display) => self.displays.push(display),
            Err(error) => log::warn!("{name}: no thread for it: {error}"),
        }
    }

    /// Shows `view` on each.
    pub fn show(&mut self, view: View<'_>) {
        self.show_at(view, monotonic_now());
    }

    fn show_at(&mut self, view: View<'_>, now: Duration) {
        self.tell(view);
        for part in &mut self.parts {
            part.show(view, now);
        }
        for display in &mut self.displays {
            display.show(view);
        }
        if let Some(statistics) = &mut self.statistics {
            statistics.show(view, now);
        }
    }

    /// How the camera is.
    fn tell(&mut self, view: View<'_>) {
        let known = std::mem::replace(&mut self.watching, matches!(view, View::Watching(_)));
        match view {
            View::Watching(observation) => {
                self.health.saw(observation);
                if !known {
                    self.health.tell(CAMERA, State::Ok, "");
                }
            }
            View::Starting => self.health.tell(CAMERA, State::Degraded, "no picture yet"),
            View::Covered => self.health.tell(CAMERA, State::Degraded, "covered, or in the dark"),
            View::Paused => self.health.tell(CAMERA, State::Ok, "paused"),
            View::CameraLost { reason } => self.health.tell(CAMERA, State::Degraded, reason),
        }
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // All at the same time; the displays are waited for one after the other.
        self.displays.iter().for_each(OwnThread::close);
    }
}

impl Part {
    fn open(name: &str, health: &Health, open: impl Fn() -> Result<Box<dyn Output>> + 'static) -> Self {
        let mut part = Self {
            name: name.to_owned(),
            open: Box::new(open),
            output: None,
            retry_at: Duration::ZERO,
            failing: false,
            works_since: None,
            health: health.clone(),
        };
        part.try_to_open(monotonic_now());
        part
    }

    fn try_to_open(&mut self, now: Duration) {
        match (self.open)() {
            Ok(output) => {
                self.output = Some(output);
                if !self.failing {
                    self.health.tell(&self.name, State::Ok, "");
                }
            }
            Err(error) => self.fail(&error, now),
        }
    }

    fn show(&mut self, view: View<'_>, now: Duration) {
        if self.output.is_none() && now >= self.retry_at {
            self.try_to_open(now);
        }
        let Some(output) = &mut self.output else { return };
        match output.show(view) {
            Ok(()) if self.failing => self.recover(now),
            Ok(()) => {}
            Err(error) => {
                self.output = None;
                self.fail(&error, now);
            }
        }
    }

    fn recover(&mut self, now: Duration) {
        let Some(since) = self.works_since else {
            self.works_since = Some(now);
            self.health.tell(&self.name, State::Ok, "");
            return;
        };
        if now.saturating_sub(since) >= STEADY_AFTER {
            (self.failing, self.works_since) = (false, None);
            log::info!("{}: works again", self.name);
        }
    }

    fn fail(&mut self, error: &anyhow::Error, now: Duration) {
        self.works_since = None;
        self.health.tell(&self.name, State::Degraded, &format!("{error:#}"));
        self.retry_at = now + RETRY_AFTER;
        if !std::mem::replace(&mut self.failing, true) {
            log::warn!("{}: {error:#}; the rest goes on, and this is tried again every {} s", self.name, RETRY_AFTER.as_secs());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use super::*;

    /// What the world does to a device, and what happened to it.
    #[derive(Default)]
    struct Device {
        plugged_in: Cell<bool>,
        events: RefCell<Vec<&'static str>>,
    }

    struct Handle(Rc<Device>);

    impl Output for Handle {
        fn name(&self) -> &str {
            "device"
        }

        fn show(&mut self, _: View<'_>) -> Result<()> {
            anyhow::ensure!(self.0.plugged_in.get(), "gone");
            self.0.events.borrow_mut().push("shown");
            Ok(())
        }
    }

    impl Drop for Handle {
        fn drop(&mut self) {
            self.0.events.borrow_mut().push("dropped");
        }
    }

    fn outputs_with(devices: &[&Rc<Device>]) -> Outputs {
        let mut outputs =
            Outputs { parts: Vec::new(), displays: Vec::new(), statistics: None, health: Health::default(), watching: false };
        for device in devices {
            let device = Rc::clone(device);
            outputs.add("device", move || {
                device.events.borrow_mut().push("opened");
                anyhow::ensure!(device.plugged_in.get(), "not there");
                Ok(Box::new(Handle(Rc::clone(&device))))
            });
        }
        outputs
    }

    #[test]
    fn a_device_that_fails_is_dropped_and_opened_again_every_five_seconds() {
        let device = Rc::new(Device::default());
        device.plugged_in.set(true);
        let mut outputs = outputs_with(&[&device]);
        let second = |n| Duration::from_secs(n);
        let start = monotonic_now();
        outputs.show_at(View::Starting, start);
        device.plugged_in.set(false);
        outputs.show_at(View::Starting, start + second(1));
        assert_eq!(device.events.take(), ["opened", "shown", "dropped"]);
        outputs.show_at(View::Starting, start + second(5));
        assert_eq!(device.events.take(), [""; 0]);
        outputs.show_at(View::Starting, start + second(6));
        outputs.show_at(View::Starting, start + second(10));
        assert_eq!(device.events.take(), ["opened"]);
        device.plugged_in.set(true);
        outputs.show_at(View::Starting, start + second(11));
        assert_eq!(device.events.take(), ["opened", "shown"]);
    }

    #[test]
    fn what_works_for_a_moment_only_is_said_to_fail_once_and_to_work_again_when_it_is_steady() {
        let device = Rc::new(Device::default());
        let mut outputs = outputs_with(&[&device]);
        let start = monotonic_now();
        let mut failing_at = |second: u64, plugged_in: bool| {
            device.plugged_in.set(plugged_in);
            outputs.show_at(View::Starting, start + Duration::from_secs(second));
            outputs.parts[0].failing
        };
        for round in 0..10 {
            assert!(failing_at(10 * round, true) && failing_at(10 * round + 4, true) && failing_at(10 * round + 4, false));
        }
        assert!(failing_at(100, true) && failing_at(104, true));
        assert!(!failing_at(105, true));
    }

    #[test]
    fn one_failing_output_does_not_stop_the_others() {
        let (broken, working) = (Rc::new(Device::default()), Rc::new(Device::default()));
        working.plugged_in.set(true);
        outputs_with(&[&broken, &working]).show(View::Starting);
        assert_eq!(broken.events.take(), ["opened"]);
        assert_eq!(working.events.take(), ["opened", "shown", "dropped"]);
    }
}
