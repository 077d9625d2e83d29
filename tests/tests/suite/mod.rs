//! What every adapter must do, written once: against the mock, on real sockets and TLS.
//!
//! The mock runs on a thread of its own, and nothing here but [`Adapter`] knows a runtime. Each test
//! target names its adapter: what passes on one passes on all.

pub(crate) mod cancellation;
pub(crate) mod deadlines;
pub(crate) mod ends;
pub(crate) mod faults;
pub(crate) mod proxies;
mod relay;
pub(crate) mod sending;
pub(crate) mod tenants;
pub(crate) mod tls;
mod tunnel;

use std::future::Future;
use std::ops::Range;
use std::time::Duration;

use aapns_proto::client::{Builder, Endpoint, Pool, Runtime, Timer};
use aapns_proto::{Fields, Head, Method, Request};
use aapns_tokio::mock::{self, Rule, Scenario, Server};

/// Longer than anything here takes, even on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A runtime under test.
pub(crate) trait Adapter {
    /// What the handles run on.
    type Runtime: Runtime;

    /// Runs a test to its end, inside the runtime if it must be entered.
    fn run<F: Future<Output = ()>>(test: impl FnOnce(Self::Runtime) -> F);
}

/// Runs the whole suite on an adapter.
#[macro_export]
macro_rules! run_suite {
    ($adapter:ty) => {
        $crate::run_suite! { $adapter;
            sending {
                thousands_are_delivered_once_over_several_connections,
                a_typed_notification_arrives_with_its_fields_and_id,
                a_rejection_names_its_reason,
                one_connection_says_exactly_when_it_is_full,
                a_full_queue_makes_callers_wait_in_order,
                a_pool_can_be_resized_while_it_works,
                a_client_certificate_is_shown,
                a_provider_token_is_signed_once_for_all_connections,
            }
            deadlines {
                silence_ends_at_the_deadline_as_unknown,
                what_waits_in_the_queue_ends_as_not_sent,
                waiting_for_room_counts,
                without_a_server_the_cause_is_the_dial,
            }
            cancellation {
                a_future_dropped_in_the_queue_takes_its_request_back,
                a_future_dropped_in_flight_disturbs_nobody,
                a_future_dropped_after_its_answer_costs_nothing,
                a_caller_that_leaves_the_line_hands_its_place_on,
                a_caller_that_is_not_polled_holds_up_nobody,
                dropping_at_any_moment_leaks_no_stream,
                a_connection_keeps_the_stream_of_a_dropped_future_until_its_answer,
                a_connections_futures_can_be_dropped_before_and_after,
                a_typed_send_can_be_dropped_before_during_and_after,
                a_connect_given_up_at_any_moment_leaves_no_connection,
                a_drain_goes_on_without_its_future,
                a_close_happens_without_its_future,
            }
            ends {
                a_drain_finishes_what_is_in_flight,
                a_drain_hands_back_what_it_could_not_send,
                a_drain_ends_though_the_server_is_silent,
                closing_hands_back_what_is_queued,
                closing_takes_the_answers_from_what_is_in_flight,
                the_last_handle_dropped_still_sends_what_was_posted,
                a_closed_connection_takes_nothing,
            }
            faults {
                a_goaway_loses_nothing_and_doubles_nothing,
                refused_streams_are_sent_again,
                a_stream_limit_of_one_and_back_loses_nothing,
                cut_connections_are_replaced_and_duplicates_are_flagged,
                at_most_once_is_not_sent_again_after_a_cut,
                a_silent_server_is_noticed_and_left,
                a_slow_server_is_waited_for,
                a_black_hole_at_any_point_of_a_connection_is_left_for_the_next_one,
                a_cut_at_any_point_of_a_connection_loses_nothing,
                a_server_that_restarts_under_load_loses_nothing,
            }
            tenants {
                a_channel_is_made_sent_to_and_deleted,
                a_channel_is_not_made_twice_when_the_answer_is_lost,
                a_client_is_made_once_retired_when_idle_and_made_again,
                a_dead_token_is_told_of,
            }
            tls {
                a_certificate_of_another_authority_is_named,
                a_certificate_for_another_host_is_named,
                an_expired_certificate_is_named,
                a_server_without_h2_is_named,
                a_server_without_tls_is_named,
                a_handshake_that_hangs_is_named,
                both_crypto_providers_serve,
            }
            proxies {
                a_tunnel_carries_notifications,
                credentials_go_to_the_proxy_and_to_nobody_else,
                an_answer_in_pieces_is_put_together,
                octets_right_behind_the_answer_are_the_servers,
                a_refusal_is_named,
                garbage_is_named,
                a_proxy_that_hangs_up_is_named,
                a_proxy_that_hangs_is_left_in_time,
                no_proxy_at_all_is_named,
            }
        }
    };
    ($adapter:ty; $($story:ident { $($test:ident,)* })*) => {
        $(mod $story {
            use $crate::suite::Adapter as _;
            $(#[test]
            fn $test() {
                <$adapter>::run($crate::suite::$story::$test);
            })*
        })*
    };
}

