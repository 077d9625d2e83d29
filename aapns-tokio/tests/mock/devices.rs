//! A mock that knows its devices.

use aapns_tokio::Environment;
use aapns_tokio::mock::{Action, Answer, Device, Rule, Server};

use super::support::{connect, finish, scenario, start, start_to};

#[tokio::test]
async fn only_registered_devices_of_the_right_environment_and_topic_get_anything() {
    let devices = [
        Device::new("AB01").topic("com.example.app"),
        Device::new("ab02").topic("com.example.other"),
        Device::new("ab03").environment(Environment::Production),
    ];
    for production in [false, true] {
        let mut builder = Server::builder().devices(devices.clone());
        if production {
            builder = builder.production();
        }
        let server = builder.start().await.unwrap();
        let (mut send, _driver) = connect(&server, None).await;
        let expected = match production {
            false => [
                "",
                "DeviceTokenNotForTopic",
                "BadDeviceToken",
                "BadDeviceToken",
            ],
            true => ["BadDeviceToken", "BadDeviceToken", "", "BadDeviceToken"],
        };
        for (token, reason) in ["ab01", "ab02", "ab03", "ab04"].into_iter().zip(expected) {
            let response = start_to(&mut send, token, "com.example.app");
            let (status, said) = finish(response).await.unwrap();
            assert_eq!(status, if reason.is_empty() { 200 } else { 400 }, "{token}");
            assert!(said == reason || reason.is_empty(), "{token}: {said}");
        }
    }
}

#[tokio::test]
async fn a_device_comes_and_goes_while_the_mock_runs() {
    let server = Server::builder().devices([]).start().await.unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let mut say = async || {
        let response = start_to(&mut send, "ab01", "com.example.app")
            .await
            .unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().data().await;
        let body = body.map_or_else(Vec::new, |octets| octets.unwrap().to_vec());
        (status, String::from_utf8(body).unwrap())
    };
    assert_eq!(say().await, (400, r#"{"reason":"BadDeviceToken"}"#.into()));
    server.register(Device::new("ab01"));
    assert_eq!(say().await, (200, String::new()));
    assert!(server.unregister("AB01", 1_700_000_000_000));
    let dead = r#"{"reason":"Unregistered","timestamp":1700000000000}"#;
    assert_eq!(say().await, (410, dead.into()));
    server.register(Device::new("ab01"));
    assert_eq!(say().await.0, 200);
    assert!(!server.unregister("ab02", 1));
}

#[tokio::test]
async fn a_device_token_s_answer_holds_whatever_its_status_but_a_plain_200_leaves_it_to_the_rules()
{
    let server = Server::builder()
        .scenario(scenario([Rule::always(Action::Answer(Answer::rejection(
            503, "Shutdown",
        )))]))
        .answer("aa", Answer::ok())
        .answer("ab", Answer::ok().body("[]"))
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let (status, _) = finish(start(&mut send, "aa", &[])).await.unwrap();
    assert_eq!(status, 503);
    let response = start(&mut send, "ab", &[]).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().data().await.unwrap().unwrap();
    assert_eq!(body, "[]");
    assert_eq!(server.processed().accepted, 1);
}
