use super::*;
use crate::tls::CertificateTopic;

const EXPIRY: Duration = Duration::from_secs(1_900_000_000);
const DAY: Duration = Duration::from_secs(86_400);

/// One of Apple's universal certificates.
fn universal() -> CertificateInfo {
    let topic = |topic: &str, kind: &str| CertificateTopic {
        topic: topic.to_owned(),
        kinds: vec![kind.to_owned()],
    };
    CertificateInfo {
        common_name: Some("Apple Push Services: com.example.app".to_owned()),
        user_id: Some("com.example.app".to_owned()),
        development: true,
        production: true,
        topics: vec![
            topic("com.example.app", "app"),
            topic("com.example.app.voip", "voip"),
        ],
        not_before: Duration::ZERO,
        not_after: EXPIRY,
    }
}

/// A certificate of somebody else's authority.
fn foreign() -> CertificateInfo {
    CertificateInfo {
        development: false,
        production: false,
        topics: Vec::new(),
        ..universal()
    }
}

fn at(environment: Option<Environment>) -> Present {
    Present::new(environment, None)
}

fn judged(
    present: &Present,
    info: CertificateInfo,
    topic: Option<&str>,
    unix: Duration,
) -> Result<(), CertificateFault> {
    present.replace(Some(info), unix)?;
    present.judge_topic(topic, || unix)
}

#[test]
fn a_topic_that_the_list_lacks_is_refused_by_name() {
    let production = at(Some(Environment::Production));
    let judge = |topic| judged(&production, universal(), topic, EXPIRY - DAY * 100);
    assert_eq!(judge(Some("com.example.app")), Ok(()));
    assert_eq!(judge(Some("com.example.app.voip")), Ok(()));
    let fault = judge(Some("com.example.other")).expect_err("not listed");
    let text = fault.to_string();
    assert!(text.contains("com.example.other"), "{text}");
    assert!(
        text.contains("com.example.app, com.example.app.voip"),
        "{text}"
    );
    assert!(matches!(judge(None), Err(CertificateFault::NoTopic { .. })));
}

#[test]
fn one_topic_needs_no_name_and_no_list_says_nothing() {
    let production = at(Some(Environment::Production));
    let mut single = universal();
    single.topics.truncate(1);
    assert_eq!(judged(&production, single, None, DAY), Ok(()));
    let mut silent = universal();
    silent.topics.clear();
    for topic in [None, Some("com.apple.mgmt.External.1")] {
        assert_eq!(judged(&production, silent.clone(), topic, DAY), Ok(()));
    }
}

#[test]
fn an_environment_counts_only_where_the_certificate_names_one() {
    use Environment::{Production, Sandbox};
    for (development, production, server, is_fit) in [
        (true, true, Production, true),
        (true, true, Sandbox, true),
        (false, false, Production, true),
        (false, true, Production, true),
        (false, true, Sandbox, false),
        (true, false, Sandbox, true),
        (true, false, Production, false),
    ] {
        let info = CertificateInfo {
            development,
            production,
            ..universal()
        };
        let found = at(Some(server)).replace(Some(info), DAY);
        assert_eq!(found.is_ok(), is_fit, "{development} {production} {server}");
    }
    let sandbox = at(Some(Sandbox));
    let info = CertificateInfo {
        development: false,
        ..universal()
    };
    let text = sandbox
        .replace(Some(info), DAY)
        .expect_err("it contradicts")
        .to_string();
    assert!(
        text.contains("production") && text.contains("sandbox"),
        "{text}"
    );
}

#[test]
fn a_certificate_that_expires_while_it_is_used_is_refused_from_then_on() {
    let production = at(Some(Environment::Production));
    production
        .replace(Some(universal()), EXPIRY - DAY)
        .expect("valid");
    let send = |unix| production.judge_topic(Some("com.example.app"), || unix);
    assert_eq!(send(EXPIRY - Duration::from_secs(1)), Ok(()));
    let since = Duration::ZERO;
    assert_eq!(send(EXPIRY), Err(CertificateFault::Expired { since }));
    let broadcast = production.judge_use(|| EXPIRY);
    assert_eq!(broadcast, Err(CertificateFault::Expired { since }));
    let text = send(EXPIRY + DAY * 3).expect_err("expired").to_string();
    assert!(text.contains("3 days ago"), "{text}");
    // A new one is no use if it is old; the present one stays.
    assert!(production.replace(Some(universal()), EXPIRY).is_err());
    assert!(production.get().is_some());
}

#[test]
fn other_servers_and_other_certificates_are_not_judged() {
    let late = EXPIRY + DAY;
    let topic = Some("com.example.other");
    assert_eq!(judged(&at(None), universal(), topic, late), Ok(()));
    for environment in [Environment::Production, Environment::Sandbox] {
        let present = at(Some(environment));
        assert_eq!(judged(&present, foreign(), topic, late), Ok(()));
        assert_eq!(judged(&present, foreign(), None, late), Ok(()));
    }
}

#[test]
fn a_warning_comes_within_thirty_days_once_a_day() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hear = Arc::clone(&heard);
    let on_warning: OnWarning = Arc::new(move |warning: &CertificateWarning| {
        hear.lock().expect("unpoisoned").push(warning.to_string());
    });
    let present = Present::new(None, Some(on_warning));
    let start = EXPIRY - DAY * 31;
    present.replace(Some(foreign()), start).expect("unjudged");
    let send = |unix| present.judge_topic(None, || unix).expect("unjudged");
    let count = || heard.lock().expect("unpoisoned").len();
    send(start);
    assert_eq!(count(), 0);
    for _ in 0..3 {
        send(EXPIRY - DAY * 29);
    }
    assert_eq!(count(), 1);
    send(EXPIRY - DAY * 28);
    send(EXPIRY + DAY);
    let heard = heard.lock().expect("unpoisoned");
    assert_eq!(heard.len(), 3);
    assert_eq!(
        heard[0],
        "the client certificate (Apple Push Services: com.example.app) expires in 29 days"
    );
    assert!(heard[2].ends_with("has expired"), "{}", heard[2]);
}

#[test]
fn spans_are_in_days_or_hours() {
    for (hours, text) in [
        (0, "0 hours"),
        (1, "1 hour"),
        (47, "47 hours"),
        (48, "2 days"),
    ] {
        assert_eq!(Days(Duration::from_secs(hours * 3600)).to_string(), text);
    }
}
