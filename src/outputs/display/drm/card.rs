//! A graphics card as the kernel has it (DRM/KMS): the plugs for screens, and two buffers of which one is on the screen.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use ::drm::Device;
use ::drm::buffer::{Buffer, DrmFourcc};
use ::drm::control::{
    Device as ControlDevice, Mode, ModeTypeFlags, PageFlipFlags, ResourceHandles, connector, crtc, dumbbuffer::DumbBuffer,
    framebuffer,
};
use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::outputs::permission::group_hint;

/// A screen takes a new picture with its next refresh; even at 24 Hz that is 42 ms.
const FLIP_TIMEOUT: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Where a screen can be plugged in, and what is there.
#[derive(Clone, Debug)]
pub struct Plug<H, T> {
    /// The card's own name for it.
    pub handle: H,
    /// `HDMI-A-1`, as in the kernel's messages.
    pub name: String,
    /// Whether a screen is plugged in. Some drivers cannot know; they are believed to have one.
    pub connected: bool,
    /// What the screen can show, best first.
    pub modes: Vec<ScreenMode<T>>,
}

/// One of a screen's modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScreenMode<T> {
    /// Pixels in a row, and rows.
    pub size: (u16, u16),
    /// Pictures a second.
    pub refresh_hz: u32,
    /// Whether the screen says that it is meant for this one.
    pub preferred: bool,
    /// What the card needs to know of it.
    pub timing: T,
}

/// What a screen needs of a card. Dropping a card gives the screen back to whoever had it before.
pub trait Card {
    /// Names a plug.
    type Handle: Copy;
    /// Tells one mode from another of the same size.
    type Timing: Copy + PartialEq;

    /// Looks at every plug anew, for drivers that get no signal from one. A card without mode setting, a mere 3D unit, has none.
    fn look(&self) -> Vec<Plug<Self::Handle, Self::Timing>>;

    /// Looks at one.
    ///
    /// # Errors
    /// If it is gone.
    fn look_at(&self, handle: Self::Handle) -> io::Result<Plug<Self::Handle, Self::Timing>>;

    /// Whether a screen is still there, as far as the kernel has noticed by itself; costs nothing.
    fn is_connected(&self, handle: Self::Handle) -> bool;

    /// Takes a plug, with two buffers of the mode's size.
    ///
    /// # Errors
    /// If all of the card's outputs are in use, or there is no memory.
    fn take(&mut self, handle: Self::Handle, mode: &ScreenMode<Self::Timing>) -> Result<()>;

    /// Lets `write` write into a buffer that is not on the screen: the bytes, and how many there are from row to row.
    ///
    /// # Errors
    /// If it cannot be reached.
    fn write(&mut self, buffer: usize, write: &mut dyn FnMut(&mut [u8], usize)) -> io::Result<()>;

    /// Shows a buffer, whatever was shown before.
    ///
    /// # Errors
    /// If the kernel refuses: permission denied means that another program has the screen.
    fn set_mode(&mut self, buffer: usize) -> io::Result<()>;

    /// Shows a buffer with the next refresh, and waits for that.
    ///
    /// # Errors
    /// As [`set_mode`](Self::set_mode), and on drivers that cannot do this.
    fn flip(&mut self, buffer: usize) -> io::Result<()>;
}

/// An open card of the kernel.
pub struct KernelCard {
    file: File,
    taken: Option<Taken>,
}

/// What is used of it.
struct Taken {
    connector: connector::Handle,
    crtc: crtc::Handle,
    mode: Mode,
    /// What was on the screen before.
    before: crtc::Info,
    buffers: [(DumbBuffer, framebuffer::Handle); 2],
}

impl AsFd for KernelCard {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Device for KernelCard {}
impl ControlDevice for KernelCard {}

impl KernelCard {
    /// Opens a card such as `/dev/dri/card1`.
    ///
    /// # Errors
    /// If that is not possible; the message says what helps.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|error| {
            let hint = if error.kind() == io::ErrorKind::PermissionDenied { group_hint(path) } else { String::new() };
            anyhow::Error::from(error).context(format!("cannot open {}{hint}", path.display()))
        })?;
        Ok(Self { file, taken: None })
    }

    fn taken(&self) -> io::Result<&Taken> {
        self.taken.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn make_buffer(&self, (width, height): (u16, u16)) -> io::Result<(DumbBuffer, framebuffer::Handle)> {
        let buffer = self.create_dumb_buffer((width.into(), height.into()), DrmFourcc::Xrgb8888, 32)?;
        let handle = self.add_framebuffer(&buffer, 24, 32)?;
        Ok((buffer, handle))
    }
}

