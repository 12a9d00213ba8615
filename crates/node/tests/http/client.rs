//! A client that says exactly which bytes go over the wire, and when.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longer than any patience of a server under test.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }

    /// The code of a refusal, after a look at its form.
    pub fn code(&self) -> String {
        assert!(self.head.contains("content-type: application/problem+json"), "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status);
        let code = json["code"].as_str().unwrap().to_owned();
        assert_eq!(json["type"], format!("urn:furikae:problem:{code}"));
        assert_eq!(self.head.contains("retry-after: 1"), matches!(self.status, 429 | 503));
        code
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// All bytes until the server closes.
pub fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => bytes,
        Err(error) => panic!("{error} after {} bytes", bytes.len()),
    }
}

pub fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head: {}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head, body: bytes[end + 4..].to_vec() }
}

/// Sends these bytes, and reads what comes until the server closes.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    parse(&rest(&mut stream))
}

pub fn get(address: SocketAddr, path: &str) -> Answer {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\r\n").as_bytes())
}

/// The head of a submission of `len` bytes.
pub fn post_head(len: usize) -> String {
    format!(
        "POST /v1/envelopes HTTP/1.1\r\nhost: n\r\nconnection: close\r\n\
         content-type: application/octet-stream\r\ncontent-length: {len}\r\n\r\n"
    )
}

pub fn post(address: SocketAddr, body: &[u8]) -> Answer {
    send(address, &[post_head(body.len()).as_bytes(), body].concat())
}

/// The value of a metric.
pub fn metric(address: SocketAddr, name: &str) -> u64 {
    let text = String::from_utf8(get(address, "/metrics").body).unwrap();
    let line = text.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Waits until it holds.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never: {what}");
}
