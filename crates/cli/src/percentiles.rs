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
