//! Who takes money: the settings, and what they mean.

use bedside_app::ports::billing::{Billing as Port, Test};
use serde::Deserialize;

use super::{Config, ConfigError, Secret};

/// Fewest characters of the secret of the processor's messages.
const SHORTEST_SECRET: usize = 16;

/// A card processor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Billing {
    kind: Kind,
    publishable_key: String,
    webhook_secret: Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Off,
    Test,
}

impl Config {
    /// Which processor there is.
    ///
    /// # Errors
    /// A processor whose messages nobody could believe.
    pub fn billing_port(&self) -> Result<Port, ConfigError> {
        let billing = &self.billing;
        match billing.kind {
            Kind::Off => Ok(Port::Off),
            Kind::Test if billing.webhook_secret.expose().len() < SHORTEST_SECRET => Err(ConfigError(
                "billing.webhook_secret needs 16 characters or more when billing.kind is not \"off\"."
                    .to_owned(),
            )),
            Kind::Test => Ok(Port::Test(Test::new(
                billing.publishable_key.clone(),
                billing.webhook_secret.expose().to_owned(),
            ))),
        }
    }
}
