//! Work that takes longer than a request: its state for the pages. Results are entries, so a job that is cut off by a
//! stop is simply run again; what it had recorded already is recognised.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::core::lock;

/// How many ended jobs are remembered.
const REMEMBERED: usize = 100;

/// One piece of work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Job {
    /// Unique since the start of the node.
    pub(crate) id: u64,
    /// `screen` or `read`.
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    /// `running`, `done` or `failed`.
    pub(crate) state: &'static str,
    /// Steps done.
    pub(crate) done: u64,
    /// Steps in all.
    pub(crate) total: u64,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) started: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) ended: Option<Timestamp>,
    /// What came of it, or why it failed.
    pub(crate) message: Option<String>,
}

#[derive(Default)]
pub(crate) struct Jobs {
    next: AtomicU64,
    all: Mutex<Vec<Job>>,
}

impl Jobs {
    pub(crate) fn start(&self, kind: &'static str, title: String, now: Timestamp) -> Job {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let job = Job {
            id,
            kind,
            title,
            state: "running",
            done: 0,
            total: 0,
            started: now,
            ended: None,
            message: None,
        };
        let mut all = lock(&self.all);
        all.push(job.clone());
        if all.len() > REMEMBERED
            && let Some(oldest) = all.iter().position(|j| j.state != "running")
        {
            all.remove(oldest);
        }
        job
    }

    /// Changes a job and gives its new state.
    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut Job)) -> Option<Job> {
        let mut all = lock(&self.all);
        let job = all.iter_mut().find(|job| job.id == id)?;
        change(job);
        Some(job.clone())
    }

    /// All remembered jobs, newest first.
    pub(crate) fn list(&self) -> Vec<Job> {
        lock(&self.all).iter().rev().cloned().collect()
    }

    pub(crate) fn running(&self) -> usize {
        lock(&self.all).iter().filter(|job| job.state == "running").count()
    }
}
