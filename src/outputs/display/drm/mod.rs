//! The scene on a screen at HDMI, DSI or another connector, through the kernel's mode setting (DRM/KMS): two buffers that are shown in turn, so that
//! nobody sees a picture half drawn.
//!
//! Works where no desktop runs: one program at a time may set modes. The console has the screen again as soon as this program ends, also when it
//! is killed, for then the kernel closes the card. While we have the screen, the console draws and blanks unseen: its cursor and its messages need
//! no care. The user must be in group `video`.

mod card;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::canvas::Canvas;
use super::double_buffer::DoubleBuffer;
use super::moment::Moment;
use super::scene::Scene;
use super::style::SceneStyle;
use crate::outputs::{Output, View};
use card::{Card, KernelCard, ScreenMode};

/// How often it is asked whether the screen is still there: the kernel knows without looking.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often it is looked whether the screen is still the same: one that was exchanged between two questions is told by its modes. To read them takes some
/// 25 ms (256 bytes over the plug's own I²C at 100 kHz).
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Larger modes are passed over: a scene on 3840×2160 needs 100 MB of buffers and looks no better from two metres.
const LARGEST: (u16, u16) = (1920, 1200);

/// A screen. Dropping it gives it back to the console.
pub struct Screen<C: Card = KernelCard> {
    name: String,
    card: C,
    plug: C::Handle,
    mode: ScreenMode<C::Timing>,
    rows: DoubleBuffer,
    scene: Scene,
    canvas: Canvas,
    /// False for ever on drivers that cannot flip pages.
    flips: bool,
    asked_at: Instant,
    looked_at: Instant,
    /// What the last look saw was another screen, or a fault on the wire.
    is_doubted: bool,
}

impl Screen {
    /// Takes the first screen that is plugged in: of the card `path`, or with `auto` of any. Its scene has this style.
    ///
    /// # Errors
    /// If there is no card or no screen, or another program has it.
    pub fn open(path: &Path, style: SceneStyle) -> Result<Self> {
        if path != Path::new("auto") {
            return Self::on(KernelCard::open(path)?, path, style)?
                .with_context(|| format!("no screen is plugged in at {}", path.display()));
        }
        let cards = cards();
        ensure!(!cards.is_empty(), "no /dev/dri/card*: is dtoverlay=vc4-kms-v3d in /boot/firmware/config.txt?");
        let mut failure = None;
        for path in &cards {
            match KernelCard::open(path).and_then(|card| Self::on(card, path, style)) {
                Ok(Some(screen)) => return Ok(screen),
                Ok(None) => {}
                // A card without connectors (the Raspberry Pi's 3D unit) is passed over; what others say is remembered.
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| anyhow!("no screen is plugged in")))
    }
}

