//! What was measured several times.

/// The figures of one kind.
#[derive(Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn add(&mut self, figure: f64) {
        let position = self.0.partition_point(|&other| other < figure);
        self.0.insert(position, figure);
    }

    /// The middle figure, the lower one of two.
    pub(crate) fn median(&self) -> f64 {
        self.0
            .get(self.0.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or(f64::NAN)
    }

    /// The median, and between which figures it lies.
    pub(crate) fn show(&self, unit: &str) -> String {
        let least = self.0.first().copied().unwrap_or(f64::NAN);
        let greatest = self.0.last().copied().unwrap_or(f64::NAN);
        format!("{:>6.0} {unit:<4}  ({least:.0} to {greatest:.0})", self.median())
    }
}
