//! How often an address may ask: a bucket of requests for each, which fills with time.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Instant,
};

/// Addresses that are remembered at most. One whose bucket is full need not be remembered.
const ADDRESSES_MAX: usize = 4_096;

/// What each address may still ask.
#[derive(Debug)]
pub struct Buckets {
    per_s: f64,
    burst: f64,
    left: HashMap<IpAddr, (f64, Instant)>,
}

impl Buckets {
    /// Everybody may ask `burst` at once and `per_s` for ever.
    #[must_use]
    pub fn new(per_s: u32, burst: u32) -> Self {
        Self { per_s: per_s.into(), burst: burst.into(), left: HashMap::new() }
    }

    /// Whether `address` may ask now. If so, it has.
    pub fn take(&mut self, address: IpAddr, now: Instant) -> bool {
        let address = owner(address);
        if !self.left.contains_key(&address) && self.left.len() >= ADDRESSES_MAX {
            self.forget(now);
            if self.left.len() >= ADDRESSES_MAX {
                return false;
            }
        }
        let (per_s, burst) = (self.per_s, self.burst);
        let bucket = self.left.entry(address).or_insert((burst, now));
        let filled = filled(*bucket, per_s, burst, now);
        *bucket = (if filled >= 1.0 { filled - 1.0 } else { filled }, now);
        filled >= 1.0
    }

    fn forget(&mut self, now: Instant) {
        let (per_s, burst) = (self.per_s, self.burst);
        self.left.retain(|_, bucket| filled(*bucket, per_s, burst, now) < burst);
    }
}

fn filled((left, since): (f64, Instant), per_s: f64, burst: f64, now: Instant) -> f64 {
    let passed = now.saturating_duration_since(since).as_secs_f64();
    per_s.mul_add(passed, left).min(burst)
}

/// Who has the address: of the newer kind, one has 2^64 of them.
pub fn owner(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(it) => match it.to_ipv4_mapped() {
            Some(it) => IpAddr::V4(it),
            None => IpAddr::V6(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_used_up_and_comes_back_with_time() {
        let (mut buckets, begun) = (Buckets::new(10, 3), Instant::now());
        let (one, other) = ("127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap());
        let took: Vec<_> = (0..5).map(|_| buckets.take(one, begun)).collect();
        assert_eq!(took, [true, true, true, false, false]);
        assert!(buckets.take(other, begun), "another address has its own");
        assert!(!buckets.take(one, begun + Duration::from_millis(99)));
        assert!(buckets.take(one, begun + Duration::from_millis(201)));
        let later = begun + Duration::from_secs(60);
        let took = (0..9).filter(|_| buckets.take(one, later)).count();
        assert_eq!(took, 3, "a bucket holds no more than a burst");
    }

    #[test]
    fn memory_is_bounded_and_addresses_that_rest_are_forgotten() {
        let (mut buckets, begun) = (Buckets::new(1, 2), Instant::now());
        let address = |it: u32| IpAddr::V4(it.into());
        let known = u32::try_from(ADDRESSES_MAX).unwrap();
        assert!((0..known).all(|it| buckets.take(address(it), begun)));
        assert!(!buckets.take(address(known), begun), "no room, and nobody rests");
        assert!(buckets.take(address(known), begun + Duration::from_secs(3)));
        assert_eq!(buckets.left.len(), 1);
    }

    #[test]
    fn one_who_has_many_addresses_is_one() {
        let mut buckets = Buckets::new(1, 1);
        let now = Instant::now();
        assert!(buckets.take("2001:db8::1".parse().unwrap(), now));
        assert!(!buckets.take("2001:db8::2".parse().unwrap(), now));
        assert!(buckets.take("2001:db8:0:1::2".parse().unwrap(), now));
        assert!(buckets.take("::ffff:10.0.0.1".parse().unwrap(), now));
        assert!(!buckets.take("10.0.0.1".parse().unwrap(), now));
    }
}
