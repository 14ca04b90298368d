//! A page for the browser and figures for Prometheus, served in a thread of their own. Off until `[web] listen` names an address.
//!
//! ```text
//!  main thread                          thread "web"
//!  views ──▶ teller ──▶ slot ◀── site ◀── connections (16 at most) ◀── browsers, Prometheus
//!            counts     newest wins   events 5 a second, chart, figures, pause
//! ```

mod access;
mod body;
mod event;
mod live;
mod look;
mod metrics;
mod server;
mod site;
mod today;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use self::live::{Slot, Teller};
use self::site::Site;

pub use self::server::Patience;

use super::{Output, View};
use crate::config::{Config, WebConfig};
use crate::frame::monotonic_now;
use crate::health::Health;
use crate::pause::Pause;
use crate::worker::Worker;

/// What the log calls it.
pub fn name(config: &WebConfig) -> String {
    format!("page at http://{}/", config.listen)
}

/// The page. It is there as long as this lives.
pub struct Web {
    name: String,
    address: SocketAddr,
    teller: Teller,
    health: Health,
    stop: Option<oneshot::Sender<()>>,
    /// Only for its end.
    _worker: Worker,
}

impl Web {
    /// Begins to listen at the configured address.
    ///
    /// # Errors
    /// If the address cannot be had or the token cannot be read.
    pub fn open(config: &Config, health: &Health, pause: &Pause) -> Result<Self> {
        Self::with_patience(config, health, pause, Patience::default())
    }

    /// As [`open`](Self::open), with another patience.
    ///
    /// # Errors
    /// The same.
    pub fn with_patience(config: &Config, health: &Health, pause: &Pause, patience: Patience) -> Result<Self> {
        let address = config.web.address().context("[web] listen is no address")?;
        let slot = Slot::default();
        let site = Arc::new(Site::open(config, slot.clone(), health, pause)?);
        let runtime = Builder::new_current_thread().enable_io().enable_time().max_blocking_threads(1).build();
        let runtime = runtime.context("no event loop for the page")?;
        let listener = {
            let _inside = runtime.enter();
            server::listen(address).map_err(|error| explain(error, address))?
        };
        let address = listener.local_addr().context("a listening socket has an address")?;
        let (stop, stopped) = oneshot::channel();
        let work = async move {
            tokio::select! {
                never = server::serve(listener, Arc::clone(&site), patience) => match never {},
                () = site.tell() => {}
                _ = stopped => {}
            }
        };
        let worker = health.workers().start("web", move || run(runtime, work))?;
        log::info!("the page is at http://{address}/");
        Ok(Self {
            name: name(&config.web),
            address,
            teller: Teller::new(slot, config.web.preview),
            health: health.clone(),
            stop: Some(stop),
            _worker: worker,
        })
    }

    /// Where it listens; with port 0 in the configuration the system chose one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn run(runtime: Runtime, work: impl Future<Output = ()>) {
    runtime.block_on(work);
    // A database on a slow card is not waited for.
    runtime.shutdown_background();
}

impl Output for Web {
    fn name(&self) -> &str {
        &self.name
    }

    fn show(&mut self, view: View<'_>) -> Result<()> {
        self.teller.tell(view, monotonic_now(), self.health.is_throttled());
        Ok(())
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.stop.take());
    }
}

/// Linux's number for an address family that is not allowed or not there.
const NO_SUCH_FAMILY: i32 = 97;

/// Why the address cannot be had, with what helps.
fn explain(error: io::Error, address: SocketAddr) -> anyhow::Error {
    let drop_in = if address.ip().is_loopback() { "network-loopback.conf" } else { "network-lan.conf" };
    let help = match error.kind() {
        _ if error.raw_os_error() == Some(NO_SUCH_FAMILY) => {
            format!("the service has no network as shipped: it needs the drop-in {drop_in}, see docs/web.md")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("it is no address of this machine, or the service lacks the drop-in {drop_in}, see docs/web.md")
        }
        io::ErrorKind::AddrInUse => "another program listens there: take another port".into(),
        io::ErrorKind::PermissionDenied => "ports below 1024 are not for a service without privileges: take 8080".into(),
        _ => "see docs/web.md".into(),
    };
    anyhow::Error::new(error).context(format!("cannot listen on {address} ({help})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_a_network_says_which_drop_in_it_needs() {
        let message =
            |number, address: &str| format!("{:#}", explain(io::Error::from_raw_os_error(number), address.parse().unwrap()));
        let loopback = message(NO_SUCH_FAMILY, "127.0.0.1:8080");
        assert!(loopback.starts_with("cannot listen on 127.0.0.1:8080 (the service has no network as shipped"), "{loopback}");
        assert!(loopback.contains("network-loopback.conf"), "{loopback}");
        assert!(message(NO_SUCH_FAMILY, "0.0.0.0:8080").contains("network-lan.conf"));
        // EADDRNOTAVAIL, EADDRINUSE.
        assert!(message(99, "192.0.2.1:8080").contains("no address of this machine"));
        assert!(message(98, "127.0.0.1:8080").contains("another program listens there"));
    }

    #[test]
    fn an_address_that_is_taken_is_said_and_free_again_when_the_page_is_gone() {
        let config = |listen: String| Config { web: WebConfig { listen, ..WebConfig::default() }, ..Config::default() };
        let open = |listen| Web::open(&config(listen), &Health::default(), &Pause::default());
        let first = open("127.0.0.1:0".into()).unwrap();
        let address = first.address().to_string();
        let message = format!("{:#}", open(address.clone()).err().expect("it is taken"));
        assert!(message.starts_with(&format!("cannot listen on {address} (another program listens there")), "{message}");
        drop(first);
        drop(open(address).unwrap());
    }
}
