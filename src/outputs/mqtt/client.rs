//! The client's thread: connects, publishes what is in the inbox, and waits and connects again when the broker is gone.
//!
//! Every connection is a new one. Of minutes and events one at a time is on its way, and stays in the inbox until the broker has confirmed it: what a
//! connection takes with it is sent again on the next one, with the same number.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rumqttc::{LastWill, MqttOptions, QoS, TlsConfiguration, Transport};
use rustls::ClientConfig;
use tokio::select;
use tokio::time::{Instant, sleep, sleep_until};

use super::backoff::{Backoff, draw};
use super::connection::{self, Heard, Voice, listen};
use super::inbox::{Inbox, Shelf, State};
use super::payload::{self, OFFLINE, ONLINE, Sender, Topics};
use super::{LAST_WORDS, NAME, discovery, tls};
use crate::config::{Config, MqttConfig};
use crate::device;
use crate::health::{self, Health};
use crate::outputs::statistics::device_name;

/// A connection without a word for so long is asked whether it is still there; after twice that it counts as gone, for the broker after one and a half.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// One looks for changes so often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A state that does not change is published again after so long, for what the board says about itself.
const REFRESH_EVERY: Duration = Duration::from_secs(60);

/// How often the board is asked whether it is throttled.
const ASK_BOARD_EVERY: Duration = Duration::from_secs(5);

/// After so long a connection counts as one: one that is lost sooner neither shortens the waits nor is told in the log again and again.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// Home Assistant asks everybody at its start; the answers are spread over so long.
const BIRTH_SPREAD: Duration = Duration::from_secs(3);

/// The client.
pub(super) struct Client {
    config: MqttConfig,
    host: String,
    port: u16,
    sender: Sender,
    topics: Topics,
    inbox: Arc<Inbox>,
    health: Health,
    tls: Option<Arc<ClientConfig>>,
    backoff: Backoff,
    said: Said,
    overflow_said: bool,
}

/// What stands in the log.
#[derive(PartialEq)]
enum Said {
    Nothing,
    Connected,
    Trouble(String),
}

impl Client {
    pub(super) fn new(config: &Config, inbox: Arc<Inbox>, health: Health) -> Result<Self> {
        let (host, port) = config.mqtt.address().context("no broker in [mqtt]")?;
        let sender = Sender::new(device_name(&config.device), device::id(&config.device));
        Ok(Self {
            config: config.mqtt.clone(),
            host: host.to_owned(),
            port,
            topics: Topics::new(&config.mqtt.prefix, &sender.id),
            sender,
            inbox,
            health,
            tls: None,
            backoff: Backoff::default(),
            said: Said::Nothing,
            overflow_said: false,
        })
    }

    /// Connects until the inbox is closed.
    pub(super) async fn live(&mut self) {
        // Whoever opens outputs tells the health that they are open, and then shows them the first view.
        self.inbox.news().await;
        self.health.tell(NAME, health::State::Degraded, &format!("{}: not connected yet", self.address()));
        while !self.inbox.look().closed {
            match self.connect().await {
                Ok(()) => break,
                Err(_) if self.inbox.look().closed => break,
                Err(error) => self.tell_trouble(&format!("{}: {error:#}", self.address())),
            }
            let wait = self.backoff.next(draw());
            let inbox = Arc::clone(&self.inbox);
            select! {
                () = sleep(wait) => {}
                () = inbox.closed() => {}
            }
        }
        let Shelf { minutes_waiting, .. } = self.inbox.look();
        if minutes_waiting > 0 {
            log::info!("{NAME}: minutes that did not reach the broker: {minutes_waiting}");
        }
    }

    /// One connection, from its begin to its end; an end that was wanted is no error.
    async fn connect(&mut self) -> Result<()> {
        let heard = Heard::default();
        let (voice, mut events) = connection::begin(self.options()?, &heard);
        let birth = discovery::status_topic(&self.config.discovery);
        // Neither is broken off before the connection is over: the crate's loop would lose what it has half sent.
        select! {
            result = listen(&mut events, &heard, &birth) => match result {
                Ok(never) => match never {},
                Err(error) => Err(error),
            },
            result = self.speak(voice) => result,
        }
    }

    /// Who we are, and what the broker is to say when we are gone without a word.
    fn options(&mut self) -> Result<MqttOptions> {
        let mut options = MqttOptions::new(format!("visaged-{}", self.sender.id), &self.host, self.port);
        options.set_keep_alive(KEEP_ALIVE);
        options.set_max_packet_size(16 * 1024, 16 * 1024);
        options.set_last_will(LastWill::new(&self.topics.availability, OFFLINE, QoS::AtLeastOnce, true));
        if !self.config.user.is_empty() {
            // Read each time: whoever mends a password need not restart anything.
            options.set_credentials(&self.config.user, password(&self.config)?);
        }
        if self.config.tls {
            let tls = match &self.tls {
                Some(tls) => Arc::clone(tls),
                None => Arc::clone(self.tls.insert(tls::config(&self.config.ca)?)),
            };
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
        }
        Ok(options)
    }

