//! Progress for people: a bar on stderr, only on a terminal and only after a second.

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

const AFTER: Duration = Duration::from_secs(1);

/// A bar that shows itself when the work takes longer.
pub(crate) struct Progress {
    started: Instant,
    wanted: bool,
    what: &'static str,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(what: &'static str) -> Self {
        Self { started: Instant::now(), wanted: std::io::stderr().is_terminal(), what, bar: OnceLock::new() }
    }

    /// `done` of `total` steps.
    pub(crate) fn at(&self, done: u64, total: u64) {
        if !self.wanted || self.started.elapsed() < AFTER {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} % {eta}");
            let bar = ProgressBar::new(total);
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.set_message(self.what);
            bar
        });
        bar.set_length(total);
        bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
