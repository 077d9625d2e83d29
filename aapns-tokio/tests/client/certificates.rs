//! What a client certificate says of itself, before anything is sent with it.

use std::sync::{Arc, Mutex, OnceLock};

use aapns_proto::tls::Identity;
use aapns_tokio::mock::Server;
use aapns_tokio::models::{DeviceToken, Notification, Topic};
use aapns_tokio::{
    BuildError, Builder, CertificateFault, ClientKey, Clients, Connecting, Credential, Delivery,
    Endpoint, SendError, Stream, Tokio,
};
use tokio::net::TcpStream;

use crate::certificate::{Wanted, apple_like};
use crate::{LONG, builder};

const APP: &str = "com.example.app";

fn credential(wanted: &Wanted<'_>) -> Credential {
    let identity = Identity::from_pem(apple_like(wanted).as_bytes());
    identity.expect("a certificate").into()
}

fn wanted<'a>(topics: &'a [&'a str]) -> Wanted<'a> {
    Wanted {
        development: false,
        production: true,
        topics,
        expires: 2090,
    }
}

/// A mock that takes itself for Apple's production service, and a way there.
async fn apple() -> (Server, Builder) {
    let server = Server::builder().names(["api.push.apple.com"]).production();
    let server = server.start().await.expect("the mock");
    let address = server.address();
    let connect = move |_: &str, _: u16| -> Connecting {
        Box::pin(async move {
            let socket = TcpStream::connect(address).await?;
            Ok(Box::new(socket) as Box<dyn Stream>)
        })
    };
    let builder = Builder::new(Tokio::with_connector(connect), Endpoint::production());
    let builder = builder.ca_pem(server.ca_pem()).ca_only().proxy(None);
    (server, builder.timeout(LONG))
}

fn device() -> DeviceToken {
    DeviceToken::new("abcd").expect("hexadecimal")
}

#[tokio::test]
async fn a_topic_that_the_certificate_lacks_is_refused_before_it_is_queued() {
    let (server, builder) = apple().await;
    let credential = credential(&wanted(&[APP, "com.example.app.voip"]));
    let client = builder.credential(credential).build().expect("a client");
    let alert = Notification::alert("hi");
    let listed = alert.clone().topic(Topic::new(APP).expect("a topic"));
    client.send(&device(), &listed).await.expect("listed");
    let voip = Notification::voip().topic(Topic::new(APP).expect("a topic"));
    client.send(&device(), &voip).await.expect("listed");

    let before = server.processed().processed;
    let other = alert
        .clone()
        .topic(Topic::new("com.example.other").expect("a topic"));
    let error = client.send(&device(), &other).await.expect_err("unlisted");
    assert!(
        matches!(&error, SendError::Certificate(CertificateFault::Topic { topic, .. }) if topic == "com.example.other"),
        "{error:?}"
    );
    assert_eq!(error.delivery(), Some(Delivery::NotSent));
    assert!(!error.is_retryable() && !error.is_device_token_dead());
    let error = client.send(&device(), &alert).await.expect_err("no topic");
    assert!(error.to_string().contains("topic"), "{error}");
    assert_eq!(server.processed().processed, before);

    // A certificate that lists it takes its place.
    let both = self::credential(&wanted(&[APP, "com.example.other"]));
    client.set_credential(both).expect("a certificate");
    client.send(&device(), &other).await.expect("listed");
}

#[tokio::test]
async fn a_certificate_of_the_other_environment_or_of_the_past_sets_up_nothing() {
    let (_server, builder) = apple().await;
    let sandbox = credential(&Wanted {
        development: true,
        production: false,
        ..wanted(&[])
    });
    let old = credential(&Wanted {
        expires: 2020,
        ..wanted(&[])
    });
    let fault =
        |credential: &Credential| match builder.clone().credential(credential.clone()).build() {
            Err(BuildError::Certificate(fault)) => fault,
            other => panic!("{other:?}"),
        };
    assert!(matches!(
        fault(&sandbox),
        CertificateFault::Environment { .. }
    ));
    assert!(matches!(fault(&old), CertificateFault::Expired { .. }));
    let good = credential(&wanted(&[APP]));
    let client = builder.credential(good).build().expect("a client");
    assert!(client.set_credential(old).is_err());
    assert_eq!(client.certificate().expect("the good one").topics.len(), 1);
}

#[tokio::test]
async fn other_servers_are_not_judged_but_warned_of() {
    let server = Server::start().await.expect("the mock");
    let warnings = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&warnings);
    let old = credential(&Wanted {
        expires: 2020,
        ..wanted(&["com.example.other"])
    });
    let client = builder(&server)
        .credential(old)
        .on_certificate_warning(move |warning| {
            hear.lock().expect("unpoisoned").push(warning.clone());
        })
        .build()
        .expect("a client");
    let alert = Notification::alert("hi");
    for _ in 0..3 {
        client
            .send(&device(), &alert)
            .await
            .expect("the mock takes it");
    }
    let warnings = warnings.lock().expect("unpoisoned").clone();
    assert_eq!(warnings.len(), 1, "once a day");
    assert!(warnings[0].remaining.is_zero());
    let warning = client.certificate_warning().expect("it has expired");
    assert_eq!(warning.not_after, warnings[0].not_after);
}

