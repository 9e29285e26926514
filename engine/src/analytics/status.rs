//! The state of a customer, by the days since he bought last and by his value.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// How a customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Active, of high value, and bought within days.
    Vip,
    /// Active and of high value, but not within days.
    VipAtRisk,
    /// Bought lately.
    Active,
    /// Bought within the quarter.
    RecentlyInactive,
    /// Has not.
    Inactive,
}

impl Status {
    /// All, from the best.
    pub const ALL: [Self; 5] = [
        Self::Vip,
        Self::VipAtRisk,
        Self::Active,
        Self::RecentlyInactive,
        Self::Inactive,
    ];

    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vip => "VIP",
            Self::VipAtRisk => "VIP at risk",
            Self::Active => "Active",
            Self::RecentlyInactive => "Recently inactive",
            Self::Inactive => "Inactive",
        }
    }

    /// The status of a customer: days since the last purchase, distinct invoices, sales in GBP.
    pub fn of(limits: &StatusLimits, days: u32, invoices: u64, amount: Decimal) -> Self {
        if days > limits.recently_inactive_days {
            return Self::Inactive;
        }
        if days > limits.active_days {
            return Self::RecentlyInactive;
        }
        if amount <= limits.vip_amount_above || invoices <= limits.vip_invoices_above {
            return Self::Active;
        }
        if days > limits.vip_days {
            Self::VipAtRisk
        } else {
            Self::Vip
        }
    }
}

/// Where one status ends and the next begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatusLimits {
    /// Active up to so many days since the last purchase.
    pub active_days: u32,
    /// Recently inactive up to so many days.
    pub recently_inactive_days: u32,
    /// A VIP is at risk after so many days.
    pub vip_days: u32,
    /// A VIP's sales are above this, GBP.
    pub vip_amount_above: Decimal,
    /// A VIP has more distinct invoices than this.
    pub vip_invoices_above: u64,
}

impl Default for StatusLimits {
    fn default() -> Self {
        Self {
            active_days: 30,
            recently_inactive_days: 90,
            vip_days: 7,
            vip_amount_above: Decimal::from(1_000),
            vip_invoices_above: 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_ends_on_its_last_day() {
        let check = |days, invoices, amount: i64, expect| {
            let status = Status::of(&StatusLimits::default(), days, invoices, amount.into());
            assert_eq!(status, expect, "{days} days, {invoices} invoices, {amount}");
        };
        check(7, 6, 1_001, Status::Vip);
        check(8, 6, 1_001, Status::VipAtRisk);
        check(30, 6, 1_001, Status::VipAtRisk);
        check(7, 5, 1_001, Status::Active);
        check(7, 6, 1_000, Status::Active);
        check(30, 1, 5, Status::Active);
        check(31, 60, 100_000, Status::RecentlyInactive);
        check(90, 1, 5, Status::RecentlyInactive);
        check(91, 60, 100_000, Status::Inactive);
    }
}
