//! The scene on a screen at HDMI, DSI or another connector, through the kernel's mode setting (DRM/KMS): two buffers that are shown in turn, so that
//! nobody sees a picture half drawn.
//!
//! Works where no desktop runs: one program at a time may set modes. The console has the screen again as soon as this program ends, also when it
//! is killed, for then the kernel closes the card. While we have the screen, the console draws and blanks unseen: its cursor and its messages need
//! no care. The user must be in group `video`.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ::drm::Device;
use ::drm::buffer::{Buffer, DrmFourcc};
use ::drm::control::{
    Device as ControlDevice, Mode, ModeTypeFlags, PageFlipFlags, ResourceHandles, connector, crtc, dumbbuffer::DumbBuffer,
    framebuffer,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::canvas::Canvas;
use super::double_buffer::DoubleBuffer;
use super::moment::Moment;
use super::scene::Scene;
use super::style::SceneStyle;
use crate::outputs::permission::group_hint;
use crate::outputs::{Output, View};

/// How often it is asked whether the screen is still there.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A screen takes a new picture with its next refresh; even at 24 Hz that is 42 ms.
const FLIP_TIMEOUT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// Larger modes are passed over: a scene on 3840×2160 needs 100 MB of buffers and looks no better from two metres.
const LARGEST: (u16, u16) = (1920, 1200);

/// An open card.
struct Card(File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Device for Card {}
impl ControlDevice for Card {}

/// A screen. Dropping it gives it back to the console.
pub struct Screen {
    name: String,
    card: Card,
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    /// What was on the screen before.
    before: crtc::Info,
    buffers: [(DumbBuffer, framebuffer::Handle); 2],
    rows: DoubleBuffer,
    scene: Scene,
    canvas: Canvas,
    /// False until the mode is set, and for ever on drivers that cannot flip pages.
    flips: bool,
    asked_at: Instant,
}

impl Screen {
    /// Takes the first screen that is plugged in: of the card `path`, or with `auto` of any. Its scene has this style.
    ///
    /// # Errors
    /// If there is no card or no screen, or another program has it.
    pub fn open(path: &Path, style: SceneStyle) -> Result<Self> {
        if path != Path::new("auto") {
            return Self::on(path, style)?.with_context(|| format!("no screen is plugged in at {}", path.display()));
        }
        let cards = cards();
        ensure!(!cards.is_empty(), "no /dev/dri/card*: is dtoverlay=vc4-kms-v3d in /boot/firmware/config.txt?");
        let mut failure = None;
        for path in &cards {
            match Self::on(path, style) {
                Ok(Some(screen)) => return Ok(screen),
                Ok(None) => {}
                // A card without connectors (the Raspberry Pi's 3D unit) is passed over; what others say is remembered.
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow!("no screen is plugged in")))
    }

    /// The first screen of a card; none if nothing is plugged in.
    fn on(path: &Path, style: SceneStyle) -> Result<Option<Self>> {
        let card = Card(OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            let hint = if error.kind() == io::ErrorKind::PermissionDenied { group_hint(path) } else { String::new() };
            anyhow::Error::from(error).context(format!("cannot open {}{hint}", path.display()))
        })?);
        // Without mode setting (a mere 3D unit) there is no answer: nothing can be plugged in there.
        let Ok(resources) = card.resource_handles() else { return Ok(None) };
        let Some(connector) = plugged_in(&card, &resources) else { return Ok(None) };
        let cannot = || format!("cannot use {} of {}", name_of(&connector), path.display());
        let modes: Vec<_> =
            connector.modes().iter().map(|mode| (mode.size(), mode.mode_type().contains(ModeTypeFlags::PREFERRED))).collect();
        let mode = choose_mode(&modes).map(|index| connector.modes()[index]).context("it offers no mode").with_context(cannot)?;
        let crtc =
            find_crtc(&card, &resources, &connector).context("all of the card's outputs are in use").with_context(cannot)?;
        let before = card.get_crtc(crtc).with_context(cannot)?;
        let (width, height) = (u32::from(mode.size().0), u32::from(mode.size().1));
        let make = || -> io::Result<(DumbBuffer, framebuffer::Handle)> {
            let buffer = card.create_dumb_buffer((width, height), DrmFourcc::Xrgb8888, 32)?;
            let handle = card.add_framebuffer(&buffer, 24, 32)?;
            Ok((buffer, handle))
        };
        let buffers = [make().with_context(cannot)?, make().with_context(cannot)?];
        let mut screen = Self {
            name: format!("screen {} of {}, {width}×{height} at {} Hz", name_of(&connector), path.display(), mode.vrefresh()),
            connector: connector.handle(),
            card,
            crtc,
            mode,
            before,
            buffers,
            rows: DoubleBuffer::new(width, height),
            scene: Scene::new(style),
            canvas: Canvas::new(width, height),
            flips: true,
            asked_at: Instant::now(),
        };
        // A black picture; from then on pages are flipped.
        screen.rows.take(&screen.canvas);
        screen.write()?;
        screen.set_mode().map_err(|error| {
            let hint = match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    " (another program has it, a desktop perhaps: `sudo raspi-config nonint do_boot_behaviour B1`)"
                }
                _ => "",
            };
            anyhow::Error::from(error).context(format!("cannot show anything on {}{hint}", screen.name))
        })?;
        screen.rows.flip();
        log::info!("{}", screen.name);
        Ok(Some(screen))
    }

    /// Copies what changed into the buffer that is not on the screen.
    fn write(&mut self) -> Result<()> {
        let (buffer, _) = &mut self.buffers[self.rows.back()];
        let pitch = buffer.pitch() as usize;
        let mut memory = self.card.map_dumb_buffer(buffer).with_context(|| format!("cannot draw on {}", self.name))?;
        self.rows.write(&mut memory, pitch);
        Ok(())
    }

    /// Shows the buffer that was written, whatever was shown before.
    fn set_mode(&self) -> io::Result<()> {
        let (_, handle) = self.buffers[self.rows.back()];
        self.card.set_crtc(self.crtc, Some(handle), (0, 0), &[self.connector], Some(self.mode))
    }

    /// Shows it with the next refresh, and waits for that: then the other buffer may be written.
    fn flip(&mut self) -> io::Result<()> {
        if self.flips {
            let (_, handle) = self.buffers[self.rows.back()];
            match self.card.page_flip(self.crtc, handle, PageFlipFlags::EVENT, None) {
                Ok(()) => {
                    let mut waiting = [PollFd::new(&self.card, PollFlags::IN)];
                    if poll(&mut waiting, Some(&FLIP_TIMEOUT))? == 0 {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    self.card.receive_events()?.for_each(drop);
                }
                // A mode that is set anew is slower, and shows the same.
                Err(error) if error.kind() != io::ErrorKind::PermissionDenied => self.flips = false,
                Err(error) => return Err(error),
            }
        }
        if !self.flips {
            self.set_mode()?;
        }
        self.rows.flip();
        Ok(())
    }

    fn is_plugged_in(&self) -> bool {
        self.card.get_connector(self.connector, false).is_ok_and(|connector| connector.state() != connector::State::Disconnected)
    }
}

