//! Topics and the bundle ids that they are made of.

use std::borrow::Cow;

use crate::PushType;
use crate::text::checked_text;

/// Longer than any bundle id that Apple's portal takes (155), with room for the longest suffix.
const MAX_LEN: usize = 255;

checked_text! {
    /// A topic (`apns-topic`): a bundle id as a rule.
    ///
    /// Notifications take the app's bundle id here, and add the suffix that their push type asks
    /// for. MDM's topic is the whole UID of its certificate, Wallet's the pass type identifier.
    Topic, is_name, crate::InvalidValue::Topic
}

checked_text! {
    /// The bundle id of an app, as broadcasts and channels need it in their paths: without suffix.
    BundleId, is_name, crate::InvalidValue::BundleId
}

impl Topic {
    /// The topic with the suffix that a push type asks for; one that has it already stays as it is.
    ///
    /// ```
    /// use aapns_models::{PushType, Topic};
    ///
    /// let app = Topic::new("com.example.app")?;
    /// assert_eq!(app.for_push_type(&PushType::Voip).as_str(), "com.example.app.voip");
    /// assert_eq!(app.for_push_type(&PushType::Alert), app);
    /// # Ok::<(), aapns_models::InvalidValue>(())
    /// ```
    #[must_use]
    pub fn for_push_type(&self, push_type: &PushType) -> Self {
        match suffixed(self.as_str(), push_type) {
            Cow::Borrowed(_) => self.clone(),
            Cow::Owned(topic) => Self(topic.into()),
        }
    }
}

impl From<BundleId> for Topic {
    fn from(bundle_id: BundleId) -> Self {
        Self(bundle_id.0)
    }
}

/// The text with the push type's suffix; borrowed if nothing had to be added.
pub(crate) fn suffixed<'a>(topic: &'a str, push_type: &PushType) -> Cow<'a, str> {
    let suffix = push_type.topic_suffix();
    if topic.ends_with(suffix) {
        Cow::Borrowed(topic)
    } else {
        Cow::Owned([topic, suffix].concat())
    }
}

pub(crate) fn is_name(text: &str) -> bool {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (1..=MAX_LEN).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InvalidValue;

    #[test]
    fn a_suffix_is_added_once() {
        let app = Topic::new("com.example.app").unwrap();
        let live = app.for_push_type(&PushType::LiveActivity);
        assert_eq!(live.as_str(), "com.example.app.push-type.liveactivity");
        assert_eq!(live.for_push_type(&PushType::LiveActivity), live);
    }

    #[test]
    fn text_that_could_break_a_field_or_a_path_is_no_topic() {
        for text in [
            "",
            "com example",
            "com.example/..",
            "a\r\nb",
            "é",
            &"a".repeat(256),
        ] {
            assert_eq!(Topic::new(text), Err(InvalidValue::Topic), "{text}");
            assert_eq!(BundleId::new(text), Err(InvalidValue::BundleId), "{text}");
        }
    }

    #[test]
    fn mdm_and_pass_topics_are_topics() {
        for text in [
            "com.apple.mgmt.External.0a1b-2c",
            "pass.com.example.card",
            "web.com.example",
        ] {
            assert_eq!(Topic::new(text).unwrap().as_str(), text);
        }
    }
}
