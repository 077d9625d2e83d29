//! The suite of all adapters, on tokio: with one thread, as the program runs, and with several.

mod suite;

use std::future::Future;

use aapns_tokio::Tokio;

struct OneThread;

impl suite::Adapter for OneThread {
    type Runtime = Tokio;

    fn run<F: Future<Output = ()>>(test: impl FnOnce(Tokio) -> F) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async { test(Tokio::default()).await });
    }
}

struct Threads;

impl suite::Adapter for Threads {
    type Runtime = Tokio;

    fn run<F: Future<Output = ()>>(test: impl FnOnce(Tokio) -> F) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        runtime.block_on(async { test(Tokio::default()).await });
    }
}

mod one_thread {
    crate::run_suite!(crate::OneThread);
}

mod threads {
    crate::run_suite!(crate::Threads);
}
