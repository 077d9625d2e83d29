//! One request and its answer.

use std::pin::pin;

use aapns_proto::Request;
use aapns_proto::client::ndjson::Settlement;
use aapns_proto::client::{Answer, PostError};

use super::console::Console;
use super::exit::Fault;
use super::signals::{DRAIN, Signals};
use crate::{Builder, Pool};

/// How a single request ended.
#[derive(Debug)]
pub(crate) struct Exchanged<T> {
    pub(crate) result: T,
    /// A signal ended it.
    pub(crate) is_interrupted: bool,
}

impl Exchanged<Result<Answer, PostError>> {
    pub(crate) fn settlement(&self) -> Settlement {
        Settlement::of(&self.result, self.is_interrupted)
    }
}

/// Sends one request over one connection; after a signal the answer has five seconds, after another none.
pub(crate) async fn exchange(
    builder: Builder,
    request: Request,
    console: Console,
) -> Result<Exchanged<Result<Answer, PostError>>, Fault> {
    let pool = builder.connections(1, 1).pool().map_err(Fault::usage)?;
    pool.judge(&request).map_err(Fault::usage)?;
    interruptible(&pool, pool.post(request), console).await
}

/// Does something with a pool and closes it; a signal drains it before, another closes it.
pub(crate) async fn interruptible<T>(
    pool: &Pool,
    work: impl Future<Output = T>,
    console: Console,
) -> Result<Exchanged<T>, Fault> {
    warn(pool, console);
    let mut signals = Signals::new()?;
    let mut work = pin!(work);
    let (result, is_interrupted) = tokio::select! {
        result = &mut work => (result, false),
        () = signals.wait() => {
            let end = async {
                tokio::select! {
                    _ = pool.drain(DRAIN) => {}
                    () = signals.wait() => {
                        pool.close().await;
                    }
                }
            };
            (tokio::join!(work, end).0, true)
        }
    };
    console.detail(&pool.stats());
    pool.close().await;
    Ok(Exchanged {
        result,
        is_interrupted,
    })
}

/// Says if the client certificate is about to expire.
pub(crate) fn warn(pool: &Pool, console: Console) {
    if let Some(warning) = pool.certificate_warning() {
        console.note(format_args!(
            "warning: {warning}; renew it on developer.apple.com"
        ));
    }
}
