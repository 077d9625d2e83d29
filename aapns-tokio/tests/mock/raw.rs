//! Frames by hand, where the h2 crate's client won't do as a test wants.

use std::time::Duration;

use aapns_tokio::mock::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::support::tls;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

/// Longer than any frame takes to come, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Raw(TlsStream<TcpStream>);

/// Its type, and its stream.
pub(crate) type Frame = (u8, u32);

impl Raw {
    /// Connects with these SETTINGS of the client's, and acknowledges the mock's.
    pub(crate) async fn connect(server: &Server, settings: &[u8]) -> Self {
        let mut raw = Self(tls(server, None).await.unwrap());
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        hello.extend(frame(SETTINGS, 0, 0, settings));
        raw.write(&hello).await;
        assert_eq!(raw.next().await, Some((SETTINGS, 0)));
        raw.write(&frame(SETTINGS, 1, 0, b"")).await;
        raw
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// So many requests, from this stream on, in one write.
    pub(crate) async fn request(&mut self, first: u32, count: u32) {
        let streams = (0..count).map(|n| first + 2 * n);
        let octets: Vec<u8> = streams.flat_map(request).collect();
        self.write(&octets).await;
    }

    /// Gives a stream room for so many octets.
    pub(crate) async fn open_window(&mut self, stream: u32, octets: u32) {
        let update = frame(WINDOW_UPDATE, 0, stream, &octets.to_be_bytes());
        self.write(&update).await;
    }

    /// The mock's next frame; none once it has closed.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        let mut header = [0; 9];
        let read = timeout(PATIENCE, self.0.read_exact(&mut header));
        read.await.expect("a frame in time").ok()?;
        let [a, b, c, kind, _, stream @ ..] = header;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        Some((kind, u32::from_be_bytes(stream)))
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    let mut frame = vec![0, 0, length, kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// HEADERS, by HPACK's static table and literals (RFC 7541), and DATA.
fn request(stream: u32) -> Vec<u8> {
    let mut block = vec![0x83, 0x87];
    for (index, value) in [(0x44, "/3/device/abcd"), (0x41, "localhost")] {
        block.extend([index, u8::try_from(value.len()).unwrap()]);
        block.extend(value.as_bytes());
    }
    let mut frames = frame(HEADERS, 0x4, stream, &block);
    frames.extend(frame(DATA, 0x1, stream, br#"{"aps":{"alert":"hi"}}"#));
    frames
}
