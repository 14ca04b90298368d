//! A few lines of a broker (MQTT 3.1.1), for one that misbehaves in a way that a real one does not.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

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

impl Connection {
    /// Confirms what the client publishes, up to the first message of `kind`, the topic's last level, which is given back unconfirmed.
    pub(super) fn confirm_until(&mut self, kind: &str) -> Value {
        loop {
            let (head, body) = self.packet();
            match head >> 4 {
                3 => {
                    let length = usize::from(u16::from_be_bytes([body[0], body[1]]));
                    let (topic, rest) = (std::str::from_utf8(&body[2..2 + length]).unwrap(), &body[2 + length..]);
                    let is_qos_1 = head & 0b0110 == 0b0010;
                    if topic.ends_with(kind) {
                        assert!(is_qos_1);
                        return serde_json::from_slice(&rest[2..]).unwrap();
                    }
                    if is_qos_1 {
                        self.write(&[0x40, 2, rest[0], rest[1]]);
                    }
                }
                8 => self.write(&[0x90, 3, body[0], body[1], 0]),
                12 => self.write(&[0xD0, 0]),
                other => panic!("a packet of kind {other}"),
            }
        }
    }

    /// First byte and rest of the next packet.
    fn packet(&mut self) -> (u8, Vec<u8>) {
        let head = self.byte();
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (head, body)
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        byte[0]
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