/// A mock with this scenario.
pub(crate) fn serve(rules: impl Into<Vec<Rule>>) -> Server {
    let scenario = Scenario::of(rules);
    start(Server::builder().scenario(scenario))
}

/// A mock on a thread of its own.
pub(crate) fn start(builder: mock::Builder) -> Server {
    builder.start_on_thread().expect("the mock starts")
}

/// A builder for this mock, and for nothing that the developer's environment says.
pub(crate) fn builder<R: Runtime>(runtime: &R, server: &Server) -> Builder<R> {
    to(runtime, &server.origin())
        .ca_pem(server.ca_pem())
        .ca_only()
}

/// A builder for this origin.
pub(crate) fn to<R: Runtime>(runtime: &R, origin: &str) -> Builder<R> {
    Builder::new(runtime.clone(), Endpoint::parse(origin).expect("an origin"))
        .proxy(None)
        .timeout(LONG)
        .topic("com.example.app".parse().expect("a topic"))
}

/// A pool of so many connections.
pub(crate) fn pool<R: Runtime>(runtime: &R, server: &Server, connections: u16) -> Pool<R> {
    let builder = builder(runtime, server).connections(connections, connections);
    builder.pool().expect("a pool")
}

/// The n-th notification's id.
pub(crate) fn id(n: usize) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// The n-th notification: its device token and its id.
pub(crate) fn request(n: usize) -> Request {
    let fields = Fields::new()
        .with("apns-topic", "com.example.app")
        .and_then(|fields| fields.with("apns-push-type", "alert"));
    let head = Head::new(Method::POST, fields.expect("fields"));
    let path = format!("/3/device/{n:064x}");
    Request::new(head, path, r#"{"aps":{"alert":"hi"}}"#)
        .and_then(|request| request.field("apns-id", id(n)))
        .expect("a request")
}

/// Sends so many at once; the number of those answered by 200.
pub(crate) async fn send_all<R: Runtime>(pool: &Pool<R>, numbers: Range<usize>) -> usize {
    let posts: Vec<_> = numbers.map(|n| pool.post(request(n))).collect();
    let mut delivered = 0;
    for post in posts {
        delivered += usize::from(post.await.is_ok_and(|answer| answer.status() == 200));
    }
    delivered
}

/// Sleeps by the runtime's own timer.
pub(crate) async fn sleep<R: Runtime>(runtime: &R, time: Duration) {
    let mut timer = runtime.timer();
    let until = runtime.now() + time;
    std::future::poll_fn(|cx| timer.poll_until(cx, until)).await;
}

/// Waits until something holds.
pub(crate) async fn until<R: Runtime>(runtime: &R, what: &str, holds: impl Fn() -> bool) {
    let end = runtime.now() + LONG;
    while !holds() {
        assert!(runtime.now() < end, "never: {what}");
        sleep(runtime, Duration::from_millis(2)).await;
    }
}
