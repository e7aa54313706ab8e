//! Readings typed in by hand: weight, temperature, blood pressure and the like
//! (contract more.md 6.9). Kept as whole thousandths of one unit a kind, beside
//! what was typed.

words! {
    /// What was measured.
    Kind {
        /// Of the body.
        Weight = "weight";
        /// Of the body.
        Height = "height";
        /// Of the body.
        Temperature = "temperature";
        /// Heart beats.
        Pulse = "pulse";
        /// The upper and the lower value.
        BloodPressure = "blood_pressure";
        /// Sugar in the blood.
        BloodGlucose = "blood_glucose";
        /// Oxygen in the blood.
        Spo2 = "spo2";
        /// Breaths.
        RespiratoryRate = "respiratory_rate";
    }
}

/// A unit that people type, and how it becomes the kind's own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Its word on the wire.
    pub word: &'static str,
    /// Own units of one of it.
    factor: f64,
    /// Of it at zero own units.
    offset: f64,
}

const fn own(word: &'static str) -> Unit {
    Unit { word, factor: 1.0, offset: 0.0 }
}

const fn unit(word: &'static str, factor: f64) -> Unit {
    Unit { word, factor, offset: 0.0 }
}

impl Kind {
    /// The units it is typed in, its own first.
    #[must_use]
    pub const fn units(self) -> &'static [Unit] {
        const FAHRENHEIT: Unit = Unit { word: "F", factor: 5.0 / 9.0, offset: 32.0 };
        match self {
            Self::Weight => const { &[own("kg"), unit("lb", 0.453_592_37)] },
            Self::Height => const { &[own("cm"), unit("in", 2.54)] },
            Self::Temperature => const { &[own("C"), FAHRENHEIT] },
            Self::Pulse | Self::RespiratoryRate => const { &[own("1/min")] },
            Self::BloodPressure => const { &[own("mmHg")] },
            Self::BloodGlucose => const { &[own("mg/dL"), unit("mmol/L", 18.016)] },
            Self::Spo2 => const { &[own("%")] },
        }
    }

    /// The least and the most that a living person shows, in its own unit: a
    /// slip of the finger is asked about, an illness is not.
    #[must_use]
    pub const fn bounds(self) -> (i64, i64) {
        match self {
            Self::Weight => (0, 700),
            Self::Height => (20, 280),
            Self::Temperature => (20, 46),
            Self::Pulse => (5, 350),
            Self::BloodPressure => (10, 400),
            Self::BloodGlucose => (5, 2_000),
            Self::Spo2 => (20, 100),
            Self::RespiratoryRate => (1, 120),
        }
    }

    /// A value in thousandths of the own unit.
    ///
    /// # Errors
    /// Why it cannot be.
    pub fn read(self, value: f64, unit: &Unit) -> Result<i64, String> {
        let (least, most) = self.bounds();
        let own = self.units()[0].word;
        let milli = ((value - unit.offset) * unit.factor * 1000.0).round();
        let milli = if milli.is_finite() && milli.abs() < 1e12 { milli as i64 } else { i64::MIN };
        if milli > 0 && (least * 1000..=most * 1000).contains(&milli) {
            Ok(milli)
        } else {
            Err(format!("must be from {least} to {most} {own}"))
        }
    }

    /// The unit of a word; none named is the own one.
    #[must_use]
    pub fn unit(self, word: Option<&str>) -> Option<&'static Unit> {
        let units = self.units();
        word.map_or_else(|| units.first(), |word| units.iter().find(|unit| unit.word == word))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn milli(kind: Kind, value: f64, word: &str) -> Option<i64> {
        kind.read(value, kind.unit(Some(word)).unwrap()).ok()
    }

    #[test]
    fn units_are_converted_and_slips_are_refused() {
        assert_eq!(milli(Kind::Weight, 154.0, "lb"), Some(69_853));
        assert_eq!(milli(Kind::Temperature, 98.6, "F"), Some(37_000));
        assert_eq!(milli(Kind::BloodGlucose, 5.5, "mmol/L"), Some(99_088));
        assert_eq!(milli(Kind::Height, 70.0, "in"), Some(177_800));
        for (kind, value) in [
            (Kind::Temperature, 377.0),
            (Kind::Temperature, f64::NAN),
            (Kind::Pulse, f64::INFINITY),
            (Kind::Weight, 0.0),
            (Kind::Weight, -70.0),
            (Kind::Spo2, 101.0),
        ] {
            assert!(kind.read(value, &kind.units()[0]).is_err(), "{kind:?} {value}");
        }
        assert_eq!(Kind::Weight.unit(Some("stone")), None);
    }

    proptest! {
        #[test]
        fn a_value_is_within_bounds_or_refused(which in 0..Kind::ALL.len(), value in -1e4..1e6f64, second: bool) {
            let kind = Kind::ALL[which];
            let unit = kind.units()[usize::from(second).min(kind.units().len() - 1)];
            let (least, most) = kind.bounds();
            if let Ok(milli) = kind.read(value, &unit) {
                prop_assert!(milli > 0 && milli >= least * 1000 && milli <= most * 1000);
                let back = milli as f64 / 1000.0 / unit.factor + unit.offset;
                prop_assert!((back - value).abs() < 0.01, "{back} {value}");
            }
        }
    }
}
