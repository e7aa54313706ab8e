//! Rate limits: a bucket per API key, per admin token, per person, and per
//! client address only for anonymous and refused calls. So one busy client
//! never slows the others behind the same address.
//!
//! Every answer to a counted call says how that bucket stands, in the headers of
//! draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy: "user";q=100;w=2`
//! and `RateLimit: "user";r=99;t=1`.

use std::{
    convert::Infallible,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    extract::{FromRequestParts, Request},
    http::{Extensions, HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::Response,
};
use bedside_app::{Actor, Who};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
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
    doors: Buckets<IpAddr>,
}

/// A limiter that tells how much is left.
type Limiter<K> = RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

struct Buckets<K: Hash + Eq + Clone> {
    name: &'static str,
    limiter: Limiter<Option<K>>,
    clock: DefaultClock,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(name: &'static str, quota: Quota) -> Self {
        let limiter = RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>();
        Self { name, limiter, clock: DefaultClock::default() }
    }

    fn take(&self, key: K, charged: &Charged) -> Result<(), ApiError> {
        let full = self.limiter.len() >= MAX_BUCKETS;
        let key = if full { None } else { Some(key) };
        match self.limiter.check_key(&key) {
            Ok(left) => {
                charged.set(Budget::of(self.name, left.quota(), left.remaining_burst_capacity()));
                Ok(())
            }
            Err(early) => {
                let wait = early.wait_time_from(self.clock.now()).as_secs_f64().ceil() as u64;
                let budget = Budget::of(self.name, early.quota(), 0);
                charged.set(Budget { full_in_s: wait.max(1), ..budget });
                Err(ApiError::limited(wait))
            }
        }
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
            api_keys: Buckets::new("api-key", per_second(limits.api_key_per_s)),
            admin_tokens: Buckets::new("admin-token", per_second(limits.admin_token_per_s)),
            users: Buckets::new("user", per_second(limits.user_per_s)),
            anonymous: Buckets::new("anonymous", per_second(limits.anonymous_per_s)),
            failed: Buckets::new("refused", Quota::per_minute(at_least_one(limits.failed_per_min))),
            doors: Buckets::new("door", per_second(limits.anonymous_per_s)),
        }
    }

    /// Counts a call whose caller is known, or known to be nobody.
    pub fn admit(&self, actor: &Actor, addr: IpAddr, charged: &Charged) -> Result<(), ApiError> {
        match &actor.who {
            Who::Anonymous => self.anonymous.take(network(addr), charged),
            Who::ApiKey { .. } => self.api_keys.take(actor.account.to_string(), charged),
            Who::AdminToken { user, .. } => self.admin_tokens.take(user.0, charged),
            Who::User { id, .. } => self.users.take(id.0, charged),
            Who::System => Ok(()),
        }
    }

    /// Counts a call whose credentials were refused.
    pub fn refused(&self, addr: IpAddr, charged: &Charged) -> Result<(), ApiError> {
        self.failed.take(network(addr), charged)
    }

    /// Counts somebody at one of the doors beside the API, `/auth` and `/rtc`:
    /// as often as anonymous calls, but not together with them.
    ///
    /// # Errors
    /// The seconds to wait.
    pub fn door(&self, addr: IpAddr) -> Result<(), u64> {
        self.doors.take(network(addr), &Charged::default()).map_err(|_| 1)
    }

    /// Forgets buckets that are full again; called now and then.
    pub fn sweep(&self) {
        self.api_keys.sweep();
        self.admin_tokens.sweep();
        self.users.sweep();
        self.anonymous.sweep();
        self.failed.sweep();
        self.doors.sweep();
    }

    /// How often [`Limits::sweep`] is due.
    pub const SWEEP_EVERY: Duration = Duration::from_secs(60);
}

/// How the bucket stands that a call was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget {
    name: &'static str,
    /// Calls that may come at once, and the seconds until as many may again.
    quota: u32,
    window_s: u64,
    left: u32,
    /// Seconds until the bucket is full again; when none is left, until the next call.
    full_in_s: u64,
}

impl Budget {
    fn of(name: &'static str, quota: Quota, left: u32) -> Self {
        let burst = quota.burst_size().get();
        let each = quota.replenish_interval().as_secs_f64();
        let seconds = |calls: u32| (each * f64::from(calls)).ceil() as u64;
        let window_s = seconds(burst).max(1);
        Self { name, quota: burst, window_s, left, full_in_s: seconds(burst.saturating_sub(left)) }
    }

    fn headers(&self) -> [(HeaderName, String); 2] {
        let Self { name, quota, window_s, left, full_in_s } = self;
        [
            (RATELIMIT_POLICY, format!("\"{name}\";q={quota};w={window_s}")),
            (RATELIMIT, format!("\"{name}\";r={left};t={full_in_s}")),
        ]
    }
}

const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Where a request notes which bucket it was counted in; the last one counts.
#[derive(Clone, Debug, Default)]
pub struct Charged(Arc<Mutex<Option<Budget>>>);

impl Charged {
    /// The request's own; one that nobody reads where the layer did not run.
    pub fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    fn set(&self, budget: Budget) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(budget);
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Charged {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The layer that tells it in the answer.
pub async fn layer(mut request: Request, next: Next) -> Response {
    let charged = Charged::default();
    request.extensions_mut().insert(charged.clone());
    let mut response = next.run(request).await;
    let budget = *charged.0.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, value) in budget.iter().flat_map(Budget::headers) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_tells_its_bucket() {
        let quota = Quota::per_second(at_least_one(50)).allow_burst(at_least_one(100));
        let [(_, policy), (_, state)] = Budget::of("user", quota, 40).headers();
        assert_eq!((policy.as_str(), state.as_str()), ("\"user\";q=100;w=2", "\"user\";r=40;t=2"));
        let [(_, policy), (_, state)] =
            Budget::of("refused", Quota::per_minute(at_least_one(30)), 30).headers();
        assert_eq!((policy.as_str(), state.as_str()), ("\"refused\";q=30;w=60", "\"refused\";r=30;t=0"));
    }
}
