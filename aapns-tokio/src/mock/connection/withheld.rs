//! Streams that get no answer.

use std::task::{Context, Waker};

use bytes::Bytes;
use h2::server::SendResponse;

/// So many are kept before it is asked whether they are still open.
const ROOM: usize = 64;

/// Dropped, h2 would reset them. Those that the client has reset are let go whenever their number has doubled.
#[derive(Default)]
pub(super) struct Withheld {
    streams: Vec<SendResponse<Bytes>>,
    room: usize,
}

impl Withheld {
    pub(super) fn push(&mut self, respond: SendResponse<Bytes>) {
        if self.streams.len() >= self.room {
            // To ask is enough: nobody waits for a reset.
            let mut cx = Context::from_waker(Waker::noop());
            self.streams
                .retain_mut(|stream| stream.poll_reset(&mut cx).is_pending());
            self.room = ROOM.max(2 * self.streams.len());
        }
        self.streams.push(respond);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn streams_that_the_client_has_reset_are_let_go_and_others_are_kept() {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (client, server) = tokio::join!(h2::client::handshake(near), async {
            h2::server::handshake(far).await
        });
        let (mut send, driver) = client.unwrap();
        let mut server = server.unwrap();
        tokio::spawn(driver);
        let mut withheld = Withheld::default();
        let mut kept = Vec::new();
        for n in 0..10 * ROOM {
            let request = http::Request::new(());
            send = send.ready().await.unwrap();
            let (response, body) = send.send_request(request, false).unwrap();
            let (_, respond) = server.accept().await.unwrap().unwrap();
            withheld.push(respond);
            // What is dropped is reset.
            if n % 32 == 0 {
                kept.push((response, body));
            }
        }
        assert!(withheld.streams.len() <= 2 * ROOM);
        assert!(withheld.streams.len() >= kept.len());
    }
}
