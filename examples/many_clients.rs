//! Plagues a running visaged with 64 idle and 16 slow clients, and says what that does to it:
//! `cargo run --example many_clients -- 127.0.0.1:8080 60`

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().context("usage: many_clients ADDRESS:PORT [SECONDS]")?;
    let seconds = Duration::from_secs(arguments.next().map_or(Ok(60), |text| text.parse())?);
    let quiet = measure(&address, seconds, || ())?;
    // Those who say nothing, those who never end their question, those who never read the answer; whoever is thrown out comes back.
    let mut idle: Vec<_> = (0..64).map(|_| TcpStream::connect(&address)).collect::<Result<_, _>>()?;
    let mut slow: Vec<_> = (0..16).map(|_| TcpStream::connect(&address)).collect::<Result<_, _>>()?;
    let plague = || {
        for client in &mut idle {
            if is_closed(client) {
                *client = TcpStream::connect(&address).expect("it still listens");
            }
        }
        for (index, client) in slow.iter_mut().enumerate() {
            let question: &[u8] = if index % 2 == 0 { b"G" } else { b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n" };
            if is_closed(client) {
                *client = TcpStream::connect(&address).expect("it still listens");
                let _ = client.write_all(question);
            }
        }
    };
    let plagued = measure(&address, seconds, plague)?;
    println!("{:32} {:>10} {:>10}", "", "alone", "plagued");
    for (name, index) in [("frames per second", 0), ("resident memory, MiB", 1), ("slowest answer of /healthz, ms", 2)] {
        println!("{name:32} {:>10.2} {:>10.2}", quiet[index], plagued[index]);
    }
    Ok(())
}

/// Frame rate, memory at the end, slowest answer, while something is done all the time.
fn measure(address: &str, seconds: Duration, mut meanwhile: impl FnMut()) -> Result<[f64; 3]> {
    let (begin, mut slowest) = (Instant::now(), Duration::ZERO);
    let frames = figure(address, "visaged_frames_total")?;
    while begin.elapsed() < seconds {
        meanwhile();
        let asked = Instant::now();
        get(address, "/healthz")?;
        slowest = slowest.max(asked.elapsed());
        std::thread::sleep(Duration::from_millis(100));
    }
    let rate = (figure(address, "visaged_frames_total")? - frames) / begin.elapsed().as_secs_f64();
    Ok([rate, figure(address, "process_resident_memory_bytes")? / 1_048_576.0, 1e3 * slowest.as_secs_f64()])
}

fn figure(address: &str, name: &str) -> Result<f64> {
    let text = get(address, "/metrics")?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).context("no such figure")?;
    Ok(value.parse()?)
}

fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Whether the other side has closed; what it says is not read.
fn is_closed(client: &TcpStream) -> bool {
    let mut letter = [0];
    let _ = client.set_nonblocking(true);
    let is_closed = match client.peek(&mut letter) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != std::io::ErrorKind::WouldBlock,
    };
    let _ = client.set_nonblocking(false);
    is_closed
}
