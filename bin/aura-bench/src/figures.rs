//! What a run measured, and how it is printed.

use std::{fmt::Write as _, time::Duration};

/// Whether more or less of a figure is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    More,
    Less,
    /// It only describes the run.
    Neither,
}

/// One measured value.
#[derive(Clone, Debug)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
}

/// The values of one run, in the order of measuring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(pub(crate) Vec<Figure>);

impl Figures {
    /// Adds a value of which more is better.
    pub(crate) fn more(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.push(name, value, unit, Better::More);
    }

    /// Adds a value of which less is better.
    pub(crate) fn less(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.push(name, value, unit, Better::Less);
    }

    /// Adds a value that only describes the run.
    pub(crate) fn note(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.push(name, value, unit, Better::Neither);
    }

    /// Adds p50 and p99 of `latencies`.
    pub(crate) fn latencies(&mut self, name: &str, mut latencies: Vec<Duration>) {
        latencies.sort_unstable();
        for (label, share) in [("p50", 0.50), ("p99", 0.99)] {
            if let Some(latency) = percentile(&latencies, share) {
                self.less(format!("{name} {label}"), latency.as_secs_f64() * 1e3, "ms");
            }
        }
    }

    fn push(&mut self, name: impl Into<String>, value: f64, unit: &'static str, better: Better) {
        let name = name.into();
        self.0.push(Figure {
            name,
            value,
            unit,
            better,
        });
    }

    /// Puts `prefix` before each name.
    pub(crate) fn prefixed(mut self, prefix: &str) -> Self {
        for figure in &mut self.0 {
            figure.name = format!("{prefix}: {}", figure.name);
        }
        self
    }

    /// One line a value.
    pub(crate) fn lines(&self) -> String {
        self.0.iter().fold(String::new(), |mut out, figure| {
            let _ = writeln!(
                out,
                "{:<48} {:>14} {}",
                figure.name,
                number(figure.value),
                figure.unit
            );
            out
        })
    }
}

/// The value below which `share` of the sorted values lie.
pub(crate) fn percentile<T: Copy>(sorted: &[T], share: f64) -> Option<T> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).copied()
}

/// The middle of `values`, and their least and greatest.
pub(crate) fn spread(mut values: Vec<f64>) -> Option<(f64, f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    Some((percentile(&values, 0.5)?, *values.first()?, *values.last()?))
}

/// A Markdown table: the middle of the rounds for two servers, and how many times better the first is.
pub(crate) fn table(names: [&str; 2], rounds: &[[Figures; 2]]) -> String {
    let [ours, theirs] = names;
    let mut out = format!(
        "| figure | unit | {ours} | {theirs} | {ours} is better by |\n|---|---|---|---|---|\n"
    );
    let Some([first, _]) = rounds.first() else {
        return out;
    };
    for figure in &first.0 {
        let of = |server: usize| {
            let values = rounds.iter().filter_map(|round| {
                round[server]
                    .0
                    .iter()
                    .find(|other| other.name == figure.name)
                    .map(|f| f.value)
            });
            spread(values.collect())
        };
        let cell = |spread: Option<(f64, f64, f64)>| match spread {
            Some((middle, least, greatest)) => {
                format!(
                    "{} ({} to {})",
                    number(middle),
                    number(least),
                    number(greatest)
                )
            }
            None => "-".to_owned(),
        };
        let (a, b) = (of(0), of(1));
        let ratio = match (a, b, figure.better) {
            (Some((a, ..)), Some((b, ..)), Better::More) if b > 0.0 => times(a / b),
            (Some((a, ..)), Some((b, ..)), Better::Less) if a > 0.0 && b > 0.0 => times(b / a),
            _ => "-".to_owned(),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {ratio} |",
            figure.name,
            figure.unit,
            cell(a),
            cell(b)
        );
    }
    out
}

fn times(ratio: f64) -> String {
    format!("{ratio:.2} times")
}

/// A number with as many digits as it is worth, and thousands apart.
fn number(value: f64) -> String {
    if value.abs() < 1000.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_of_known_values() {
        let values: Vec<u32> = (0..=100).collect();
        assert_eq!(percentile(&values, 0.5), Some(50));
        assert_eq!(percentile(&values, 0.99), Some(99));
        assert_eq!(percentile::<u32>(&[], 0.5), None);
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), Some((2.0, 1.0, 3.0)));
    }

    #[test]
    fn numbers_have_thousands_apart() {
        assert_eq!(number(1234567.0), "1,234,567");
        assert_eq!(number(999.5), "999.50");
        assert_eq!(number(12345.0), "12,345");
    }

    #[test]
    fn table_says_by_how_much_the_first_is_better() {
        let run = |rate: f64, wait: f64| {
            let mut figures = Figures::default();
            figures.more("rate", rate, "1/s");
            figures.less("wait", wait, "ms");
            figures
        };
        let text = table(["a", "b"], &[[run(10.0, 1.0), run(5.0, 4.0)]]);
        assert!(text.contains(
            "| rate | 1/s | 10.00 (10.00 to 10.00) | 5.00 (5.00 to 5.00) | 2.00 times |"
        ));
        assert!(text.contains("| 4.00 times |"));
    }
}
