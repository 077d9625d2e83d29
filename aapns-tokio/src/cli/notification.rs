//! Flags that describe one notification.

use clap::Args;

/// Flags of `send` and `simulator`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Notification")]
pub(crate) struct NotificationArgs {
    /// The alert's text
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
