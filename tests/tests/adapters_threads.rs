//! The suite of all adapters, on the core's example of a client without a runtime: a fourth adapter, of 200 lines.
//!
//! A part of it: left out is above all what gives a dial up in mid-step, which there blocks, up to a limit of its own.

#[allow(dead_code, reason = "the program around it is for its readers")]
#[path = "../../aapns-proto/examples/blocking.rs"]
mod blocking;
#[allow(dead_code, reason = "not all of it is run here")]
mod suite;

use std::future::Future;
use std::time::Instant;

use blocking::Threads;

struct OnThreads;

impl suite::Adapter for OnThreads {
    type Runtime = Threads;

    fn run<F: Future<Output = ()>>(test: impl FnOnce(Threads) -> F) {
        let threads = Threads(Instant::now());
        threads.block_on(test(threads));
    }
}

run_suite! { crate::OnThreads;
    sending {
        thousands_are_delivered_once_over_several_connections,
        a_typed_notification_arrives_with_its_fields_and_id,
        one_connection_says_exactly_when_it_is_full,
        a_full_queue_makes_callers_wait_in_order,
        a_client_certificate_is_shown,
        a_provider_token_is_signed_once_for_all_connections,
    }
    deadlines {
        silence_ends_at_the_deadline_as_unknown,
        what_waits_in_the_queue_ends_as_not_sent,
        without_a_server_the_cause_is_the_dial,
    }
    cancellation {
        a_future_dropped_in_the_queue_takes_its_request_back,
        a_future_dropped_in_flight_disturbs_nobody,
        a_caller_that_is_not_polled_holds_up_nobody,
        dropping_at_any_moment_leaks_no_stream,
        a_typed_send_can_be_dropped_before_during_and_after,
        a_close_happens_without_its_future,
    }
    ends {
        a_drain_finishes_what_is_in_flight,
        a_drain_ends_though_the_server_is_silent,
        closing_hands_back_what_is_queued,
        the_last_handle_dropped_still_sends_what_was_posted,
        a_closed_connection_takes_nothing,
    }
    faults {
        a_goaway_loses_nothing_and_doubles_nothing,
        cut_connections_are_replaced_and_duplicates_are_flagged,
        a_silent_server_is_noticed_and_left,
        a_slow_server_is_waited_for,
    }
    tls {
        a_certificate_of_another_authority_is_named,
        a_server_without_h2_is_named,
        both_crypto_providers_serve,
    }
    proxies {
        a_tunnel_carries_notifications,
        credentials_go_to_the_proxy_and_to_nobody_else,
        a_refusal_is_named,
    }
}
