//! What is said of samples.

/// Median and quartiles.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Half are smaller.
    pub median: f64,
    /// A quarter is smaller.
    pub q1: f64,
    /// A quarter is larger.
    pub q3: f64,
}

impl Spread {
    /// Of `samples`, all of them.
    pub fn of(samples: &[f64]) -> Self {
        Self { median: quantile(samples, 0.5), q1: quantile(samples, 0.25), q3: quantile(samples, 0.75) }
    }

    /// Of the ratios of the pairs: a disturbance that lasts longer than a pair is in both of its halves.
    pub fn of_ratios(ours: &[f64], floor: &[f64]) -> Self {
        let ratios: Vec<_> = ours.iter().zip(floor).map(|(ours, floor)| ours / floor).collect();
        Self::of(&ratios)
    }
}

/// Linear between neighbours.
pub fn quantile(samples: &[f64], q: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = q * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// Measures `variants` things `rounds` times, in the order A B C, C B A, A B C ... Returns the samples by variant. The first round is preceded
/// by one of each that only warms up.
pub async fn abba<T>(
    rounds: usize,
    variants: usize,
    mut measure: impl AsyncFnMut(usize) -> T,
) -> Vec<Vec<T>> {
    for variant in 0..variants {
        measure(variant).await;
    }
    let mut samples: Vec<Vec<T>> = (0..variants).map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        for place in 0..variants {
            let variant = if round % 2 == 0 { place } else { variants - 1 - place };
            samples[variant].push(measure(variant).await);
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_samples() {
        let samples = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&samples, 0.5), 2.5);
        assert_eq!(quantile(&samples, 0.0), 1.0);
        assert_eq!(quantile(&samples, 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn a_ratio_is_made_within_its_pair() {
        let spread = Spread::of_ratios(&[1.0, 20.0, 3.0], &[2.0, 40.0, 6.0]);
        assert_eq!((spread.q1, spread.median, spread.q3), (0.5, 0.5, 0.5));
    }

    #[tokio::test]
    async fn the_order_turns_round_after_a_warming_up() {
        let mut order = String::new();
        let samples = abba(3, 2, async |variant| {
            order.push(['a', 'b'][variant]);
            order.len() as f64
        })
        .await;
        assert_eq!(order, "ababbaab");
        assert_eq!(samples, [[3.0, 6.0, 7.0], [4.0, 5.0, 8.0]]);
    }
}
