//! Notifications whose payload Apple fixes: widgets, controls, MDM, File Provider, Wallet.

use serde::Serialize;

use super::Notification;
use super::data::Data;
use super::json::write_json;
use super::kind::body::Body;
use super::kind::{FreeExpiration, FreePriority, Kind};
use super::read::Object;
use crate::{InvalidNotification, PushType, Topic};

/// The whole body of `widgets` and `controls`. The one flag of Apple's that is a boolean.
const CONTENT_CHANGED: &[u8] = br#"{"aps":{"content-changed":true}}"#;

/// The app's widgets have new content.
#[derive(Clone, Debug, PartialEq)]
pub struct Widgets(pub(super) ());

/// The app's controls have a new state.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls(pub(super) ());

/// A managed device is to contact its server.
#[derive(Clone, PartialEq, Serialize)]
pub struct Mdm {
    mdm: String,
}

/// A File Provider extension has changes to fetch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FileProvider {
    container_identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
}

/// A Wallet pass has a newer version.
#[derive(Clone, Debug, PartialEq)]
pub struct WalletPass(pub(super) ());

impl Notification {
    /// Has the system reload the app's widgets.
    pub fn widgets() -> Notification<Widgets> {
        Notification::of(Widgets(()))
    }

    /// Has the system reload the app's controls.
    pub fn controls() -> Notification<Controls> {
        Notification::of(Controls(()))
    }

    /// Has a managed device contact its server. The topic is the whole UID of the MDM certificate
    /// (`com.apple.mgmt.…`); the push magic comes from the device's `TokenUpdate`, as does its
    /// token, in base64: see [`DeviceToken::from_octets`](crate::DeviceToken::from_octets).
    pub fn mdm(topic: Topic, push_magic: impl Into<String>) -> Notification<Mdm> {
        Notification::of(Mdm {
            mdm: push_magic.into(),
        })
        .topic(topic)
    }

    /// Has a File Provider extension fetch the changes of a container, such as
    /// `NSFileProviderRootContainerItemIdentifier`. Token authentication only.
    pub fn file_provider(container_identifier: impl Into<String>) -> Notification<FileProvider> {
        Notification::of(FileProvider {
            container_identifier: container_identifier.into(),
            domain: None,
        })
    }

    /// Has Wallet fetch a newer version of a pass. The topic is the pass type identifier
    /// (`pass.…`); sent with the pass's certificate, to the production server.
    pub fn wallet_pass(pass_type_identifier: Topic) -> Notification<WalletPass> {
        Notification::of(WalletPass(())).topic(pass_type_identifier)
    }
}

impl Notification<FileProvider> {
    /// Sets the domain, where the extension uses domains.
    #[must_use]
    pub fn domain(mut self, identifier: impl Into<String>) -> Self {
        self.kind.domain = Some(identifier.into());
        self
    }
}

impl Kind for Widgets {}
impl FreePriority for Widgets {}
impl FreeExpiration for Widgets {}

impl Body for Widgets {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Widgets)
    }

    fn write_payload(&self, _: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        out.extend_from_slice(CONTENT_CHANGED);
        Ok(())
    }
}

impl Kind for Controls {}
impl FreePriority for Controls {}
impl FreeExpiration for Controls {}

impl Body for Controls {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Controls)
    }

    fn write_payload(&self, _: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        out.extend_from_slice(CONTENT_CHANGED);
        Ok(())
    }
}

/// Reads the payload of `widgets` and `controls`.
pub(super) fn read_content_changed(mut payload: Object) -> Result<(), InvalidNotification> {
    let mut aps = payload.required_object("aps")?;
    if !aps.boolean("content-changed")? {
        return Err(aps.invalid("content-changed", "must be true"));
    }
    aps.finish()?;
    payload.finish()
}

impl Kind for Mdm {}
impl FreePriority for Mdm {}
impl FreeExpiration for Mdm {}

impl Body for Mdm {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Mdm)
    }

    fn write_payload(&self, _: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        if self.mdm.is_empty() {
            return Err(InvalidNotification::field(
                "payload.mdm",
                "must not be empty",
            ));
        }
        write_json(out, self);
        Ok(())
    }
}

impl Mdm {
    pub(super) fn read(mut payload: Object) -> Result<Self, InvalidNotification> {
        let mdm = payload.required_text("mdm")?;
        payload.finish()?;
        Ok(Self { mdm })
    }
}

/// The push magic is a secret between the device and its server.
impl std::fmt::Debug for Mdm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mdm").finish_non_exhaustive()
    }
}

impl Kind for FileProvider {}
impl FreePriority for FileProvider {}
impl FreeExpiration for FileProvider {}

impl Body for FileProvider {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::FileProvider)
    }

    fn write_payload(&self, _: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        if self.container_identifier.is_empty() {
            return Err(InvalidNotification::field(
                "payload.container-identifier",
                "must not be empty",
            ));
        }
        write_json(out, self);
        Ok(())
    }
}

impl FileProvider {
    pub(super) fn read(mut payload: Object) -> Result<Self, InvalidNotification> {
        let container_identifier = payload.required_text("container-identifier")?;
        let domain = payload.text("domain")?;
        payload.finish()?;
        Ok(Self {
            container_identifier,
            domain,
        })
    }
}

impl Kind for WalletPass {}
impl FreePriority for WalletPass {}
impl FreeExpiration for WalletPass {}

impl Body for WalletPass {
    fn push_type(&self) -> Option<PushType> {
        None
    }

    fn write_payload(&self, _: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        out.extend_from_slice(b"{}");
        Ok(())
    }
}