impl Output for Screen {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        if self.asked_at.elapsed() >= ASK_EVERY {
            self.asked_at = Instant::now();
            if !self.is_plugged_in() {
                bail!("unplugged");
            }
        }
        let Ok(()) = self.scene.at(Moment::now()).draw(view, &mut self.canvas);
        if !self.rows.take(&self.canvas) {
            return Ok(());
        }
        self.write()?;
        self.flip().with_context(|| format!("cannot show anything on {}", self.name))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The kernel does the same when the card is closed; this is without the moment of darkness.
        if let (Some(_), Some(mode)) = (self.before.framebuffer(), self.before.mode()) {
            let _ =
                self.card.set_crtc(self.crtc, self.before.framebuffer(), self.before.position(), &[self.connector], Some(mode));
        }
        for (_, handle) in &self.buffers {
            let _ = self.card.destroy_framebuffer(*handle);
        }
        // The buffers themselves go with the card.
    }
}

/// All cards, by name.
pub fn cards() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
    let mut cards: Vec<_> =
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("card")).map(|entry| entry.path()).collect();
    cards.sort();
    cards
}

/// `HDMI-A-1`, as in the kernel's messages.
fn name_of(connector: &connector::Info) -> String {
    format!("{}-{}", connector.interface().as_str(), connector.interface_id())
}

/// The first connector with something in it that has modes. Asking with a probe makes the kernel look again, for drivers that get no signal from a plug.
fn plugged_in(card: &Card, resources: &ResourceHandles) -> Option<connector::Info> {
    let connectors = resources.connectors().iter().filter_map(|handle| card.get_connector(*handle, true).ok());
    connectors.into_iter().find(|connector| connector.state() == connector::State::Connected && !connector.modes().is_empty())
}

/// The unit that reads the picture: the one that the connector has already, else the first that it can have.
fn find_crtc(card: &Card, resources: &ResourceHandles, connector: &connector::Info) -> Option<crtc::Handle> {
    let current = connector.current_encoder().and_then(|encoder| card.get_encoder(encoder).ok()?.crtc());
    current.or_else(|| {
        let encoders = connector.encoders().iter().filter_map(|encoder| card.get_encoder(*encoder).ok());
        encoders.flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs())).next()
    })
}

/// Which of a screen's modes, given as size and whether the screen prefers it: the preferred one, unless it is too large; then the largest that is not.
/// Without a preference the first, which the kernel thinks best.
fn choose_mode(modes: &[((u16, u16), bool)]) -> Option<usize> {
    let fits = |(width, height): (u16, u16)| width <= LARGEST.0 && height <= LARGEST.1;
    if let Some(preferred) = modes.iter().position(|(size, preferred)| *preferred && fits(*size)) {
        return Some(preferred);
    }
    let fitting = modes.iter().enumerate().filter(|(_, (size, _))| fits(*size)).rev();
    let largest = fitting.max_by_key(|(_, ((width, height), _))| u32::from(*width) * u32::from(*height));
    largest.map(|(index, _)| index).or(if modes.is_empty() { None } else { Some(0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_mode_is_taken_unless_it_is_too_large() {
        assert_eq!(choose_mode(&[((1024, 768), false), ((800, 480), true), ((640, 480), false)]), Some(1));
        // A television: the first of two modes with the same size has the higher rate.
        let television = [((3840, 2160), true), ((1280, 720), false), ((1920, 1080), false), ((1920, 1080), false)];
        assert_eq!(choose_mode(&television), Some(2));
        assert_eq!(choose_mode(&[((1280, 1024), false), ((1024, 768), false)]), Some(0));
        assert_eq!(choose_mode(&[((5120, 2880), true)]), Some(0), "nothing else is there");
        assert_eq!(choose_mode(&[]), None);
    }

    #[test]
    fn a_card_that_is_not_there_is_named() {
        let error = format!("{:#}", Screen::open(Path::new("/dev/dri/card77"), SceneStyle::default()).err().unwrap());
        assert!(error.starts_with("cannot open /dev/dri/card77: "), "{error}");
    }

    #[test]
    fn a_device_that_is_no_card_has_no_screen() {
        let error = format!("{:#}", Screen::open(Path::new("/dev/null"), SceneStyle::default()).err().unwrap());
        assert_eq!(error, "no screen is plugged in at /dev/null");
    }
}
