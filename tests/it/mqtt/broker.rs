//! mosquitto on a port of its own, its clients, and what a test does to them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::PATIENCE;

/// A program that lies in `sbin` on Debian, where a user does not look.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// Runs a program to its end.
pub(super) fn run(program: &str, arguments: &[&str]) {
    let output = command(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error} (apt install mosquitto mosquitto-clients openssl)"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A port that nobody has.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A running mosquitto; killed with the value.
pub(super) struct Broker {
    pub(super) port: u16,
    process: Child,
    folder: TempDir,
}

impl Broker {
    /// With these lines of configuration beside the port; without any, everybody may do everything.
    pub(super) fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let anonymous = if settings.contains("allow_anonymous") { "" } else { "allow_anonymous true\n" };
        // It would give up root's rights, and with them the way to the test's folder.
        let user = if rustix::process::geteuid().is_root() { "user root\n" } else { "" };
        let log = folder.path().join("log");
        let lines =
            format!("listener {port} 127.0.0.1\n{anonymous}{user}log_dest file {}\nlog_type all\n{settings}", log.display());
        std::fs::write(folder.path().join("mosquitto.conf"), lines).unwrap();
        Self { process: Self::process(&folder, port), port, folder }
    }

    /// With a certificate of this authority.
    pub(super) fn start_encrypted(authority: &Authority) -> Self {
        let file = |name| authority.folder.path().join(name).display().to_string();
        Self::start(&format!("certfile {}\nkeyfile {}\n", file("broker.pem"), file("broker.key")))
    }

    fn process(folder: &TempDir, port: u16) -> Child {
        let mut command = command("mosquitto");
        command.arg("-c").arg(folder.path().join("mosquitto.conf")).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap_or_else(|error| panic!("mosquitto: {error} (apt install mosquitto)"));
        let begin = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "mosquitto does not answer");
            std::thread::sleep(Duration::from_millis(10));
        }
        process
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on its port, with a gatherer that is there before anybody else finds the way.
    pub(super) fn start_again(&mut self) -> Gatherer {
        let port = std::mem::replace(&mut self.port, free_port());
        let conf = self.folder.path().join("mosquitto.conf");
        let text = std::fs::read_to_string(&conf).unwrap();
        // The first listener is one that the device does not know; the old one is opened when the gatherer has subscribed.
        std::fs::write(&conf, text.replace(&format!("listener {port} "), &format!("listener {} ", self.port))).unwrap();
        self.process = Self::process(&self.folder, self.port);
        let gatherer = Gatherer::start(self, &["visaged/#"]);
        Proxy::listen(port, self.port);
        gatherer
    }

    /// Publishes with mosquitto's own client.
    pub(super) fn publish(&self, topic: &str, message: &str) {
        run("mosquitto_pub", &["-h", "127.0.0.1", "-p", &self.port.to_string(), "-q", "1", "-t", topic, "-m", message]);
    }

    /// Everything that anybody subscribed to.
    pub(super) fn subscriptions(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        let topics = log.lines().filter(|line| line.contains(": \t") && line.contains("(QoS") && !line.contains("probe/"));
        let topics: BTreeSet<_> = topics.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect();
        topics.into_iter().collect()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have been killed by the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A mosquitto_sub, and what it printed.
pub(super) struct Gatherer {
    process: Child,
    messages: Arc<Mutex<Vec<Message>>>,
}

struct Message {
    topic: String,
    payload: String,
    at: Instant,
}

impl Gatherer {
    /// Comes back when it has subscribed.
    pub(super) fn start(broker: &Broker, topics: &[&str]) -> Self {
        let port = broker.port.to_string();
        let mut command = command("mosquitto_sub");
        command.args(["-h", "127.0.0.1", "-p", &port, "-q", "1", "-F", "%t %p"]);
        let probe = format!("probe/{}", free_port());
        for topic in topics.iter().copied().chain([probe.as_str()]) {
            command.args(["-t", topic]);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let messages = Arc::<Mutex<Vec<Message>>>::default();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let theirs = Arc::clone(&messages);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let (topic, payload) = line.split_once(' ').unwrap();
                let (topic, payload) = (topic.to_owned(), payload.to_owned());
                theirs.lock().unwrap().push(Message { topic, payload, at: Instant::now() });
            }
        });
        let gatherer = Self { process, messages };
        let begin = Instant::now();
        while !gatherer.messages.lock().unwrap().iter().any(|message| message.topic == probe) {
            assert!(begin.elapsed() < PATIENCE, "mosquitto_sub does not subscribe");
            broker.publish(&probe, "");
        }
        gatherer
    }

    /// Waits for so many messages of a topic; numbers and objects as such, else text.
    pub(super) fn wait(&self, topic: &str, count: usize) -> Vec<Value> {
        let begin = Instant::now();
        loop {
            let messages = self.messages.lock().unwrap();
            let of_topic = messages.iter().filter(|message| message.topic == topic);
            let found: Vec<_> = of_topic.map(|message| message.payload.as_str()).collect();
            if found.len() >= count {
                return found.into_iter().map(|text| serde_json::from_str(text).unwrap_or_else(|_| text.into())).collect();
            }
            assert!(begin.elapsed() < PATIENCE, "{} of {count} messages of {topic}: {found:?}", found.len());
            drop(messages);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// When the first and the last message of a topic came.
    pub(super) fn span(&self, topic: &str) -> (Instant, Instant) {
        let messages = self.messages.lock().unwrap();
        let mut times = messages.iter().filter(|message| message.topic == topic).map(|message| message.at);
        let first = times.next().unwrap();
        (first, times.next_back().unwrap_or(first))
    }

    /// On which topics something came, its own probes excepted.
    pub(super) fn topics(&self) -> BTreeSet<String> {
        self.messages
            .lock()
            .unwrap()
            .iter()
            .map(|message| message.topic.clone())
            .filter(|topic| !topic.starts_with("probe/"))
            .collect()
    }
}

impl Drop for Gatherer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A cable that can be cut: connections to its port lead to another.
pub(super) struct Proxy {
    pub(super) port: u16,
    lines: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    pub(super) fn start(to: u16) -> Self {
        let port = free_port();
        Self { port, lines: Self::listen(port, to) }
    }

    fn listen(port: u16, to: u16) -> Arc<Mutex<Vec<TcpStream>>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let lines = Arc::<Mutex<Vec<TcpStream>>>::default();
        let theirs = Arc::clone(&lines);
        std::thread::spawn(move || {
            for here in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { return };
                let ends = [here.try_clone().unwrap(), there.try_clone().unwrap()];
                theirs.lock().unwrap().extend(ends);
                for (mut from, mut into) in [(here.try_clone().unwrap(), there.try_clone().unwrap()), (there, here)] {
                    std::thread::spawn(move || {
                        let _ = std::io::copy(&mut from, &mut into);
                        let _ = into.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        lines
    }

    /// Breaks what is connected now.
    pub(super) fn cut(&self) {
        for line in self.lines.lock().unwrap().drain(..) {
            let _ = line.shutdown(Shutdown::Both);
        }
    }
}

/// An authority that signs certificates, and one that it signed for a broker; made by openssl, good for a day.
pub(super) struct Authority {
    folder: TempDir,
}

impl Authority {
    /// Signs a broker with this name.
    pub(super) fn new(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
        let authority = ["req", "-x509", "-subj", "/CN=test authority", "-keyout", &file("ca.key"), "-out", &file("ca.pem")];
        run("openssl", &[&authority[..], &key].concat());
        let subject = format!("/CN={name}");
        let names = format!("subjectAltName=DNS:{name}");
        // Signed at once, as `openssl req` of OpenSSL 3 can.
        let broker = ["req", "-x509", "-CA", &file("ca.pem"), "-CAkey", &file("ca.key"), "-subj", &subject, "-addext", &names];
        let no_authority =
            ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &file("broker.key"), "-out", &file("broker.pem")];
        run("openssl", &[&broker[..], &no_authority, &key].concat());
        Self { folder }
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}
