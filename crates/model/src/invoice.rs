//! Invoices: what a visit costs, in which order it is paid, and what may be
//! given back. Amounts are in the currency's smallest unit.

use crate::money::MAX_AMOUNT;

/// Most lines of an invoice.
pub const MAX_ITEMS: usize = 50;
/// Most pieces of one line.
pub const MAX_QUANTITY: i64 = 10_000;
/// Longest name of a line, in characters.
pub const MAX_NAME: usize = 200;
/// Longest description of a line, in characters.
pub const MAX_DESCRIPTION: usize = 1_000;

words! {
    /// Where an invoice stands.
    InvoiceState {
        /// Being put together.
        Draft = "draft";
        /// The processor is asked for the money, or the payer to confirm.
        Processing = "processing";
        /// Paid.
        Paid = "paid";
        /// The processor refused; it may be asked for again.
        Failed = "failed";
        /// Nobody is asked for it.
        Void = "void";
        /// All of it was given back.
        Refunded = "refunded";
        /// A part of it was given back.
        PartlyRefunded = "partly_refunded";
    }
}

words! {
    /// What the processor is asked for.
    PaymentKind {
        /// To take money.
        Charge = "charge";
        /// To give it back.
        Refund = "refund";
    }
}

words! {
    /// Where a payment stands.
    PaymentState {
        /// Written down; the processor is asked, and its answer is not known.
        Started = "started";
        /// The payer has to confirm it.
        RequiresAction = "requires_action";
        /// Done.
        Succeeded = "succeeded";
        /// Refused.
        Failed = "failed";
    }
}

impl InvoiceState {
    /// The documented word (contract more.md 1.5).
    #[must_use]
    pub const fn documented(self) -> &'static str {
        match self {
            Self::Draft => "pending",
            Self::Processing => "processing",
            Self::Paid | Self::PartlyRefunded => "paid",
            Self::Failed => "failed",
            Self::Void => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// May its lines change, and may it be charged?
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Failed)
    }
}

impl PaymentState {
    /// Nothing more comes of it.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The state after the processor said another one. What succeeded stays so,
    /// in whatever order its messages come: money that was taken was taken.
    #[must_use]
    pub const fn after(self, heard: Self) -> Self {
        match (self, heard) {
            (Self::Succeeded, _) | (_, Self::Succeeded) => Self::Succeeded,
            (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
            (Self::RequiresAction, _) | (_, Self::RequiresAction) => Self::RequiresAction,
            (Self::Started, Self::Started) => Self::Started,
        }
    }
}

/// What one line costs; none when that is more than an invoice may cost.
#[must_use]
pub fn line(quantity: i64, unit_price: i64) -> Option<i64> {
    if !(1..=MAX_QUANTITY).contains(&quantity) || !(0..=MAX_AMOUNT).contains(&unit_price) {
        return None;
    }
    quantity.checked_mul(unit_price).filter(|total| *total <= MAX_AMOUNT)
}

/// The sum of all lines; none when that is more than an invoice may cost.
#[must_use]
pub fn subtotal(lines: impl IntoIterator<Item = (i64, i64)>) -> Option<i64> {
    lines
        .into_iter()
        .try_fold(0_i64, |sum, (quantity, price)| sum.checked_add(line(quantity, price)?))
        .filter(|sum| *sum <= MAX_AMOUNT)
}

/// What makes an invoice smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discount {
    /// Whole percents, 1 to 100.
    Percent(i64),
    /// An amount.
    Amount(i64),
}

impl Discount {
    /// How much it takes off: never more than there is, and percents never more
    /// than exact ones.
    #[must_use]
    pub fn of(self, subtotal: i64) -> i64 {
        let subtotal = subtotal.max(0);
        let off = match self {
            Self::Percent(percent) => {
                let exact = i128::from(subtotal) * i128::from(percent.clamp(0, 100)) / 100;
                i64::try_from(exact).unwrap_or(subtotal)
            }
            Self::Amount(amount) => amount.max(0),
        };
        off.min(subtotal)
    }
}

/// How much can still be given back, with what is on its way.
#[must_use]
pub fn refundable(paid: i64, refunded: i64, pending: i64) -> i64 {
    paid.saturating_sub(refunded).saturating_sub(pending).max(0)
}

/// The state of a paid invoice of which so much was given back.
#[must_use]
pub const fn after_refund(paid: i64, refunded: i64) -> InvoiceState {
    if refunded <= 0 {
        InvoiceState::Paid
    } else if refunded >= paid {
        InvoiceState::Refunded
    } else {
        InvoiceState::PartlyRefunded
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn state() -> impl Strategy<Value = PaymentState> {
        (0..PaymentState::ALL.len()).prop_map(|n| PaymentState::ALL[n])
    }

    #[test]
    fn one_spelling_everywhere() {
        for state in InvoiceState::ALL {
            assert_eq!(InvoiceState::parse(state.as_str()), Some(*state));
            let documented =
                ["pending", "processing", "paid", "closed", "forgiven", "cancelled", "failed", "refunded"];
            assert!(documented.contains(&state.documented()));
        }
        for state in PaymentState::ALL {
            assert_eq!(PaymentState::parse(state.as_str()), Some(*state));
        }
        assert!(PaymentKind::parse("gift").is_none());
    }

    #[test]
    fn amounts_out_of_reason_are_none() {
        assert_eq!(line(2, 1250), Some(2500));
        for (quantity, price) in
            [(0, 1), (-1, 1), (1, -1), (MAX_QUANTITY + 1, 1), (2, MAX_AMOUNT), (MAX_QUANTITY, i64::MAX)]
        {
            assert_eq!(line(quantity, price), None, "{quantity} {price}");
        }
        assert_eq!(subtotal([(1, MAX_AMOUNT), (1, 1)]), None);
    }

    proptest! {
        #[test]
        fn a_total_is_the_exact_sum(lines in prop::collection::vec((1..=MAX_QUANTITY, 0..=MAX_AMOUNT), 0..20)) {
            let exact: i128 = lines.iter().map(|(quantity, price)| i128::from(*quantity) * i128::from(*price)).sum();
            let fits = exact <= i128::from(MAX_AMOUNT);
            prop_assert_eq!(subtotal(lines.iter().copied()).map(i128::from), fits.then_some(exact));
        }

        #[test]
        fn a_promo_never_goes_below_zero(subtotal in 0..=MAX_AMOUNT, n in any::<i64>(), percent in any::<bool>()) {
            let discount = if percent { Discount::Percent(n) } else { Discount::Amount(n) };
            let off = discount.of(subtotal);
            prop_assert!((0..=subtotal).contains(&off));
        }

        #[test]
        fn refunds_never_exceed_what_was_charged(paid in 0..=MAX_AMOUNT, wishes in prop::collection::vec(1..=MAX_AMOUNT, 0..12)) {
            let mut refunded = 0;
            for wish in wishes {
                if wish <= refundable(paid, refunded, 0) {
                    refunded += wish;
                }
                prop_assert!(refunded <= paid);
                prop_assert_eq!(after_refund(paid, refunded) == InvoiceState::Refunded, refunded == paid && paid > 0);
            }
        }

        #[test]
        fn the_order_of_messages_does_not_matter(mut heard in prop::collection::vec(state(), 0..6)) {
            let fold = |all: &[PaymentState]| all.iter().fold(PaymentState::Started, |now, next| now.after(*next));
            let one = fold(&heard);
            heard.reverse();
            prop_assert_eq!(one, fold(&heard));
        }
    }
}
