//! What calls were like, for the metrics page: spreads and counts without any
//! identifier.

use bedside_app::call_quality::Tally;
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter},
};

/// Writes them.
pub(super) fn encode(tally: &Tally, encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    for (name, help, spread) in tally.spreads() {
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(spread.sum, spread.count, &spread.buckets, None)?;
    }
    let help = "Connections to calls that have ended, by the way that their media took";
    let mut paths = encoder.encode_descriptor("call_connections", help, None, MetricType::Counter)?;
    for (path, count) in tally.paths() {
        ConstCounter::new(count).encode(paths.encode_family(&[("path", path.as_str())])?)?;
    }
    let freezes = ConstCounter::new(tally.freezes());
    let help = "How often a picture stood still in calls that have ended";
    freezes.encode(encoder.encode_descriptor("call_freezes", help, None, MetricType::Counter)?)
}
