//! Pausing and resuming a long-lived service from outside.

use std::sync::Arc;

use tokio::sync::watch;

/// Why a switch did not turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SwitchError {
    /// It is where it was to be turned.
    #[error("it is already {}", if *.on { "running" } else { "stopped" })]
    Already {
        /// Whether the service runs.
        on: bool,
    },
    /// The service has ended, or ended before it followed.
    #[error("it has ended")]
    Ended,
}

/// The operator's side. Clones turn the same switch.
#[derive(Debug, Clone)]
pub struct Switch {
    wanted: Arc<watch::Sender<bool>>,
    actual: watch::Receiver<bool>,
}

/// The service's side; dropping it says that the service has ended.
#[derive(Debug)]
pub struct Switched {
    wanted: watch::Receiver<bool>,
    actual: watch::Sender<bool>,
}

/// A switch that is on, and the side that the service keeps.
pub fn switch() -> (Switch, Switched) {
    let (wanted, wanted_by_operator) = watch::channel(true);
    let (actual, reported) = watch::channel(true);
    (
        Switch {
            wanted: Arc::new(wanted),
            actual: reported,
        },
        Switched {
            wanted: wanted_by_operator,
            actual,
        },
    )
}

impl Switch {
    /// Whether the service runs.
    pub fn is_on(&self) -> bool {
        *self.actual.borrow() && self.actual.has_changed().is_ok()
    }

    /// Turns the switch and waits until the service has followed.
    ///
    /// # Errors
    /// [`SwitchError::Already`] if it was turned so before, [`SwitchError::Ended`].
    pub async fn turn(&self, on: bool) -> Result<(), SwitchError> {
        let turned = self
            .wanted
            .send_if_modified(|wanted| std::mem::replace(wanted, on) != on);
        if !turned {
            return Err(SwitchError::Already { on });
        }
        let mut actual = self.actual.clone();
        match actual.wait_for(|actual| *actual == on).await {
            Ok(_) => Ok(()),
            Err(_) => Err(SwitchError::Ended),
        }
    }
}

impl Switched {
    /// Whether the service is to run.
    pub fn is_wanted_on(&self) -> bool {
        *self.wanted.borrow()
    }

    /// Waits until the service is to be as `on` says; for ever if there is no switch any more.
    pub async fn wanted(&self, on: bool) {
        let mut wanted = self.wanted.clone();
        if wanted.wait_for(|wanted| *wanted == on).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Says that the service has followed the switch.
    pub fn report(&self, on: bool) {
        self.actual.send_replace(on);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn turning_waits_for_the_service() {
        let (switch, switched) = switch();
        assert!(switch.is_on() && switched.is_wanted_on());
        assert_eq!(
            switch.turn(true).await,
            Err(SwitchError::Already { on: true })
        );
        let service = async {
            switched.wanted(false).await;
            assert!(switch.is_on(), "not before the service says so");
            switched.report(false);
        };
        let (turned, ()) = tokio::join!(switch.turn(false), service);
        turned.unwrap();
        assert!(!switch.is_on());
        assert_eq!(
            switch.turn(false).await,
            Err(SwitchError::Already { on: false })
        );
        let service = async {
            switched.wanted(true).await;
            switched.report(true);
        };
        let (turned, ()) = tokio::join!(switch.turn(true), service);
        turned.unwrap();
        assert!(switch.is_on());
    }

    #[tokio::test]
    async fn a_service_that_has_ended_is_off() {
        let (switch, switched) = switch();
        drop(switched);
        assert!(!switch.is_on());
        assert_eq!(switch.turn(false).await, Err(SwitchError::Ended));
    }
}
