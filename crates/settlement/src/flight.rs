//! What was sent and has not come to its end.

use alloy_primitives::Bytes;
use alloy_rpc_types_eth::TransactionReceipt;
use aura_l1::tx::{TxManager, TxOutcome, TxState, TxTicket};

/// Transactions of one label. This process sends one at a time.
#[derive(Debug)]
pub(crate) struct Flights<T> {
    /// Sent by an earlier process.
    earlier: Vec<TxTicket>,
    flight: Option<Flight<T>>,
}

#[derive(Debug)]
struct Flight<T> {
    what: T,
    ticket: TxTicket,
    /// L1 block that it was mined in.
    mined: Option<u64>,
}

/// How what was sent is doing.
#[derive(Debug)]
pub(crate) enum Sent<T> {
    /// Its end is not known, or the watcher has not seen it: nothing else is to be sent.
    Open,
    /// There is nothing, or it has ended.
    Nothing,
    /// L1 has refused it. There is nothing else.
    Refused {
        what: T,
        data: Bytes,
        message: String,
    },
}

impl<T> Flights<T> {
    /// Takes up what an earlier process sent with `label`.
    pub(crate) fn new(manager: &TxManager, label: &str) -> Self {
        let earlier = manager.unfinished().iter();
        let earlier = earlier.filter(|ticket| ticket.label() == label).cloned();
        Self {
            earlier: earlier.collect(),
            flight: None,
        }
    }

    pub(crate) fn start(&mut self, what: T, ticket: TxTicket) {
        self.flight = Some(Flight {
            what,
            ticket,
            mined: None,
        });
    }

    /// Those whose end is not known.
    pub(crate) fn tickets(&self) -> impl Iterator<Item = &TxTicket> {
        let flight = self.flight.iter().map(|flight| &flight.ticket);
        self.earlier.iter().chain(flight)
    }

    /// Looks at what was sent, as of block `head` of the watcher. `is_seen` says whether the watcher has
    /// found it on L1; `mined` is called once, when it is in a block.
    pub(crate) fn look(
        &mut self,
        head: u64,
        is_seen: impl FnOnce(&T) -> bool,
        mined: impl FnOnce(&T, &TransactionReceipt),
    ) -> Sent<T> {
        self.earlier.retain(|ticket| !is_over(ticket, head));
        let Some(mut flight) = self.flight.take() else {
            return if self.earlier.is_empty() {
                Sent::Nothing
            } else {
                Sent::Open
            };
        };
        let TxState::Done(outcome) = flight.ticket.state() else {
            self.flight = Some(flight);
            return Sent::Open;
        };
        match outcome {
            TxOutcome::Mined { receipt, .. } => {
                let block = receipt.block_number.unwrap_or_default();
                if flight.mined.replace(block).is_none() {
                    mined(&flight.what, &receipt);
                }
                // The watcher has been where it was mined: if it is not there it was taken back.
                if head <= block && !is_seen(&flight.what) {
                    self.flight = Some(flight);
                    return Sent::Open;
                }
                Sent::Nothing
            }
            TxOutcome::Reverted { data, message, .. } => Sent::Refused {
                what: flight.what,
                data,
                message,
            },
            _ => Sent::Nothing,
        }
    }
}

/// Whether what an earlier process sent has ended, and the watcher has been where it was mined: until
/// then its place on L1 seems to be free.
fn is_over(ticket: &TxTicket, head: u64) -> bool {
    match ticket.state() {
        TxState::Done(TxOutcome::Mined { receipt, .. }) => {
            receipt.block_number.unwrap_or_default() <= head
        }
        TxState::Done(_) => true,
        _ => false,
    }
}
