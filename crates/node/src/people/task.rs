//! What a node does about its people by itself: orders of the machine's operator, and sessions that the
//! organisation's provider no longer vouches for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::People;
use super::act::Actor;
use super::oidc::ASK_EVERY;
use super::order::{Order, Said, orders};
use crate::serve::{Stop, stopped};

/// How often orders of the machine's operator are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The largest order.
const MOST_ORDER_BYTES: u64 = 4 << 20;
/// Sessions for which the provider is asked at once.
const ASKED_AT_ONCE: usize = 16;

impl People {
    /// Carries out what commands on this machine ordered, and asks the provider for its sessions, until the node stops.
    pub(crate) async fn run(self: Arc<Self>, mut stop: Stop) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let asking = tokio::spawn(Arc::clone(&self).ask_provider(stop.clone()));
        let people = Arc::clone(&self);
        let opening = tokio::spawn(async move { people.open_views().await });
        loop {
            tokio::select! {
                () = stopped(&mut stop) => break,
                _ = look.tick() => self.take_orders().await,
            }
        }
        asking.abort();
        opening.abort();
    }

    async fn take_orders(self: &Arc<Self>) {
        let folder = orders(&self.core.config.data);
        let Ok(files) = std::fs::read_dir(&folder) else { return };
        for file in files.filter_map(Result::ok) {
            let path = file.path();
            if path.extension().is_some_and(|e| e == "order") {
                // One that takes long keeps no other waiting.
                let people = Arc::clone(self);
                let taking = tokio::spawn(async move { people.take_order(&path).await });
                let _ = tokio::time::timeout(LOOK_EVERY, taking).await;
            }
        }
    }

    async fn take_order(&self, path: &Path) {
        let small = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() <= MOST_ORDER_BYTES);
        let bytes = if small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        if std::fs::remove_file(path).is_err() {
            return;
        }
        let said = match serde_json::from_slice::<Order>(&bytes) {
            Err(e) => Err(format!("the order cannot be read: {e}")),
            Ok(Order::Account(order)) => {
                self.order(&Actor::OPERATOR, order).await.map(Said::Done).map_err(|e| e.to_string())
            }
            Ok(Order::Rules(order)) => {
                let lines = path.with_extension("lines");
                self.order_rules(*order, &lines).await.map(Said::Rules).map_err(|e| e.to_string())
            }
        };
        let said = said.unwrap_or_else(Said::Refused);
        let bytes = serde_json::to_vec(&said).unwrap_or_default();
        if let Err(e) = crate::keys::write_secret(&path.with_extension("answer"), &bytes) {
            tracing::error!(error = %e, "the answer to an order could not be written");
        }
    }

    /// Ends the sessions of people whom the provider no longer knows.
    async fn ask_provider(self: Arc<Self>, mut stop: Stop) {
        let Some(oidc) = self.oidc.clone() else { return };
        let mut tick = tokio::time::interval(ASK_EVERY);
        loop {
            tokio::select! {
                () = stopped(&mut stop) => return,
                _ = tick.tick() => {}
            }
            let now = self.core.surroundings.now();
            let (open, over): (Vec<_>, Vec<_>) =
                oidc.tokens().into_iter().partition(|token| self.sessions.get(token, now).is_some());
            over.iter().for_each(|token| oidc.forget(token));
            for some in open.chunks(ASKED_AT_ONCE) {
                let asked = some.iter().map(|token| {
                    let (oidc, token) = (Arc::clone(&oidc), token.clone());
                    tokio::task::spawn_blocking(move || (oidc.ask(&token), token))
                });
                for answer in futures_util::future::join_all(asked).await {
                    let Ok((false, token)) = answer else { continue };
                    oidc.forget(&token);
                    let _ = self.sessions.end(&token);
                    tracing::info!("a session ended: the identity provider no longer vouches for it");
                }
            }
        }
    }
}