    /// Publishes what there is, until the inbox is closed.
    async fn speak(&mut self, mut voice: Voice<'_>) -> Result<()> {
        let inbox = Arc::clone(&self.inbox);
        select! {
            () = voice.welcome() => {}
            () = inbox.closed() => return Ok(()),
        }
        let since = Instant::now();
        self.tell_connected();
        if !self.config.discovery.is_empty() {
            voice.ask_for(discovery::status_topic(&self.config.discovery)).await?;
        }
        self.announce(&mut voice).await?;
        voice.deliver(&self.topics.availability, true, ONLINE.into()).await?;
        let state_every = Duration::from_secs(self.config.state_every_s.into());
        let mut told: Option<(State, [Duration; 7])> = None;
        let mut told_at = since;
        let mut board_asked = since;
        let mut announce_at: Option<Instant> = None;
        loop {
            let shelf = inbox.look();
            if shelf.closed {
                return self.leave(&mut voice).await;
            }
            if since.elapsed() >= STEADY_AFTER {
                self.tell_steady();
            }
            if board_asked.elapsed() >= ASK_BOARD_EVERY {
                board_asked = Instant::now();
                self.health.ask_board();
            }
            if announce_at.is_some_and(|at| at.elapsed() > Duration::ZERO) {
                self.announce(&mut voice).await?;
                (announce_at, told) = (None, None);
            }
            let news = (shelf.state, shelf.seconds);
            let wait = if told == Some(news) { REFRESH_EVERY.max(state_every) } else { state_every };
            if told.is_none() || told_at.elapsed() >= wait {
                voice.say(&self.topics.state, payload::state(&shelf, &self.health.snapshot())).await?;
                (told, told_at) = (Some(news), Instant::now());
            } else if !self.deliver_one(&shelf, &mut voice).await? {
                // How sure an expression is changes without being told: one looks every second.
                let until = (told_at + wait).min(Instant::now() + LOOK_EVERY);
                select! {
                    () = inbox.news() => {}
                    () = sleep_until(until) => {}
                    () = voice.birth() => announce_at = Some(Instant::now() + BIRTH_SPREAD.mul_f64(draw())),
                }
            }
        }
    }

    /// Delivers the oldest minute, or else the oldest event; false if there is none.
    async fn deliver_one(&self, shelf: &Shelf, voice: &mut Voice<'_>) -> Result<bool> {
        if let Some((number, minute)) = &shelf.minute {
            voice.deliver(&self.topics.minute, false, payload::minute(&self.sender, *number, minute)).await?;
            self.inbox.minute_delivered(*number);
        } else if let Some((number, event)) = &shelf.event {
            voice.deliver(&self.topics.event, false, payload::event(&self.sender, *number, event)).await?;
            self.inbox.event_delivered(*number);
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// Tells Home Assistant which entities there are, if it is to be told.
    async fn announce(&self, voice: &mut Voice<'_>) -> Result<()> {
        if self.config.discovery.is_empty() {
            return Ok(());
        }
        let model = std::fs::read_to_string("/proc/device-tree/model").ok();
        let model = model.as_deref().map(|model| model.trim_end_matches('\0').trim()).filter(|model| !model.is_empty());
        let has_temperature = self.health.snapshot().temperature_c.is_some();
        let message = discovery::payload(&self.sender, &self.topics, model, has_temperature);
        voice.deliver(&discovery::topic(&self.config.discovery, &self.sender.id), true, message).await
    }

    /// Says goodbye, after as much of what is left as half of the time allows.
    async fn leave(&self, voice: &mut Voice<'_>) -> Result<()> {
        let since = Instant::now();
        while since.elapsed() < LAST_WORDS / 2 && self.deliver_one(&self.inbox.look(), voice).await? {}
        voice.deliver(&self.topics.availability, true, OFFLINE.into()).await?;
        voice.say_goodbye().await
    }

    fn address(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }

    /// The health hears every reason, the log another one.
    fn tell_trouble(&mut self, reason: &str) {
        let Shelf { minutes_waiting, minutes_lost, .. } = self.inbox.look();
        let waiting = match (minutes_waiting, minutes_lost) {
            (0, _) => String::new(),
            (waiting, 0) => format!("; minutes that wait: {waiting}"),
            (waiting, lost) => format!("; minutes that wait: {waiting}, dropped before them: {lost}"),
        };
        self.health.tell(NAME, health::State::Degraded, &format!("{reason}{waiting}"));
        let said = Said::Trouble(reason.to_owned());
        if self.said != said {
            log::warn!("{NAME}: {reason}; it is tried again until it works, and a day of minutes waits meanwhile");
            self.said = said;
        }
        if minutes_lost > 0 && !std::mem::replace(&mut self.overflow_said, true) {
            log::warn!("{NAME}: the broker has been away for a day; from now on the oldest minutes are dropped");
        }
    }

    fn tell_connected(&mut self) {
        let lost = self.inbox.look().minutes_lost;
        let reason =
            if lost == 0 { String::new() } else { format!("minutes since the start that never reached the broker: {lost}") };
        self.health.tell(NAME, health::State::Ok, &reason);
        if self.said == Said::Nothing {
            log::info!("{NAME}: connected to {} as visaged-{}", self.address(), self.sender.id);
            self.said = Said::Connected;
        }
    }

    /// The connection has lasted for a while.
    fn tell_steady(&mut self) {
        self.backoff = Backoff::default();
        self.overflow_said = false;
        if self.said != Said::Connected {
            log::info!("{NAME}: connected to {} again", self.address());
            self.said = Said::Connected;
        }
    }
}

/// The first line of the file; none without a file.
fn password(config: &MqttConfig) -> Result<String> {
    let path = &config.password_file;
    if path.as_os_str().is_empty() {
        return Ok(String::new());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the password in {}", path.display()))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
