//! Certificates and provider tokens, against a mock that checks them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aapns_proto::client::{Builder, Runtime};
use aapns_proto::pool::MintError;
use aapns_proto::tls::Identity;
use aapns_tokio::mock::{Action, Answer, Authentication, KEY_ID, Rule, Scenario, Server, TEAM_ID};
use aapns_tokio::{
    CertificateFault, ChannelError, ConnectError, Connecting, Credential, Delivery, Endpoint,
    PostError, TokenSource, Tokio,
};

use crate::sleep::Sleeper;
use crate::{LONG, builder, request, send_all};

async fn server(authentication: Authentication, scenario: Scenario) -> Server {
    let server = Server::builder()
        .keep_requests(10_000)
        .authentication(authentication)
        .scenario(scenario);
    server.start().await.expect("the mock")
}

fn key(server: &Server) -> Credential {
    Credential::from_p8(server.token_key_pem().as_bytes(), KEY_ID, TEAM_ID).expect("a key")
}

fn certificate(server: &Server) -> Credential {
    let identity = Identity::from_pem(server.client_certificate_pem().as_bytes());
    identity.expect("a certificate").into()
}

#[tokio::test]
async fn a_missing_client_certificate_is_named() {
    let server = server(Authentication::Certificate, Scenario::default()).await;
    let pool = builder(&server).pool().expect("a pool");
    let error = pool
        .post(request(1))
        .await
        .expect_err("it wants a certificate");
    let cause = error.failure().expect("queued").cause.to_string();
    assert!(cause.contains("client certificate"), "{cause}");
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_nothing_is_lost() {
    let scenario = Scenario::named("expired-token").expect("a scenario");
    let server = server(Authentication::Token, scenario).await;
    let pool = builder(&server)
        .credential(key(&server))
        .connections(2, 2)
        .pool()
        .expect("a pool");
    assert_eq!(send_all(&pool, 0..2_000).await, 2_000);
    assert_eq!(server.processed().accepted, 2_000);
    assert_eq!(server.processed().duplicates, 0);
    assert_eq!(tokens(&server).len(), 2, "the expired one and one new one");
}

/// The provider tokens that the mock saw, of the requests that it keeps.
fn tokens(server: &Server) -> std::collections::BTreeSet<String> {
    let requests = server.requests();
    let tokens = requests.iter().filter_map(|r| r.field("authorization"));
    tokens.map(str::to_owned).collect()
}

#[tokio::test]
async fn after_an_hour_of_sleep_the_next_send_has_a_fresh_token() {
    let server = Server::start().await.expect("the mock");
    let source = TokenSource::new(|unix: Duration| async move {
        let iat = unix.as_secs();
        Ok((format!("h.{iat}.s"), Duration::from_secs(iat)))
    });
    let issued = |server: &Server| -> u64 {
        let request = server.requests().pop().expect("a request");
        let token = request.field("authorization").expect("a token").to_owned();
        let iat = token.split('.').nth(1).expect("three parts").to_owned();
        iat.parse().expect("seconds")
    };
    let runtime = Sleeper::default();
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    let pool = Builder::new(runtime.clone(), endpoint)
        .ca_pem(server.ca_pem())
        .ca_only()
        .timeout(LONG)
        .connections(1, 1)
        .credential(source)
        .pool()
        .expect("a pool");
    for (n, slept) in [0, 3600, 3600 + 49 * 60, 2 * 3600].into_iter().enumerate() {
        runtime.slept.store(slept, Ordering::Relaxed);
        let before = runtime.unix().as_secs();
        let answer = pool.post(request(n)).await.expect("an answer");
        assert_eq!((answer.status(), answer.attempts), (200, 1));
        let age = before.saturating_sub(issued(&server));
        // After less than 50 minutes the present one still serves.
        let oldest = if n == 2 { 50 * 60 } else { 0 };
        assert!(age <= oldest, "send {n} with a token {age} s old");
    }
    assert_eq!(tokens(&server).len(), 3);
    // A clock that was set back makes the token one of the future: it serves until the next one is there.
    runtime.slept.store(0, Ordering::Relaxed);
    let end = runtime.now() + LONG;
    loop {
        let answer = pool.post(request(9)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        if issued(&server) <= runtime.unix().as_secs() {
            break;
        }
        assert!(runtime.now() < end, "never renewed");
    }
}

#[tokio::test]
async fn a_token_that_is_always_called_expired_is_told_of_by_its_cause() {
    let answer = Answer::rejection(403, "ExpiredProviderToken");
    let scenario = Scenario::of([Rule::every(1, Action::Answer(answer))]);
    let server = server(Authentication::Token, scenario).await;
    let client = builder(&server).credential(key(&server)).build();
    let client = client.expect("a client");
    let device = "abcd".parse().expect("hexadecimal");
    let alert = aapns_tokio::models::Notification::alert("hi");
    let first = client.send(&device, &alert).await.expect_err("403");
    let expired = aapns_tokio::models::Reason::ExpiredProviderToken;
    assert_eq!(
        (first.status(), first.reason()),
        (Some(403), Some(&expired))
    );
    for _ in 0..5 {
        client.send(&device, &alert).await.expect_err("403");
    }
    let seen = server.processed().processed;
    assert!(seen <= 12, "{seen} attempts of 6 sends");
    assert!(
        tokens(&server).len() <= 2,
        "it isn't renewed again and again"
    );
}

#[tokio::test]
async fn a_server_that_always_calls_the_token_expired_gets_no_loop() {
    let rule = Rule::every(
        1,
        Action::Answer(Answer::rejection(403, "ExpiredProviderToken")),
    );
    let scenario = Scenario::of([rule]);
    let server = server(Authentication::Token, scenario).await;
    let key = key(&server);
    let jwt = Credential::bearer(&ready_jwt(&server)).expect("a JWT");
    // The second pool finds that its key's token was renewed early a moment ago.
    for (n, credential) in [key.clone(), key, jwt].into_iter().enumerate() {
        let before = server.processed().processed;
        let pool = builder(&server).credential(credential).connections(1, 1);
        let pool = pool.pool().expect("a pool");
        for _ in 0..2 {
            let answer = pool
                .post(request(1))
                .await
                .expect("the answer is the result");
            assert_eq!(answer.status(), 403);
        }
        let attempts = server.processed().processed - before;
        assert!(attempts <= 4, "{attempts} of pool {n}");
    }
}

fn ready_jwt(server: &Server) -> String {
    let pem = server.token_key_pem().as_bytes();
    let signer = aapns_proto::tls::Signer::from_p8(pem, KEY_ID, TEAM_ID).expect("a key");
    let token = signer.sign(Tokio::default().unix()).expect("a token");
    let value = String::from_utf8(token.value.to_vec()).expect("ASCII");
    let jwt = value.strip_prefix("bearer ").expect("a bearer token");
    jwt.to_owned()
}

#[tokio::test]
async fn a_ready_jwt_and_a_callback_sign_elsewhere() {
    let server = server(Authentication::Token, Scenario::default()).await;
    let jwt = ready_jwt(&server);
    let fixed = Credential::bearer(&jwt).expect("a JWT");
    let pool = builder(&server).credential(fixed).pool().expect("a pool");
    assert_eq!(send_all(&pool, 0..10).await, 10);
    let source = TokenSource::new(move |unix| {
        let jwt = jwt.clone();
        async move {
            tokio::task::yield_now().await;
            Ok((jwt, unix))
        }
    });
    let pool = builder(&server).credential(source).pool().expect("a pool");
    assert_eq!(send_all(&pool, 10..20).await, 10);
}

#[tokio::test]
async fn one_call_of_a_slow_callback_serves_all_pools() {
    let server = Server::start().await.expect("the mock");
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    let source = TokenSource::new(move |unix| {
        let n = count.fetch_add(1, Ordering::Relaxed);
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            Ok((format!("h.{n}.s"), unix))
        }
    });
    let pool = |_| {
        let builder = builder(&server).credential(source.clone());
        builder.connections(2, 2).pool().expect("a pool")
    };
    let pools: Vec<_> = (0..4).map(pool).collect();
    let posts: Vec<_> = pools.iter().map(|pool| send_all(pool, 0..20)).collect();
    assert_eq!(futures::future::join_all(posts).await, [20; 4]);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    assert_eq!(tokens(&server).len(), 1);
}

#[tokio::test]
async fn a_credential_can_be_swapped_under_load() {
    let server = server(Authentication::Any, Scenario::default()).await;
    let pool = builder(&server).credential(key(&server)).connections(2, 2);
    let pool = pool.pool().expect("a pool");
    pool.ready(LONG).await.expect("up");
    let (first, second) = tokio::join!(send_all(&pool, 0..1_000), async {
        pool.set_credential(certificate(&server))
            .expect("a credential");
        send_all(&pool, 1_000..2_000).await
    });
    assert_eq!((first, second), (1_000, 1_000));
    assert_eq!(server.processed().duplicates, 0);
    let received = server.requests().pop().expect("a request");
    assert_eq!(received.field("authorization"), None);
}

#[tokio::test]
async fn a_callback_that_fails_says_why() {
    let server = server(Authentication::Token, Scenario::default()).await;
    let source = TokenSource::new(|_| async {
        Err::<(String, std::time::Duration), _>(aapns_proto::pool::MintError(
            "vault is sealed".into(),
        ))
    });
    let pool = builder(&server).credential(source).pool().expect("a pool");
    let options = aapns_tokio::PostOptions::new().timeout(std::time::Duration::from_millis(300));
    let error = pool
        .post_with(request(1), options)
        .await
        .expect_err("no token");
    assert!(error.to_string().contains("vault is sealed"), "{error}");
}

/// Whether tokens are to be had from [`moody`].
#[derive(Clone, Default)]
struct Mood {
    is_bad: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

/// A source that fails as long as it is told to.
fn moody(mood: &Mood) -> TokenSource {
    let mood = mood.clone();
    TokenSource::new(move |unix| {
        mood.calls.fetch_add(1, Ordering::Relaxed);
        let is_bad = mood.is_bad.load(Ordering::Relaxed);
        async move {
            match is_bad {
                true => Err(MintError("no signer".into())),
                false => Ok((format!("h.{}.s", unix.as_secs()), unix)),
            }
        }
    })
}

#[tokio::test]
async fn a_connection_whose_signer_fails_asks_it_less_and_less_often() {
    let server = Server::start().await.expect("the mock");
    let (runtime, mood) = (Sleeper::default(), Mood::default());
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    let connection = Builder::new(runtime.clone(), endpoint)
        .ca_pem(server.ca_pem())
        .ca_only()
        .timeout(LONG)
        .credential(moody(&mood))
        .connect()
        .await
        .expect("a connection");
    mood.is_bad.store(true, Ordering::Relaxed);
    runtime.slept.store(51 * 60, Ordering::Relaxed);
    for n in 0..200 {
        let answer = connection.post(request(n)).await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    // The first one dialled; after that 0.5 s, 1 s, 2 s and so on lie between.
    let calls = mood.calls.load(Ordering::Relaxed);
    assert!((2..12).contains(&calls), "{calls} mints");
    mood.is_bad.store(false, Ordering::Relaxed);
    let end = runtime.now() + LONG;
    while tokens(&server).len() < 2 {
        assert!(runtime.now() < end, "never renewed");
        tokio::time::sleep(Duration::from_millis(20)).await;
        connection.post(request(200)).await.expect("an answer");
    }
}

#[tokio::test]
async fn a_hung_callback_keeps_the_token_from_nobody_else() {
    let server = Server::start().await.expect("the mock");
    let has_hung = AtomicBool::new(false);
    let source = TokenSource::new(move |unix| {
        let hangs = !has_hung.swap(true, Ordering::Relaxed);
        async move {
            if hangs {
                std::future::pending::<()>().await;
            }
            Ok(("h.c.s".to_owned(), unix))
        }
    });
    let builder = builder(&server).credential(source);
    let pool = builder.clone().pool();
    let dial = builder.dial_timeout(Duration::from_millis(200)).connect();
    // The pool's own task had no turn yet: it is the connection's callback that hangs.
    let failed = tokio::time::timeout(LONG, dial).await;
    let error = failed.expect("the dial hangs").expect_err("no token");
    assert!(matches!(&error, ConnectError::Mint(_)), "{error:?}");
    assert!(error.to_string().contains("timed out"), "{error}");
    let pool = pool.expect("a pool");
    let answer = pool.post(request(1)).await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn a_lone_connection_has_a_fresh_token_after_an_hour_of_sleep_whatever_the_callback_did() {
    let server = Server::start().await.expect("the mock");
    let calls = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&calls);
    let source = TokenSource::new(move |unix: Duration| {
        let call = counter.fetch_add(1, Ordering::Relaxed);
        async move {
            assert_ne!(call, 1, "the second call panics");
            Ok((format!("h.{call}.s"), unix))
        }
    });
    let runtime = Sleeper::default();
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    let connection = Builder::new(runtime.clone(), endpoint)
        .ca_pem(server.ca_pem())
        .ca_only()
        .credential(source)
        .connect()
        .await
        .expect("up");
    let first = connection.post(request(0)).await.expect("an answer");
    assert_eq!(first.status(), 200);
    runtime.slept.store(3600, Ordering::Relaxed);
    let end = runtime.now() + LONG;
    // Looking at the credit is enough to have the token renewed.
    assert_eq!(connection.credit().streams, 0);
    let second = loop {
        match connection.post(request(1)).await {
            Ok(answer) => break answer,
            // The next one is being made, or why the last try brought none.
            Err(PostError::Blocked) => {}
            Err(error) => assert!(error.to_string().contains("panicked"), "{error}"),
        }
        assert!(runtime.now() < end, "no token comes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(second.status(), 200);
    assert!(tokens(&server).contains("bearer h.2.s"));
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn channels_are_not_managed_with_a_certificate_that_expired_meanwhile() {
    let nowhere = |_: &str, _: u16| -> Connecting { Box::pin(std::future::pending()) };
    let runtime = Sleeper {
        tokio: Tokio::with_connector(nowhere),
        ..Sleeper::default()
    };
    let pem = crate::certificate::apple_like(&crate::certificate::Wanted {
        development: false,
        production: true,
        topics: &["com.example.app"],
        expires: 2090,
    });
    let identity = Identity::from_pem(pem.as_bytes()).expect("a certificate");
    let server = Server::start().await.expect("the mock");
    let channels = Builder::new(runtime.clone(), Endpoint::production())
        .ca_pem(server.ca_pem())
        .ca_only()
        .proxy(None)
        .credential(identity)
        .channels()
        .expect("channels");
    runtime.slept.store(100 * 366 * 86_400, Ordering::Relaxed);
    let app = "com.example.app".parse().expect("a bundle id");
    let list = tokio::time::timeout(LONG, channels.list(&app)).await;
    let error = list.expect("refused at once").expect_err("expired");
    let expired = matches!(
        &error,
        ChannelError::Certificate(CertificateFault::Expired { .. })
    );
    assert!(expired, "{error:?}");
    assert_eq!(error.delivery(), Some(Delivery::NotSent));
    assert!(!error.is_retryable());
}
