//! How webhooks are delivered: the settings, and what they mean.

use std::time::Duration;

use bedside_model::webhook::Schedule;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Config, ConfigError};

/// Webhooks.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    pub allow_private: bool,
    #[serde(deserialize_with = "numbers")]
    retry_schedule: Vec<f64>,
    timeout_ms: u64,
    concurrency: usize,
}

impl Config {
    /// How deliveries are made.
    ///
    /// # Errors
    /// A schedule without a try, pauses or limits out of reason.
    pub fn webhook_settings(&self) -> Result<bedside_app::webhooks::Settings, ConfigError> {
        let webhooks = &self.webhooks;
        let millis = |seconds: &f64| {
            let good = (0.0..=2_592_000.0).contains(seconds);
            good.then(|| Duration::from_secs_f64(*seconds).as_millis()).and_then(|ms| i64::try_from(ms).ok())
        };
        let pauses: Option<Vec<i64>> = webhooks.retry_schedule.iter().map(millis).collect();
        let schedule = pauses.and_then(Schedule::new).ok_or_else(|| {
            ConfigError(
                "webhooks.retry_schedule needs 1 to 32 pauses in seconds, each at most 30 days.".to_owned(),
            )
        })?;
        if !(10..=60_000).contains(&webhooks.timeout_ms) {
            return Err(ConfigError("webhooks.timeout_ms must be from 10 to 60000.".to_owned()));
        }
        if !(1..=256).contains(&webhooks.concurrency) {
            return Err(ConfigError("webhooks.concurrency must be from 1 to 256.".to_owned()));
        }
        Ok(bedside_app::webhooks::Settings {
            allow_private: webhooks.allow_private,
            schedule,
            timeout: Duration::from_millis(webhooks.timeout_ms),
            concurrency: webhooks.concurrency,
        })
    }
}

/// Numbers; flags and the environment bring them as texts.
fn numbers<'de, D: Deserializer<'de>>(de: D) -> Result<Vec<f64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Item {
        Number(f64),
        Text(String),
    }
    let number = |item| match item {
        Item::Number(number) => Ok(number),
        Item::Text(text) => {
            text.parse().map_err(|_| D::Error::custom(format!("`{text}` is no number of seconds")))
        }
    };
    Vec::<Item>::deserialize(de)?.into_iter().map(number).collect()
}
