//! What `/metrics` shows: requests by route and status, their durations, and
//! the counters that other parts hand in when asked.

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{
    collector::Collector,
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

/// The process's metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    requests: Family<Request, Counter>,
    durations: Family<Route, Histogram>,
    statements: Family<Route, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        let requests = Family::<Request, Counter>::default();
        let durations = Family::<Route, Histogram>::new_with_constructor(|| {
            Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0])
        });
        let mut registry = Registry::with_prefix("bedside");
        registry.register("http_requests", "HTTP requests answered", requests.clone());
        registry.register(
            "http_request_seconds",
            "Time until the answer's head was ready",
            durations.clone(),
        );
        let statements = Family::<Route, Counter>::default();
        registry.register("http_statements", "SQL statements sent for HTTP requests", statements.clone());
        Self { registry: Arc::new(Mutex::new(registry)), requests, durations, statements }
    }
}

impl Metrics {
    /// Counts one answered request, and the SQL statements it took.
    pub fn answered(&self, method: &'static str, route: &str, status: u16, seconds: f64, statements: u64) {
        self.requests.get_or_create(&Request { method, route: route.to_owned(), status }).inc();
        let route = Route { method, route: route.to_owned() };
        self.durations.get_or_create(&route).observe(seconds);
        self.statements.get_or_create(&route).inc_by(statements);
    }

    /// Adds a part whose figures are read whenever the page is.
    pub fn collect(&self, collector: Box<dyn Collector>) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(collector);
    }

    /// The page, in the OpenMetrics text format.
    ///
    /// # Errors
    /// Formatting failed.
    pub fn page(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}