impl Card for KernelCard {
    type Handle = connector::Handle;
    type Timing = Mode;

    fn look(&self) -> Vec<Plug<Self::Handle, Mode>> {
        let Ok(resources) = self.resource_handles() else { return Vec::new() };
        resources.connectors().iter().filter_map(|handle| self.look_at(*handle).ok()).collect()
    }

    fn look_at(&self, handle: Self::Handle) -> io::Result<Plug<Self::Handle, Mode>> {
        let info = self.get_connector(handle, true)?;
        let mode = |mode: &Mode| ScreenMode {
            size: mode.size(),
            refresh_hz: mode.vrefresh(),
            preferred: mode.mode_type().contains(ModeTypeFlags::PREFERRED),
            timing: *mode,
        };
        Ok(Plug {
            handle,
            name: format!("{}-{}", info.interface().as_str(), info.interface_id()),
            connected: info.state() == connector::State::Connected,
            modes: info.modes().iter().map(mode).collect(),
        })
    }

    fn is_connected(&self, handle: Self::Handle) -> bool {
        self.get_connector(handle, false).is_ok_and(|connector| connector.state() != connector::State::Disconnected)
    }

    fn take(&mut self, handle: Self::Handle, mode: &ScreenMode<Mode>) -> Result<()> {
        let (resources, connector) = (self.resource_handles()?, self.get_connector(handle, false)?);
        let crtc = find_crtc(self, &resources, &connector).context("all of the card's outputs are in use")?;
        let before = self.get_crtc(crtc)?;
        let buffers = [self.make_buffer(mode.size)?, self.make_buffer(mode.size)?];
        self.taken = Some(Taken { connector: handle, crtc, mode: mode.timing, before, buffers });
        Ok(())
    }

    fn write(&mut self, buffer: usize, write: &mut dyn FnMut(&mut [u8], usize)) -> io::Result<()> {
        // Out of its place for the moment: the card is asked for the memory of something that is its own.
        let Some(mut taken) = self.taken.take() else { return Err(io::ErrorKind::NotConnected.into()) };
        let (buffer, _) = &mut taken.buffers[buffer];
        let pitch = buffer.pitch() as usize;
        let result = self.map_dumb_buffer(buffer).map(|mut memory| write(&mut memory, pitch));
        self.taken = Some(taken);
        result
    }

    fn set_mode(&mut self, buffer: usize) -> io::Result<()> {
        let taken = self.taken()?;
        self.set_crtc(taken.crtc, Some(taken.buffers[buffer].1), (0, 0), &[taken.connector], Some(taken.mode))
    }

    fn flip(&mut self, buffer: usize) -> io::Result<()> {
        let taken = self.taken()?;
        self.page_flip(taken.crtc, taken.buffers[buffer].1, PageFlipFlags::EVENT, None)?;
        let mut waiting = [PollFd::new(self, PollFlags::IN)];
        if poll(&mut waiting, Some(&FLIP_TIMEOUT))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.receive_events()?.for_each(drop);
        Ok(())
    }
}

impl Drop for KernelCard {
    fn drop(&mut self) {
        let Some(taken) = self.taken.take() else { return };
        // The kernel does the same when the card is closed; this is without the moment of darkness.
        let before = &taken.before;
        if let (Some(_), Some(mode)) = (before.framebuffer(), before.mode()) {
            let _ = self.set_crtc(taken.crtc, before.framebuffer(), before.position(), &[taken.connector], Some(mode));
        }
        for (_, handle) in &taken.buffers {
            let _ = self.destroy_framebuffer(*handle);
        }
        // The buffers themselves go with the card.
    }
}

/// The unit that reads the picture: the one that the connector has already, else the first that it can have.
fn find_crtc(card: &KernelCard, resources: &ResourceHandles, connector: &connector::Info) -> Option<crtc::Handle> {
    let current = connector.current_encoder().and_then(|encoder| card.get_encoder(encoder).ok()?.crtc());
    current.or_else(|| {
        let encoders = connector.encoders().iter().filter_map(|encoder| card.get_encoder(*encoder).ok());
        encoders.flat_map(|encoder| resources.filter_crtcs(encoder.possible_crtcs())).next()
    })
}
