//! What is sold: plans and packages, from the one file where prices are written down.

use std::collections::BTreeMap;

use pitchey_events::Tier;
use serde::{Deserialize, Serialize};

use crate::words::Interval;

/// Also read by the gateway, for `GET /api/config/all`.
const FILE: &str = include_str!("../../../deploy/config/catalogue.toml");

/// A plan.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all(serialize = "camelCase"))]
pub struct Plan {
    /// free, creator, pro or investor.
    #[schema(value_type = String)]
    pub tier: Tier,
    /// For people.
    pub name: String,
    /// Granted at the beginning of each month; what is left of them ends with the next.
    pub credits_a_month: i32,
    /// ISO 4217.
    pub currency: String,
    /// In minor units.
    pub price_a_month: i64,
    /// In minor units.
    pub price_a_year: i64,
}

impl Plan {
    /// What it costs, in minor units.
    pub const fn price(&self, interval: Interval) -> i64 {
        match interval {
            Interval::Month => self.price_a_month,
            Interval::Year => self.price_a_year,
        }
    }
}

/// Credits to buy.
#[derive(Clone, Debug, Deserialize, Serialize, utoipa::ToSchema)]
pub struct Package {
    /// How many.
    pub credits: i32,
    /// ISO 4217.
    pub currency: String,
    /// In minor units.
    pub price: i64,
}

/// All of it.
#[derive(Clone, Debug, Deserialize)]
pub struct Offer {
    plans: Vec<Plan>,
    packages: Vec<Package>,
}

/// The file says what can't be.
#[derive(Debug, thiserror::Error)]
#[error("deploy/config/catalogue.toml: {0}")]
pub struct Nonsense(String);

impl Offer {
    /// From the file in this program.
    ///
    /// # Errors
    /// Not every tier has one plan, a price is negative, or the free plan costs something.
    pub fn load() -> Result<Self, Nonsense> {
        let offer: Self = toml::from_str(FILE).map_err(|error| Nonsense(error.to_string()))?;
        let mut count: BTreeMap<Tier, usize> = BTreeMap::new();
        for plan in &offer.plans {
            *count.entry(plan.tier).or_default() += 1;
            let free = plan.tier == Tier::Free;
            let costs = plan.price_a_month > 0 && plan.price_a_year > 0;
            if free == costs || plan.credits_a_month < 0 {
                return Err(Nonsense(format!("the plan {} can't cost or grant that", plan.tier)));
            }
        }
        if Tier::ALL.iter().any(|tier| count.get(tier) != Some(&1)) {
            return Err(Nonsense("each tier has one plan".to_owned()));
        }
        if offer.packages.iter().any(|package| package.credits < 1 || package.price < 1) {
            return Err(Nonsense("a package costs something and holds something".to_owned()));
        }
        Ok(offer)
    }

    /// All plans.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// All packages.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The plan of `tier`.
    pub fn plan(&self, tier: Tier) -> &Plan {
        let found = self.plans.iter().find(|plan| plan.tier == tier);
        found.unwrap_or_else(|| unreachable!("each tier has a plan: checked when it was loaded"))
    }

    /// The package of so many credits.
    pub fn package(&self, credits: i32) -> Option<&Package> {
        self.packages.iter().find(|package| package.credits == credits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prices_are_those_of_the_rule_book() {
        let offer = Offer::load().unwrap();
        let packages: Vec<_> =
            offer.packages().iter().map(|package| (package.credits, package.price)).collect();
        assert_eq!(packages, [(1, 299), (5, 899), (10, 1499), (30, 2999)]);
        let plans = [
            (Tier::Creator, 10, 1999, 19900),
            (Tier::Pro, 30, 2999, 29900),
            (Tier::Investor, 30, 3999, 39900),
        ];
        for (tier, credits, month, year) in plans {
            let plan = offer.plan(tier);
            assert_eq!(
                (plan.credits_a_month, plan.price(Interval::Month), plan.price(Interval::Year)),
                (credits, month, year)
            );
        }
        assert_eq!(offer.plan(Tier::Free).credits_a_month, 0);
    }
}
