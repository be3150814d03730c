//! What the user sees while it goes on, and what a script gets.

use std::time::Instant;

use serde_json::{Map, Value, json};

/// Why a command failed, as a script can tell by the exit code.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing is wrong; it takes longer.
    #[error("{0}")]
    NotYet(String),
    /// A contract refuses.
    #[error("{0}")]
    Refused(String),
    /// Not enough ether or tokens.
    #[error("{0}")]
    Funds(String),
    /// It has been paid before.
    #[error("withdrawal {0} has been paid already")]
    Claimed(u64),
}

impl Failure {
    /// Exit code of the process; 1 is any other error, 2 a wrong flag.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::NotYet(_) => 3,
            Self::Refused(_) => 4,
            Self::Funds(_) => 5,
            Self::Claimed(_) => 6,
        }
    }
}

/// Collects the steps, and shows them as they come unless a script reads.
pub(super) struct Report {
    is_json: bool,
    started: Instant,
    steps: Vec<Value>,
    fields: Map<String, Value>,
}

impl Report {
    pub(super) fn new(is_json: bool) -> Self {
        Self {
            is_json,
            started: Instant::now(),
            steps: Vec::new(),
            fields: Map::new(),
        }
    }

    /// A step is done, or has begun.
    pub(super) fn step(&mut self, name: &str, text: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        if !self.is_json {
            println!("{}", line(seconds, text));
        }
        let seconds = (seconds * 1_000.0).round() / 1_000.0;
        self.steps.push(json!({ "step": name, "seconds": seconds }));
    }

    /// Something that a script wants to know.
    pub(super) fn field(&mut self, name: &str, value: impl Into<Value>) {
        self.fields.insert(name.to_owned(), value.into());
    }

    /// Prints what a script reads.
    pub(super) fn finish(mut self) -> eyre::Result<()> {
        if self.is_json {
            self.fields.insert("steps".to_owned(), self.steps.into());
            println!("{}", serde_json::to_string_pretty(&self.fields)?);
        }
        Ok(())
    }
}

fn line(seconds: f64, text: &str) -> String {
    format!("[{seconds:>7.1}s] {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned() {
        assert_eq!(line(0.04, "sent"), "[    0.0s] sent");
        assert_eq!(line(604_800.0, "paid"), "[604800.0s] paid");
    }

    #[test]
    fn every_failure_has_an_exit_code_of_its_own() {
        let text = String::new;
        let codes = [
            Failure::NotYet(text()),
            Failure::Refused(text()),
            Failure::Funds(text()),
            Failure::Claimed(1),
        ]
        .map(|failure| failure.code());
        assert_eq!(codes, [3, 4, 5, 6]);
    }
}
