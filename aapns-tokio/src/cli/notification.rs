//! Flags that describe one notification.

use aapns_models::{
    Alert, Expiration, InvalidNotification, Notification, PushType, notification::kind,
};
use clap::Args;
use serde_json::{Map, Value};

use super::exit::Fault;

/// Flags of `send` and `simulator`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notification")]
pub(crate) struct NotificationArgs {
    /// The alert's text
    #[arg(help_heading = None)]
    pub(crate) body: Option<String>,
    /// The alert's title
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// The alert's subtitle
    #[arg(long, value_name = "TEXT")]
    pub(crate) subtitle: Option<String>,
    /// The number on the app's icon; 0 removes it
    #[arg(long, value_name = "N")]
    pub(crate) badge: Option<u32>,
    /// The name of a sound file in the app, or default
    #[arg(long, value_name = "NAME")]
    pub(crate) sound: Option<String>,
    /// Groups notifications on the device
    #[arg(long, value_name = "ID")]
    pub(crate) thread_id: Option<String>,
    /// A category that the app registered
    #[arg(long, value_name = "ID")]
    pub(crate) category: Option<String>,
    /// A JSON object whose members are sent beside "aps"
    #[arg(long, value_name = "JSON")]
    pub(crate) data: Option<String>,
}

impl NotificationArgs {
    /// The notification of this push type; `alert` if none is given.
    pub(crate) fn build(&self, push_type: Option<PushType>) -> Result<Notification, Fault> {
        let data = self.data()?;
        match push_type {
            None | Some(PushType::Alert) => Ok(with_data(self.alert()?, data)?.erase()),
            Some(PushType::Background) if self.is_visible() => Err(Fault::usage(
                "a background push can't have an alert, badge or sound; leave these away, or --push-type",
            )),
            Some(PushType::Background) => Ok(with_data(Notification::background(), data)?.erase()),
            Some(other) => {
                let payload = if self.is_visible() {
                    with_data(self.alert()?, data)?
                        .encode()
                        .map_err(|error| invalid(&error))?
                        .payload
                } else {
                    bare_payload(data)
                };
                Ok(Notification::raw(other, payload).erase())
            }
        }
    }

    fn alert(&self) -> Result<Notification<kind::Alert>, Fault> {
        if self
            .body
            .as_deref()
            .is_some_and(|body| body.trim().is_empty())
        {
            return Err(Fault::usage(
                "BODY is empty: nothing would be shown; give it a text, or leave it away and give --badge or --sound",
            ));
        }
        let mut alert = Alert::new();
        if let Some(title) = &self.title {
            alert = alert.title(title.as_str());
        }
        if let Some(subtitle) = &self.subtitle {
            alert = alert.subtitle(subtitle.as_str());
        }
        if let Some(body) = &self.body {
            alert = alert.body(body.as_str());
        }
        let mut notification = match (&self.badge, &self.sound) {
            _ if alert != Alert::new() => Notification::alert(alert),
            (Some(badge), _) => Notification::only_badge(*badge),
            (None, Some(sound)) => Notification::only_sound(sound.as_str()),
            (None, None) => {
                return Err(Fault::usage(
                    "nothing to show: give BODY, --title, --badge or --sound, or --push-type background",
                ));
            }
        };
        if let Some(badge) = self.badge {
            notification = notification.badge(badge);
        }
        if let Some(sound) = &self.sound {
            notification = notification.sound(sound.as_str());
        }
        if let Some(id) = &self.thread_id {
            notification = notification.thread_id(id.as_str());
        }
        if let Some(category) = &self.category {
            notification = notification.category(category.as_str());
        }
        Ok(notification)
    }

    /// Whether anything of it would be shown or heard.
    fn is_visible(&self) -> bool {
        self.body.is_some()
            || self.title.is_some()
            || self.subtitle.is_some()
            || self.badge.is_some()
            || self.sound.is_some()
    }

