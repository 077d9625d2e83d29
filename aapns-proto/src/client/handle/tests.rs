use super::*;
use crate::request::{Fields, Method};

#[test]
fn what_was_prepared_shows_nothing_of_the_user() {
    let fields = Fields::new().with("apns-topic", "com.example.secret-topic");
    let prepared = Prepared {
        head: Head::new(Method::POST, fields.expect("a field")),
        expiration: Expiration::Immediately,
        collapse_id: Some("secret-collapse-id".into()),
        payload: Bytes::from_static(br#"{"aps":{"alert":"secret"}}"#),
    };
    let text = format!("{prepared:?} {prepared:#?}");
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("26 octets"), "{text}");
}
