//! Counters for a monitoring system, in the OpenMetrics text form.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::core::Core;
use crate::view::View;

type Count = Counter<u64, AtomicU64>;

#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) entries: Count,
    pub(crate) items_received: Count,
    pub(crate) items_acknowledged: Count,
    pub(crate) refusals: Count,
    pub(crate) pauses: Count,
    pub(crate) frauds: Count,
    pub(crate) requests: Count,
    pub(crate) faults: Count,
}

impl Metrics {
    pub(crate) fn render(&self, core: &Core) -> String {
        let mut registry = Registry::with_prefix("bongsu");
        registry.register("entries", "entries recorded since the start", self.entries.clone());
        registry.register(
            "link_items_received",
            "items received from peers since the start",
            self.items_received.clone(),
        );
        registry.register(
            "link_items_acknowledged",
            "items that peers acknowledged since the start",
            self.items_acknowledged.clone(),
        );
        registry.register(
            "refusals",
            "connections and batches refused since the start",
            self.refusals.clone(),
        );
        registry.register(
            "link_pauses",
            "batches that waited because their peer used up its share",
            self.pauses.clone(),
        );
        registry.register(
            "link_frauds",
            "proofs recorded that a peer showed two histories",
            self.frauds.clone(),
        );
        registry.register("http_requests", "requests to the API since the start", self.requests.clone());
        registry.register(
            "reader_faults",
            "faults that readers found in feeds since the start",
            self.faults.clone(),
        );
        let gauge = |registry: &mut Registry, name: &str, help: &str, value: usize| {
            let gauge: Gauge = Gauge::default();
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            registry.register(name, help, gauge);
        };
        // A view that cannot be read shows as empty; the log of the program says why.
        let counts = core.look(&View::Owner).and_then(|reader| {
            let rows = reader.rows()?;
            Ok((rows.size()?, rows.tally("noun", "incident")?))
        });
        let (log, incidents) = counts.unwrap_or_else(|error| {
            tracing::error!(%error, "the owner's view cannot be read");
            (0, 0)
        });
        let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        gauge(&mut registry, "log_size", "entries in the log", size(log));
        gauge(&mut registry, "incidents_open", "incidents that stand", size(incidents));
        gauge(&mut registry, "jobs_running", "jobs under way", core.jobs.running());
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