    fn data(&self) -> Result<Map<String, Value>, Fault> {
        let Some(text) = &self.data else {
            return Ok(Map::new());
        };
        match serde_json::from_str(text) {
            Ok(Value::Object(data)) => Ok(data),
            Ok(_) => Err(Fault::usage(
                "--data is JSON, but not an object; give members like {\"key\": \"value\"}",
            )),
            Err(error) => Err(Fault::usage(format_args!(
                "--data is not JSON: {error}; quote it for the shell: --data '{{\"key\": \"value\"}}'"
            ))),
        }
    }
}

/// `--expiration`: 0 and absent are two things.
pub(crate) fn expiration(seconds: Option<u64>) -> Expiration {
    seconds.map_or(Expiration::Absent, Expiration::from_unix)
}

/// A notification that breaks a rule, as the user gave it.
pub(crate) fn invalid(error: &InvalidNotification) -> Fault {
    Fault::usage(format_args!(
        "the notification can't be sent: {error}; change it"
    ))
}

fn with_data<K: kind::Kind + kind::CarriesData>(
    mut notification: Notification<K>,
    data: Map<String, Value>,
) -> Result<Notification<K>, Fault> {
    for (key, value) in data {
        notification = notification.data(key, value).map_err(|error| {
            Fault::usage(format_args!("--data can't be sent: {error}; change it"))
        })?;
    }
    Ok(notification)
}

/// The payload of a push whose type asks for no fields in `aps`.
fn bare_payload(mut data: Map<String, Value>) -> Vec<u8> {
    data.entry("aps")
        .or_insert_with(|| Value::Object(Map::new()));
    Value::Object(data).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        notification: NotificationArgs,
    }

    fn payload(args: &[&str], push_type: Option<PushType>) -> Result<String, String> {
        let line = Line::parse_from(std::iter::once(&"x").chain(args));
        let notification = line
            .notification
            .build(push_type)
            .map_err(|f| f.to_string())?;
        let encoded = notification.encode().map_err(|e| e.to_string())?;
        Ok(String::from_utf8(encoded.payload).unwrap())
    }

    #[test]
    fn every_flag_reaches_the_payload() {
        let args = [
            "Hello",
            "--title",
            "T",
            "--subtitle",
            "S",
            "--badge",
            "0",
            "--sound",
            "default",
            "--thread-id",
            "t",
            "--category",
            "c",
            "--data",
            r#"{"k": [1, "v"]}"#,
        ];
        let json: Value = serde_json::from_str(&payload(&args, None).unwrap()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "aps": {
                    "alert": {"title": "T", "subtitle": "S", "body": "Hello"},
                    "badge": 0, "sound": "default", "thread-id": "t", "category": "c",
                },
                "k": [1, "v"],
            })
        );
    }

    #[test]
    fn a_badge_alone_is_enough_and_nothing_is_not() {
        assert_eq!(
            payload(&["--badge", "3"], None).unwrap(),
            r#"{"aps":{"badge":3}}"#
        );
        assert!(payload(&[], None).unwrap_err().contains("nothing to show"));
        for empty in ["", " "] {
            let error = payload(&[empty], None).unwrap_err();
            assert!(error.contains("BODY is empty"), "{error}");
        }
    }

    #[test]
    fn other_push_types_carry_data_with_an_empty_aps() {
        let voip = payload(&["--data", r#"{"call":1}"#], Some(PushType::Voip)).unwrap();
        assert_eq!(voip, r#"{"aps":{},"call":1}"#);
    }

    #[test]
    fn a_background_push_shows_nothing() {
        let error = payload(&["Hello"], Some(PushType::Background)).unwrap_err();
        assert!(error.contains("background"));
        let silent = payload(&[], Some(PushType::Background)).unwrap();
        assert_eq!(silent, r#"{"aps":{"content-available":1}}"#);
    }

    #[test]
    fn data_that_is_no_object_is_refused() {
        for wrong in ["[1]", "{", "\"x\""] {
            assert!(
                payload(&["Hello", "--data", wrong], None)
                    .unwrap_err()
                    .contains("--data")
            );
        }
        assert!(
            payload(&["Hello", "--data", r#"{"aps":1}"#], None)
                .unwrap_err()
                .contains("aps")
        );
    }
}
