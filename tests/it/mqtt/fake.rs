//! A few lines of a broker (MQTT 3.1.1), for one that misbehaves in a way that a real one does not.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use serde_json::Value;

use super::PATIENCE;

/// Listens; every connection is handed to the test.
pub(super) struct FakeBroker {
    pub(super) port: u16,
    listener: TcpListener,
}

/// A client that has said hello and been welcomed.
pub(super) struct Connection(TcpStream);

impl FakeBroker {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Self { port: listener.local_addr().unwrap().port(), listener }
    }

    /// Waits for the next client and welcomes it.
    pub(super) fn accept(&self) -> Connection {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut connection = Connection(stream);
        let (kind, _) = connection.packet();
        assert_eq!(kind, 0x10, "the first packet must be CONNECT");
        connection.write(&[0x20, 2, 0, 0]);
        connection
    }
}

/// Topic and rest of a message.
fn published(head: u8, body: &[u8]) -> Option<(&str, &[u8])> {
    let (length, rest) = body.split_first_chunk().filter(|_| head >> 4 == 3)?;
    let (topic, rest) = rest.split_at(u16::from_be_bytes(*length).into());
    Some((std::str::from_utf8(topic).unwrap(), rest))
}

fn is_qos_1(head: u8) -> bool {
    head & 0b0110 == 0b0010
}

/// A broker that takes everything from one client: its port and, when the client has gone, all packets.
pub(crate) fn take_everything() -> (u16, JoinHandle<Vec<u8>>) {
    let broker = FakeBroker::start();
    let port = broker.port;
    let taken = std::thread::spawn(move || {
        let (mut connection, mut all) = (broker.accept(), Vec::new());
        while let Ok((head, body)) = connection.try_packet() {
            all.push(head);
            all.extend_from_slice(&body);
            connection.confirm(head, &body);
        }
        all
    });
    (port, taken)
}

impl Connection {
    /// Confirms what the client publishes, up to the first message of `kind`, the topic's last level, which is given back unconfirmed.
    pub(super) fn confirm_until(&mut self, kind: &str) -> Value {
        loop {
            let (head, body) = self.packet();
            if let Some((topic, rest)) = published(head, &body)
                && topic.ends_with(kind)
            {
                assert!(is_qos_1(head));
                return serde_json::from_slice(&rest[2..]).unwrap();
            }
            self.confirm(head, &body);
        }
    }

    fn confirm(&mut self, head: u8, body: &[u8]) {
        match head >> 4 {
            3 => {
                if let Some((_, rest)) = published(head, body).filter(|_| is_qos_1(head)) {
                    self.write(&[0x40, 2, rest[0], rest[1]]);
                }
            }
            8 => self.write(&[0x90, 3, body[0], body[1], 0]),
            12 => self.write(&[0xD0, 0]),
            14 => {}
            other => panic!("a packet of kind {other}"),
        }
    }

    /// First byte and rest of the next packet.
    fn packet(&mut self) -> (u8, Vec<u8>) {
        self.try_packet().unwrap()
    }

    /// The same; an error when the client has gone.
    fn try_packet(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let head = self.byte()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((head, body))
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Waits until the client hangs up.
    pub(super) fn read_to_end(&mut self) {
        // A connection that is reset has ended too.
        let _ = self.0.read_to_end(&mut Vec::new());
    }
}
