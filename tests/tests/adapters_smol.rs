//! The suite of all adapters, on smol: by the crate for async-std, with smol's tasks and smol's sockets.

mod suite;

use std::future::Future;

use aapns_async_std::{AsyncStd, Connecting, Stream};
use smol::net::TcpStream;

struct OnSmol;

impl suite::Adapter for OnSmol {
    type Runtime = AsyncStd;

    fn run<F: Future<Output = ()>>(test: impl FnOnce(AsyncStd) -> F) {
        smol::block_on(test(spawning()));
    }
}

fn spawning() -> AsyncStd {
    AsyncStd::spawning(|task| smol::spawn(task).detach())
}

run_suite!(crate::OnSmol);

/// A hook: smol's own sockets under our TLS.
fn connect(host: &str, port: u16) -> Connecting {
    let address = (host.to_owned(), port);
    Box::pin(async move {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    })
}

#[test]
fn another_runtimes_sockets_serve_as_well() {
    let runtime = spawning().with_connector(connect);
    smol::block_on(suite::faults::a_goaway_loses_nothing_and_doubles_nothing(
        runtime.clone(),
    ));
    smol::block_on(suite::proxies::a_tunnel_carries_notifications(runtime));
}
