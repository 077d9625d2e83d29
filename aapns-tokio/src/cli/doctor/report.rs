//! A line for each check.

use std::collections::BTreeSet;

use crate::cli::console::{Console, Style};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    Warning,
    Failed,
    NotChecked,
}

impl Verdict {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::NotChecked => "not checked",
        }
    }

    const fn style(self) -> Style {
        match self {
            Self::Ok => Style::Green,
            Self::Warning => Style::Yellow,
            Self::Failed => Style::Red,
            Self::NotChecked => Style::Dim,
        }
    }
}

/// Prints checks as they end, and remembers whether one failed.
#[derive(Debug)]
pub(super) struct Report {
    console: Console,
    has_failed: bool,
    /// Checks that have their line.
    told: BTreeSet<String>,
}

impl Report {
    pub(super) fn new(console: Console) -> Self {
        Self {
            console,
            has_failed: false,
            told: BTreeSet::new(),
        }
    }

    pub(super) fn ok(&mut self, check: &str, detail: impl std::fmt::Display) {
        self.line(check, Verdict::Ok, &detail.to_string(), None);
    }

    /// Something to look at: `advice` says what to do.
    pub(super) fn warning(&mut self, check: &str, detail: impl std::fmt::Display, advice: &str) {
        self.line(check, Verdict::Warning, &detail.to_string(), Some(advice));
    }

    /// Pushes won't go out before this is mended: `advice` says how.
    pub(super) fn failed(&mut self, check: &str, detail: impl std::fmt::Display, advice: &str) {
        self.has_failed = true;
        self.line(check, Verdict::Failed, &detail.to_string(), Some(advice));
    }

    pub(super) fn not_checked(&mut self, check: &str, why: impl std::fmt::Display) {
        self.line(check, Verdict::NotChecked, &why.to_string(), None);
    }

    /// A line for each of `checks` that has none yet: one before it failed.
    pub(super) fn rest_not_checked(&mut self, checks: &[&str]) {
        for check in checks {
            if !self.told.contains(*check) {
                self.not_checked(check, "what failed above comes first");
            }
        }
    }

    /// Whether a check failed.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn line(&mut self, check: &str, verdict: Verdict, detail: &str, advice: Option<&str>) {
        self.told.insert(check.to_owned());
        let word = verdict.as_str();
        if self.console.json {
            let line = serde_json::json!({"check": check, "result": word, "detail": detail, "advice": advice});
            return self.console.result(line);
        }
        let word = self.console.paint(verdict.style(), &format!("{word:<11}"));
        let advice = advice
            .map(|advice| format!("; {advice}"))
            .unwrap_or_default();
        self.console
            .result(format_args!("{word}  {check:<15}  {detail}{advice}"));
    }
}
