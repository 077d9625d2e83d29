//! The suite of all adapters, on async-std.

mod suite;

use std::future::Future;

use aapns_async_std::AsyncStd;

struct OnAsyncStd;

impl suite::Adapter for OnAsyncStd {
    type Runtime = AsyncStd;

    fn run<F: Future<Output = ()>>(test: impl FnOnce(AsyncStd) -> F) {
        async_std::task::block_on(test(AsyncStd::default()));
    }
}

run_suite!(crate::OnAsyncStd);
