//! Compares what the books say of each other. Reports; repairs nothing: what does not fit is a mistake that a person has to see.

use crate::error::Error;
use crate::state::AppState;
use crate::store::audits::{self, CLAIMS};

/// What a claim was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What should be.
    pub claim: &'static str,
    /// How many rows contradict it.
    pub contradictions: i64,
}

/// Looks at all claims now. Opens its own transaction.
pub async fn look(state: &AppState) -> Result<Vec<Finding>, Error> {
    let mut tx = state.databases.system.begin().await?;
    // All claims are about one moment.
    diesel_async::SimpleAsyncConnection::batch_execute(
        &mut tx,
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    )
    .await?;
    let mut findings = Vec::new();
    for claim in &CLAIMS {
        let contradictions = audits::contradictions(&mut tx, claim, state.clock.now()).await?;
        if contradictions > 0 {
            tracing::error!(claim = claim.name, contradictions, "the books do not balance");
        }
        metrics::gauge!("payments_contradictions", "claim" => claim.name)
            .set(u32::try_from(contradictions).map_or(f64::MAX, f64::from));
        findings.push(Finding { claim: claim.name, contradictions });
    }
    Ok(findings)
}

/// Looks, and returns the sum of the contradictions.
pub async fn reconcile(state: &AppState) -> Result<i64, Error> {
    let findings = look(state).await?;
    Ok(findings.iter().map(|finding| finding.contradictions).sum())
}