impl<C: Card> Screen<C> {
    /// The first screen of a card; none if nothing is plugged in.
    fn on(mut card: C, path: &Path, style: SceneStyle) -> Result<Option<Self>> {
        let mut plugs = card.look().into_iter();
        let Some(plug) = plugs.find(|plug| plug.connected && !plug.modes.is_empty()) else { return Ok(None) };
        let cannot = || format!("cannot use {} of {}", plug.name, path.display());
        let mode = choose_mode(&plug.modes).context("it offers no mode").with_context(cannot)?;
        card.take(plug.handle, &mode).with_context(cannot)?;
        let (width, height) = (u32::from(mode.size.0), u32::from(mode.size.1));
        let mut screen = Self {
            name: format!("screen {} of {}, {width}×{height} at {} Hz", plug.name, path.display(), mode.refresh_hz),
            card,
            plug: plug.handle,
            mode,
            rows: DoubleBuffer::new(width, height),
            scene: Scene::new(style),
            canvas: Canvas::new(width, height),
            flips: true,
            asked_at: Instant::now(),
            looked_at: Instant::now(),
            is_doubted: false,
        };
        // A black picture; from then on pages are flipped.
        screen.rows.take(&screen.canvas);
        screen.write()?;
        screen.card.set_mode(screen.rows.back()).map_err(|error| {
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
        let Self { card, rows, name, .. } = self;
        let back = rows.back();
        let write = &mut |memory: &mut [u8], pitch| {
            rows.write(memory, pitch);
        };
        card.write(back, write).with_context(|| format!("cannot draw on {name}"))
    }

    /// Shows it with the next refresh; then the other buffer may be written.
    fn flip(&mut self) -> io::Result<()> {
        let back = self.rows.back();
        if self.flips {
            match self.card.flip(back) {
                // A mode that is set anew is slower, and shows the same.
                Err(error) if !matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::TimedOut) => {
                    self.flips = false;
                }
                result => result?,
            }
        }
        if !self.flips {
            self.card.set_mode(back)?;
        }
        self.rows.flip();
        Ok(())
    }

    /// Whether the screen is still there, and the same.
    ///
    /// # Errors
    /// If it is not.
    fn check(&mut self) -> Result<()> {
        if self.asked_at.elapsed() >= ASK_EVERY {
            self.asked_at = Instant::now();
            ensure!(self.card.is_connected(self.plug), "unplugged");
        }
        // After a doubt it is looked again soon: a screen's modes are read over a long wire, and without them the kernel makes some up.
        if self.looked_at.elapsed() >= if self.is_doubted { ASK_EVERY } else { LOOK_EVERY } {
            self.looked_at = Instant::now();
            let modes = self.card.look_at(self.plug)?.modes;
            let is_the_same = choose_mode(&modes) == Some(self.mode);
            ensure!(is_the_same || !self.is_doubted, "another screen, or another mode");
            self.is_doubted = !is_the_same;
        }
        Ok(())
    }
}

impl<C: Card> Output for Screen<C> {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        self.check()?;
        let Ok(()) = self.scene.at(Moment::now()).draw(view, &mut self.canvas);
        if !self.rows.take(&self.canvas) {
            return Ok(());
        }
        self.write()?;
        self.flip().with_context(|| format!("cannot show anything on {}", self.name))
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

/// Which of a screen's modes: the preferred one, unless it is too large; then the largest that is not. Without a preference the first, which the kernel
/// thinks best.
fn choose_mode<T: Copy>(modes: &[ScreenMode<T>]) -> Option<ScreenMode<T>> {
    let fits = |mode: &&ScreenMode<T>| mode.size.0 <= LARGEST.0 && mode.size.1 <= LARGEST.1;
    let preferred = modes.iter().filter(fits).find(|mode| mode.preferred);
    // Of two that are equally large the first.
    let largest = || modes.iter().filter(fits).rev().max_by_key(|mode| u32::from(mode.size.0) * u32::from(mode.size.1));
    preferred.or_else(largest).or(modes.first()).copied()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::card::Plug;
    use super::*;

    fn modes(sizes: &[((u16, u16), bool)]) -> Vec<ScreenMode<usize>> {
        let mode = |(timing, &(size, preferred)): (usize, &_)| ScreenMode { size, refresh_hz: 60, preferred, timing };
        sizes.iter().enumerate().map(mode).collect()
    }

    #[test]
    fn the_preferred_mode_is_taken_unless_it_is_too_large() {
        let chosen = |sizes: &[_]| choose_mode(&modes(sizes)).map(|mode| mode.timing);
        assert_eq!(chosen(&[((1024, 768), false), ((800, 480), true), ((640, 480), false)]), Some(1));
        // A television: the first of two modes with the same size has the higher rate.
        let television = [((3840, 2160), true), ((1280, 720), false), ((1920, 1080), false), ((1920, 1080), false)];
        assert_eq!(chosen(&television), Some(2));
        assert_eq!(chosen(&[((1280, 1024), false), ((1024, 768), false)]), Some(0));
        assert_eq!(chosen(&[((5120, 2880), true)]), Some(0), "nothing else is there");
        assert_eq!(chosen(&[]), None);
    }

    /// A card with one plug, and what people do to it.
    #[derive(Default)]
    struct World {
        plugged_in: Option<Vec<ScreenMode<usize>>>,
        /// The kernel was told by the plug; a screen that is exchanged quickly enough goes unnoticed.
        noticed: bool,
        cannot_flip: bool,
        /// Size and bytes of what is on the screen; none where the console is.
        shown: Option<((u16, u16), Vec<u8>)>,
        modes_set: usize,
    }

    struct FakeCard {
        world: Rc<RefCell<World>>,
        size: (u16, u16),
        buffers: [Vec<u8>; 2],
        on_screen: Option<usize>,
    }

    /// Bytes between two rows.
    const GAP: usize = 64;

    impl FakeCard {
        fn of(world: &Rc<RefCell<World>>) -> Self {
            Self { world: Rc::clone(world), size: (0, 0), buffers: [Vec::new(), Vec::new()], on_screen: None }
        }

        fn show(&mut self, buffer: usize) {
            self.on_screen = Some(buffer);
            self.world.borrow_mut().shown = Some((self.size, self.buffers[buffer].clone()));
        }
    }

    impl Card for FakeCard {
        type Handle = ();
        type Timing = usize;

        fn look(&self) -> Vec<Plug<(), usize>> {
            vec![self.look_at(()).unwrap()]
        }

        fn look_at(&self, (): ()) -> io::Result<Plug<(), usize>> {
            let plugged_in = self.world.borrow().plugged_in.clone();
            Ok(Plug {
                handle: (),
                name: "HDMI-A-1".into(),
                connected: plugged_in.is_some(),
                modes: plugged_in.unwrap_or_default(),
            })
        }

        fn is_connected(&self, (): ()) -> bool {
            !self.world.borrow().noticed
        }

        fn take(&mut self, (): (), mode: &ScreenMode<usize>) -> Result<()> {
            self.size = mode.size;
            let bytes = (4 * usize::from(mode.size.0) + GAP) * usize::from(mode.size.1);
            self.buffers = [vec![0xEE; bytes], vec![0xEE; bytes]];
            Ok(())
        }

        fn write(&mut self, buffer: usize, write: &mut dyn FnMut(&mut [u8], usize)) -> io::Result<()> {
            assert_ne!(self.on_screen, Some(buffer), "people would see it being drawn");
            write(&mut self.buffers[buffer], 4 * usize::from(self.size.0) + GAP);
            Ok(())
        }

        fn set_mode(&mut self, buffer: usize) -> io::Result<()> {
            self.world.borrow_mut().modes_set += 1;
            self.show(buffer);
            Ok(())
        }

        fn flip(&mut self, buffer: usize) -> io::Result<()> {
            assert!(self.on_screen.is_some(), "a mode is set before the first flip");
            if self.world.borrow().cannot_flip {
                return Err(io::Error::from_raw_os_error(22));
            }
            self.show(buffer);
            Ok(())
        }
    }

    impl Drop for FakeCard {
        fn drop(&mut self) {
            self.world.borrow_mut().shown = None;
        }
    }

    type Shared = Rc<RefCell<World>>;

    fn open(world: &Shared) -> Option<Screen<FakeCard>> {
        Screen::on(FakeCard::of(world), Path::new("/dev/dri/card1"), SceneStyle::default()).unwrap()
    }

    /// Size of the picture on the screen, if a scene is there: something that is not black.
    fn scene_on(world: &Shared) -> Option<(u16, u16)> {
        let world = world.borrow();
        let (size, bytes) = world.shown.as_ref()?;
        let pitch = 4 * usize::from(size.0) + GAP;
        bytes.chunks(pitch).any(|row| row[..pitch - GAP].iter().any(|byte| *byte != 0)).then_some(*size)
    }

    #[test]
    fn a_screen_that_is_plugged_in_later_is_used_then() {
        let world = Shared::default();
        assert!(open(&world).is_none());
        world.borrow_mut().plugged_in = Some(Vec::new());
        assert!(open(&world).is_none(), "a screen that has said nothing of itself yet");
        world.borrow_mut().plugged_in = Some(modes(&[((320, 240), true)]));
        let mut screen = open(&world).unwrap();
        assert_eq!(screen.name(), "screen HDMI-A-1 of /dev/dri/card1, 320×240 at 60 Hz");
        assert_eq!(scene_on(&world), None, "black until the first picture");
        screen.show(View::Starting).unwrap();
        assert_eq!(scene_on(&world), Some((320, 240)));
        screen.show(View::Paused).unwrap();
        assert_eq!(world.borrow().modes_set, 1, "pages are flipped");
    }

    #[test]
    fn an_unplugged_screen_is_given_back_within_a_second_and_used_again_when_it_is_back() {
        let world = Shared::default();
        world.borrow_mut().plugged_in = Some(modes(&[((320, 240), true)]));
        let mut screen = open(&world).unwrap();
        screen.show(View::Starting).unwrap();
        world.borrow_mut().plugged_in = None;
        world.borrow_mut().noticed = true;
        screen.asked_at -= ASK_EVERY;
        assert_eq!(screen.show(View::Paused).unwrap_err().to_string(), "unplugged");
        drop(screen);
        assert!(world.borrow().shown.is_none(), "the console has it");
        assert!(open(&world).is_none());
        *world.borrow_mut() = World { plugged_in: Some(modes(&[((160, 128), true)])), ..World::default() };
        let mut screen = open(&world).unwrap();
        screen.show(View::Starting).unwrap();
        assert_eq!(scene_on(&world), Some((160, 128)));
    }

    #[test]
    fn a_screen_that_is_exchanged_unnoticed_gets_its_own_mode_within_half_a_minute() {
        let world = Shared::default();
        world.borrow_mut().plugged_in = Some(modes(&[((320, 240), true)]));
        let mut screen = open(&world).unwrap();
        screen.looked_at -= LOOK_EVERY;
        screen.show(View::Starting).unwrap();
        world.borrow_mut().plugged_in = Some(modes(&[((160, 128), true), ((320, 240), false)]));
        screen.asked_at -= ASK_EVERY;
        screen.show(View::Paused).unwrap();
        screen.looked_at -= LOOK_EVERY;
        screen.show(View::Paused).unwrap();
        screen.looked_at -= ASK_EVERY;
        assert_eq!(screen.show(View::Paused).unwrap_err().to_string(), "another screen, or another mode");
        drop(screen);
        let mut screen = open(&world).unwrap();
        screen.show(View::Paused).unwrap();
        assert_eq!(scene_on(&world), Some((160, 128)));
    }

    #[test]
    fn modes_that_are_misread_once_change_nothing() {
        let (world, usual) = (Shared::default(), modes(&[((320, 240), true)]));
        world.borrow_mut().plugged_in = Some(usual.clone());
        let mut screen = open(&world).unwrap();
        for _ in 0..3 {
            for (read, after) in [(modes(&[((160, 128), false)]), LOOK_EVERY), (usual.clone(), ASK_EVERY)] {
                world.borrow_mut().plugged_in = Some(read);
                screen.looked_at -= after;
                screen.show(View::Paused).unwrap();
            }
        }
    }

    #[test]
    fn where_pages_cannot_be_flipped_the_mode_is_set_anew_for_each_picture() {
        let world = Shared::default();
        *world.borrow_mut() = World { plugged_in: Some(modes(&[((320, 240), true)])), cannot_flip: true, ..World::default() };
        let mut screen = open(&world).unwrap();
        for view in [View::Starting, View::Paused, View::Covered] {
            screen.show(view).unwrap();
            assert_eq!(scene_on(&world), Some((320, 240)));
        }
        assert_eq!(world.borrow().modes_set, 4);
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
