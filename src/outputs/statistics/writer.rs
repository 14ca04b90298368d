//! The thread that writes. A card may take seconds to say that something is safely stored; the picture does not wait for it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::time::Duration;

use super::database::{DatedEvent, Minute};
use super::keeper::{Keeper, PART, Settings};
use crate::frame::monotonic_now;
use crate::health::{Health, Pulse, State};
use crate::worker::Worker;

/// Messages that may wait for the thread; enough for an hour of a card that does not answer.
const QUEUE: usize = 256;

/// A card that has taken so long over one write stalls.
const STALLED: Duration = Duration::from_secs(30);

/// How often the board is asked whether it is throttled.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// At the end the thread has so long to write what is left. The service manager waits for 10 s.
const LAST_WORDS: Duration = Duration::from_secs(7);

enum Message {
    Minute(Minute),
    Event(DatedEvent),
    Flush,
}

/// The way to the thread. Dropping it writes what is left.
pub(super) struct Writer {
    sender: Option<SyncSender<Message>>,
    worker: Worker,
    /// Disconnected when the thread is through.
    done: Receiver<()>,
    overflowing: bool,
    pulse: Pulse,
    health: Health,
}

impl Writer {
    /// Starts the thread, which opens the database.
    ///
    /// # Errors
    /// If the system has no thread for us.
    pub(super) fn start(settings: Settings, health: Health) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let (through, done) = channel();
        let pulse = Pulse::default();
        let (theirs, told) = (pulse.clone(), health.clone());
        let worker = health.workers().start("statistics", move || {
            let mut keeper = theirs.during(|| Keeper::new(settings, told.clone()));
            write(&receiver, &mut keeper, &theirs, &told);
            drop(through);
        })?;
        Ok(Self { sender: Some(sender), worker, done, overflowing: false, pulse, health })
    }

    pub(super) fn minute(&mut self, minute: Minute) {
        self.send(Message::Minute(minute));
    }

    pub(super) fn event(&mut self, event: DatedEvent) {
        self.send(Message::Event(event));
    }

    pub(super) fn flush(&mut self) {
        self.send(Message::Flush);
    }

    fn send(&mut self, message: Message) {
        let Some(sender) = &self.sender else { return };
        if self.pulse.busy_for(monotonic_now()) > STALLED {
            self.health.tell(PART, State::Degraded, "the card does not answer; what is counted waits in memory");
        }
        let is_full = match sender.try_send(message) {
            Ok(()) => false,
            Err(TrySendError::Full(_)) => true,
            // It has panicked, which ends the service.
            Err(TrySendError::Disconnected(_)) => return,
        };
        if is_full && !self.overflowing {
            log::warn!("statistics: the card has not answered for long; what is counted now is lost");
        }
        self.overflowing = is_full;
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.sender = None;
        if self.done.recv_timeout(LAST_WORDS) == Err(RecvTimeoutError::Timeout) {
            log::warn!("statistics: the card does not answer; the last minutes may be lost");
            self.worker.leave();
        }
    }
}

/// The thread's loop.
fn write(receiver: &Receiver<Message>, keeper: &mut Keeper, pulse: &Pulse, health: &Health) {
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(Message::Minute(minute)) => pulse.during(|| keeper.add(minute)),
            Ok(Message::Event(event)) => keeper.add_event(event),
            Ok(Message::Flush) => pulse.during(|| keeper.flush()),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        health.ask_board();
    }
    keeper.flush();
}
