//! One request and its answer.

use aapns_proto::Request;
use aapns_proto::client::{Answer, PostError};

use super::console::Console;
use super::exit::Fault;
use super::settlement::Settlement;
use super::signals::Signals;
use crate::Builder;

/// How a single request ended.
#[derive(Debug)]
pub(crate) struct Exchanged {
    pub(crate) result: Result<Answer, PostError>,
    is_interrupted: bool,
}

impl Exchanged {
    pub(crate) fn settlement(&self) -> Settlement {
        Settlement::of(&self.result, self.is_interrupted)
    }

    /// The answer, if its status is in 200–299.
    ///
    /// # Errors
    /// What happened in its place.
    pub(crate) fn success(self) -> Result<Answer, Fault> {
        match self.result {
            Ok(answer) if answer.response.is_success() => Ok(answer),
            _ => Err(self.settlement().fault()),
        }
    }
}

/// Sends one request over one connection; a signal ends it.
pub(crate) async fn exchange(
    builder: Builder,
    request: Request,
    console: Console,
) -> Result<Exchanged, Fault> {
    let mut signals = Signals::new()?;
    let pool = builder.connections(1, 1).pool().map_err(Fault::usage)?;
    let mut post = pool.post(request);
    let (result, is_interrupted) = tokio::select! {
        result = &mut post => (result, false),
        () = signals.wait() => {
            pool.close().await;
            (post.await, true)
        }
    };
    console.detail(&pool.stats());
    pool.close().await;
    Ok(Exchanged {
        result,
        is_interrupted,
    })
}
