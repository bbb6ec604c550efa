//! Limits on tries to log in, with bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Instant;

use crate::core::lock;

/// Tries at once from one address.
const BURST: f64 = 30.0;
/// Tries a second that come back to one address.
const PER_SECOND: f64 = 0.5;
/// The same for all addresses together.
const BURST_OF_ALL: f64 = 200.0;
const PER_SECOND_OF_ALL: f64 = 20.0;
/// Addresses that are told apart; further ones share one allowance.
const ADDRESSES: usize = 4096;

/// A bucket of tries that fills again with time.
struct Bucket {
    tries: f64,
    at: Instant,
}

impl Bucket {
    fn full(burst: f64, now: Instant) -> Self {
        Self { tries: burst, at: now }
    }

    fn fill(&mut self, burst: f64, per_second: f64, now: Instant) {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.tries = (self.tries + since * per_second).min(burst);
        self.at = now;
    }

    fn take(&mut self) -> bool {
        let left = self.tries >= 1.0;
        if left {
            self.tries -= 1.0;
        }
        left
    }
}

/// How often who may try to log in.
pub(crate) struct Tries(Mutex<Buckets>);

struct Buckets {
    all: Bucket,
    each: HashMap<Option<IpAddr>, Bucket>,
}

impl Tries {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Buckets { all: Bucket::full(BURST_OF_ALL, now), each: HashMap::new() }))
    }

    /// Whether one more try from `address` is let through.
    pub(crate) fn take(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = lock(&self.0);
        let mut key = Some(network(address));
        if !buckets.each.contains_key(&key) && buckets.each.len() >= ADDRESSES {
            buckets.each.retain(|_, bucket| {
                bucket.fill(BURST, PER_SECOND, now);
                bucket.tries < BURST
            });
            if buckets.each.len() >= ADDRESSES {
                key = None;
            }
        }
        let bucket = buckets.each.entry(key).or_insert_with(|| Bucket::full(BURST, now));
        bucket.fill(BURST, PER_SECOND, now);
        // Whoever is over the own limit does not use up that of all.
        if !bucket.take() {
            return false;
        }
        buckets.all.fill(BURST_OF_ALL, PER_SECOND_OF_ALL, now);
        buckets.all.take()
    }
}

/// What one customer of a provider has: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn let_through(tries: &Tries, address: IpAddr, now: Instant, count: usize) -> usize {
        (0..count).filter(|_| tries.take(address, now)).count()
    }

    #[test]
    fn one_address_has_a_burst_and_then_one_try_in_two_seconds() {
        let start = Instant::now();
        let tries = Tries::new(start);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!(let_through(&tries, one, start, 100), 30);
        assert_eq!(let_through(&tries, one, start + Duration::from_secs(2), 100), 1);
        assert_eq!(let_through(&tries, "192.0.2.2".parse().unwrap(), start, 100), 30);
        assert_eq!(let_through(&tries, one, start + Duration::from_secs(3600), 100), 30);
    }

    #[test]
    fn all_addresses_of_one_network_share() {
        let start = Instant::now();
        let tries = Tries::new(start);
        let mut through = 0;
        for host in 0..100_u128 {
            let address = IpAddr::V6((0x2001_0db8_u128 << 96 | host).into());
            through += usize::from(tries.take(address, start));
        }
        assert_eq!(through, 30);
        assert!(!tries.take("2001:db8::ffff".parse().unwrap(), start));
        assert!(tries.take("2001:db8:0:1::1".parse().unwrap(), start));
    }

    #[test]
    fn a_flood_of_addresses_takes_no_more_memory_and_is_held_by_the_limit_of_all() {
        let start = Instant::now();
        let tries = Tries::new(start);
        let through = (0..100_000_u32).filter(|n| tries.take(IpAddr::V4((*n).into()), start)).count();
        assert_eq!(through, 200);
        assert!(lock(&tries.0).each.len() <= ADDRESSES + 1);
    }
}
