//! One connection: a part that listens and moves it, and a part that speaks.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Result, bail};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, Outgoing, Packet, QoS};
use tokio::sync::Notify;
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::payload::ONLINE;
use super::trouble;

/// A broker that does not answer for so long is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two messages: a broker that was away for a day is not flooded by those who waited.
const PACE: Duration = Duration::from_millis(100);

/// Between the part that speaks and the other; the first waits while there are more.
const WAITING_AT_MOST: usize = 10;

/// What the connection has heard from the broker, for the part that speaks. A word that comes while nobody listens is kept.
#[derive(Default)]
pub(super) struct Heard {
    connected: Notify,
    confirmed: Notify,
    /// Home Assistant has started.
    birth: Notify,
    /// Our goodbye is on its way.
    goodbye: Notify,
}

/// The part of a connection that speaks.
pub(super) struct Voice<'a> {
    client: AsyncClient,
    heard: &'a Heard,
    pace: Interval,
}

/// Prepares a connection; [`listen`] makes it, and must run while the other speaks.
pub(super) fn begin(options: MqttOptions, heard: &Heard) -> (Voice<'_>, EventLoop) {
    let (client, mut events) = AsyncClient::new(options, WAITING_AT_MOST);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(PATIENCE.as_secs());
    events.set_network_options(network);
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    (Voice { client, heard, pace }, events)
}

impl Voice<'_> {
    /// Waits until the broker has let us in.
    pub(super) async fn welcome(&self) {
        self.heard.connected.notified().await;
    }

    /// Waits until Home Assistant starts.
    pub(super) async fn birth(&self) {
        self.heard.birth.notified().await;
    }

    /// Asks for what is published under a topic.
    pub(super) async fn ask_for(&self, topic: String) -> Result<()> {
        Ok(self.client.subscribe(topic, QoS::AtMostOnce).await?)
    }

    /// Publishes what is replaced by the next one anyway, and stays with the broker for whoever asks later.
    pub(super) async fn say(&mut self, topic: &str, message: Vec<u8>) -> Result<()> {
        self.pace.tick().await;
        Ok(self.client.publish(topic, QoS::AtMostOnce, true, message).await?)
    }

    /// Publishes and waits until the broker has it.
    pub(super) async fn deliver(&mut self, topic: &str, retain: bool, message: Vec<u8>) -> Result<()> {
        self.pace.tick().await;
        self.client.publish(topic, QoS::AtLeastOnce, retain, message).await?;
        match timeout(PATIENCE, self.heard.confirmed.notified()).await {
            Ok(()) => Ok(()),
            Err(_) => bail!("the broker does not confirm what it gets"),
        }
    }

    /// Ends the connection in a way that the broker does not take for an accident.
    pub(super) async fn say_goodbye(&self) -> Result<()> {
        self.client.disconnect().await?;
        self.heard.goodbye.notified().await;
        Ok(())
    }
}

/// Moves the connection, until it breaks.
pub(super) async fn listen(events: &mut EventLoop, heard: &Heard, birth: &str) -> Result<Infallible> {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => heard.connected.notify_one(),
            Ok(Event::Incoming(Packet::PubAck(_))) => heard.confirmed.notify_one(),
            Ok(Event::Incoming(Packet::Publish(publish))) if publish.topic == birth && publish.payload == ONLINE => {
                heard.birth.notify_one();
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) => {
                heard.goodbye.notify_one();
                // What the broker does after a goodbye is no trouble.
                std::future::pending::<()>().await;
            }
            Ok(_) => {}
            Err(error) => bail!(trouble::explain(&error)),
        }
    }
}
