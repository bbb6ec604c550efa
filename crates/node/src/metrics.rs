//! Counters for a monitoring system, in the OpenMetrics text form.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::core::Core;

type Count = Counter<u64, AtomicU64>;

#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) entries: Count,
    pub(crate) items_received: Count,
    pub(crate) items_acknowledged: Count,
    pub(crate) refusals: Count,
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
        let (log, incidents) = {
            let projection = core.read();
            (projection.entries.len(), projection.open_incidents().len())
        };
        gauge(&mut registry, "log_size", "entries in the log", log);
        gauge(&mut registry, "incidents_open", "incidents that stand", incidents);
        gauge(&mut registry, "jobs_running", "jobs under way", core.jobs.running());
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &registry);
        text
    }
}
