//! Half of the measured values, and 99 of 100, are not above these.

use serde::Serialize;

/// In the unit that the field's name says, to a tenth; absent when nothing was measured.
#[derive(Debug, Default, Serialize)]
pub struct Percentiles {
    /// Half are not above.
    pub p50: Option<f64>,
    /// 99 of 100 are not above.
    pub p99: Option<f64>,
}

impl Percentiles {
    /// Those of `values`.
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |part: usize| {
            let place = (values.len() * part).div_ceil(100).checked_sub(1)?;
            values.get(place).map(|it| (it * 10.0).round() / 10.0)
        };
        Self { p50: at(50), p99: at(99) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let of = |count: u32| Percentiles::of((1..=count).map(f64::from).collect());
        assert_eq!((of(100).p50, of(100).p99), (Some(50.0), Some(99.0)));
        assert_eq!((of(1).p50, of(1).p99), (Some(1.0), Some(1.0)));
        assert_eq!(of(0).p50, None);
    }
}