#[tokio::test]
async fn a_push_type_for_tokens_alone_is_refused_with_a_certificate() {
    let (server, builder) = apple().await;
    let certificate = credential(&wanted(&[APP]));
    let client = builder.credential(certificate).build().expect("a client");
    let client = client.with_topic(Topic::new(APP).expect("a topic"));
    let errors = [
        client.send(&device(), &Notification::location()).await,
        client
            .send(&device(), &Notification::file_provider("root"))
            .await,
    ];
    for error in errors {
        let error = error.expect_err("not with a certificate");
        let text = error.to_string();
        assert!(matches!(error, SendError::NeedsToken(_)), "{text}");
        assert!(text.contains("needs token authentication"), "{text}");
    }
    assert_eq!(server.processed().processed, 0);
    // With a token it is the server's to judge.
    let token = Credential::bearer("h.c.s").expect("a JWT");
    client.set_credential(token).expect("a credential");
    let location = client.prepare(&Notification::location());
    location.expect("nothing against it");
}

/// Both of the user's functions may use the set.
#[tokio::test]
async fn the_functions_of_a_set_of_clients_are_called_without_its_lock() {
    let server = Server::start().await.expect("the mock");
    let set = Arc::new(OnceLock::<Clients>::new());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = {
        let (set, seen) = (Arc::clone(&set), Arc::clone(&seen));
        move |who: &str| {
            let clients = set.get().expect("it was set");
            let text = format!("{who} {} {clients:?}", clients.len());
            seen.lock().expect("unpoisoned").push(text);
        }
    };
    let ca = server.ca_pem().to_owned();
    let old = credential(&Wanted {
        expires: 2020,
        ..wanted(&[])
    });
    let clients = Clients::builder()
        .template(move |builder| {
            look("each");
            let look = look.clone();
            builder
                .ca_pem(ca.as_str())
                .ca_only()
                .on_certificate_warning(move |_| look("warning"))
        })
        .credential("old", old)
        .build();
    set.set(clients.clone()).expect("once");
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    let (done, is_done) = std::sync::mpsc::channel();
    let handle = tokio::runtime::Handle::current();
    // A deadlock is a failure here, not a test that hangs.
    std::thread::spawn(move || {
        let _runtime = handle.enter();
        let made = clients.client(&ClientKey::new("old", endpoint));
        done.send(made.map(drop)).ok();
    });
    let made = is_done.recv_timeout(LONG).expect("no deadlock");
    made.expect("a client");
    let seen = seen.lock().expect("unpoisoned").clone();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen[0].starts_with("each 0 "), "{seen:?}");
    assert!(seen[1].starts_with("warning 1 "), "{seen:?}");
}
