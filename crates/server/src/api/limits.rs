//! Rate limits: a bucket per API key, per admin token, per person, and per
//! client address only for anonymous and refused calls. So one busy client
//! never slows the others behind the same address.

use std::{hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use bedside_app::{Actor, Who};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use super::error::ApiError;
use crate::config;

/// Most buckets of one sort. Past it the quiet ones are swept; if all are
/// busy, newcomers share one bucket until the next sweep.
const MAX_BUCKETS: usize = 50_000;

/// The buckets of one server.
pub struct Limits {
    api_keys: Buckets<String>,
    admin_tokens: Buckets<i64>,
    users: Buckets<i64>,
    anonymous: Buckets<IpAddr>,
    failed: Buckets<IpAddr>,
}

struct Buckets<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<Option<K>>,
    clock: DefaultClock,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(quota: Quota) -> Self {
        Self { limiter: RateLimiter::keyed(quota), clock: DefaultClock::default() }
    }

    fn take(&self, key: K) -> Result<(), ApiError> {
        let full = self.limiter.len() >= MAX_BUCKETS;
        let key = if full { None } else { Some(key) };
        self.limiter.check_key(&key).map_err(|early| {
            let wait = early.wait_time_from(self.clock.now());
            ApiError::limited(wait.as_secs_f64().ceil() as u64)
        })
    }

    fn sweep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl Limits {
    /// Buckets of the configured sizes.
    pub fn new(limits: &config::Limits) -> Self {
        let per_second = |rate: u32| {
            let burst = rate.saturating_mul(limits.burst_s);
            Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
        };
        Self {
            api_keys: Buckets::new(per_second(limits.api_key_per_s)),
            admin_tokens: Buckets::new(per_second(limits.admin_token_per_s)),
            users: Buckets::new(per_second(limits.user_per_s)),
            anonymous: Buckets::new(per_second(limits.anonymous_per_s)),
            failed: Buckets::new(Quota::per_minute(at_least_one(limits.failed_per_min))),
        }
    }

    /// Counts a call whose caller is known, or known to be nobody.
    pub fn admit(&self, actor: &Actor, addr: IpAddr) -> Result<(), ApiError> {
        match &actor.who {
            Who::Anonymous => self.anonymous.take(network(addr)),
            Who::ApiKey { .. } => self.api_keys.take(actor.account.to_string()),
            Who::AdminToken { user, .. } => self.admin_tokens.take(user.0),
            Who::User { id, .. } => self.users.take(id.0),
            Who::System => Ok(()),
        }
    }

    /// Counts a call whose credentials were refused.
    pub fn refused(&self, addr: IpAddr) -> Result<(), ApiError> {
        self.failed.take(network(addr))
    }

    /// Forgets buckets that are full again; called now and then.
    pub fn sweep(&self) {
        self.api_keys.sweep();
        self.admin_tokens.sweep();
        self.users.sweep();
        self.anonymous.sweep();
        self.failed.sweep();
    }

    /// How often [`Limits::sweep`] is due.
    pub const SWEEP_EVERY: Duration = Duration::from_secs(60);
}

/// One IPv6 household has a whole /64: it counts as one address.
fn network(addr: IpAddr) -> IpAddr {
    match addr {
        IpAddr::V4(_) => addr,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
    }
}

fn at_least_one(rate: u32) -> NonZeroU32 {
    NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN)
}
