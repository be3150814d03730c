//! The sequencer's side of the bridge: what blocks take from L1, and what L1 takes back.

mod canonical;
mod control;
mod plan;

use aura_chainspec::BridgeSpec;
use aura_l1::L1View;

pub use control::{ForcedBatch, RequestError, Requests, SequencerHandle};

pub(crate) use canonical::newest_canonical;
pub(crate) use control::Request;
pub(crate) use plan::{Plan, Planner, cursor};

/// What connects a sequencer with L1.
#[derive(Debug)]
pub struct Bridge {
    pub(crate) planner: Planner,
    pub(crate) requests: Requests,
    /// The request that was taken last, until it is carried out.
    pub(crate) waiting: Option<Request>,
    /// The tracker's rewinds that the chain has followed; `None` before the first look.
    pub(crate) followed: Option<u64>,
}

impl Bridge {
    /// Blocks take from `view` what `spec` says is ours; `requests` come from a
    /// [`SequencerHandle`].
    pub fn new(view: L1View, spec: BridgeSpec, requests: Requests) -> Self {
        Self {
            planner: Planner {
                view,
                spec,
                hold_queue: false,
            },
            requests,
            waiting: None,
            followed: None,
        }
    }

    /// Leaves the queue alone: for tests of what users can do against a hostile sequencer.
    #[must_use]
    pub const fn hold_queue(mut self, hold: bool) -> Self {
        self.planner.hold_queue = hold;
        self
    }

    /// Waits until L1 has something new, or somebody asks for something.
    pub(crate) async fn news(&mut self) {
        tokio::select! {
            () = self.planner.view.changed() => {}
            () = self.requests.wait(&mut self.waiting) => {}
        }
    }

    /// The next request, if one waits.
    pub(crate) fn take_request(&mut self) -> Option<Request> {
        self.waiting.take().or_else(|| self.requests.try_next())
    }
}
