//! Requests to the page, through the real server and a real connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use visaged::config::{Config, WebConfig};
use visaged::health::{Health, State};
use visaged::outputs::web::{Patience, Web};
use visaged::outputs::{Output, View};
use visaged::pause::Pause;
use visaged::tracker::Observation;

/// The server's thread has panicked. It catches that, so that only the connection ends.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// What an answer that never ends says of itself.
const OPEN_PAGE: &[u8] = b"content-type: text/event-stream";

thread_local! {
    static SERVER: Server = Server::start();
}

/// Without a token, so that nothing is behind one.
struct Server {
    address: SocketAddr,
    _web: Web,
}

impl Server {
    fn start() -> Self {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if std::thread::current().name() == Some("web") {
                    PANICKED.store(true, Ordering::SeqCst);
                }
                before(panic);
            }));
        });
        let web = WebConfig { listen: "127.0.0.1:0".into(), ..WebConfig::default() };
        let mut config = Config { web, ..Config::default() };
        config.statistics.database.clear();
        let health = Health::default();
        health.tell("camera", State::Ok, "");
        let mut web =
            Web::with_patience(&config, &health, &Pause::default(), Patience::default()).expect("loopback has a free port");
        web.show(View::Watching(&Observation::default())).expect("the page takes what is seen");
        Self { address: web.address(), _web: web }
    }
}

/// Whatever is sent is answered or hung up on.
pub(super) fn http(bytes: &[u8]) {
    let answer = SERVER.with(|server| exchange(server.address, bytes));
    assert!(!PANICKED.load(Ordering::SeqCst), "a panic in the server");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1."), "{answer:?}");
    for status in answer.split("HTTP/1.").skip(1).filter_map(|rest| rest.get(2..5)) {
        // 503 is how `/healthz` says that there is trouble.
        assert!(matches!(status.as_bytes(), [b'2'..=b'4', ..] | b"503"), "{status}");
    }
}

/// Sends all and says that nothing follows; gives what comes back, of an open page the beginning.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("ten seconds are a time");
    // Whoever is refused early may find the door shut.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let (mut answer, mut piece) = (Vec::new(), [0; 16 << 10]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) => {
                assert_ne!(error.kind(), ErrorKind::WouldBlock, "it neither answers nor closes");
                break;
            }
        }
        if answer.windows(OPEN_PAGE.len()).any(|words| words == OPEN_PAGE) {
            break;
        }
    }
    String::from_utf8_lossy(&answer).into_owned()
}
