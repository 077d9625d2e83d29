//! The progress bar on a terminal.

use std::fmt::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::console::Console;

/// How often the bar is drawn, at most.
const DRAWS_PER_SECOND: u8 = 10;

/// A bar on stderr, or nothing where nobody looks at it.
#[derive(Debug)]
pub(crate) struct Progress(Option<ProgressBar>);

impl Progress {
    /// A bar for `total` notifications.
    pub(crate) fn of_notifications(total: u64, console: Console) -> Self {
        Self::new(
            total,
            "{bar:30} {pos}/{len}  {rate}/s  {msg}  {eta} left",
            console,
        )
    }

    /// A bar for `total` octets of input; a line of numbers if the total isn't known.
    pub(crate) fn of_octets(total: Option<u64>, console: Console) -> Self {
        match total {
            Some(total) => Self::new(total, "{bar:30} {percent}%  {msg}  {eta} left", console),
            None => Self::new(0, "{spinner} {msg}  {elapsed}", console),
        }
    }

    /// No bar.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    fn new(total: u64, template: &str, console: Console) -> Self {
        if !console.draws_progress() {
            return Self::none();
        }
        let bar = ProgressBar::with_draw_target(
            Some(total),
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND),
        );
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(
                style.with_key("rate", |state: &ProgressState, to: &mut dyn Write| {
                    let _ = write!(to, "{:.0}", state.per_sec());
                }),
            );
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// Whether anyone looks: what is shown need not be worked out otherwise.
    pub(crate) fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// Moves the bar, and says more beside it.
    pub(crate) fn update(&self, position: u64, message: String) {
        if let Some(bar) = &self.0 {
            bar.set_position(position);
            bar.set_message(message);
        }
    }

    /// Takes the bar off the screen.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
