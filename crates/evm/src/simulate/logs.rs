//! Logs of a simulated call, transfers of ether among them.

use alloy_primitives::{Address, B256, Log, LogData, U256, address, b256};
use revm::{
    Inspector,
    context::{ContextTr, JournalTr},
    interpreter::{
        CallInputs, CallOutcome, CallScheme, CreateInputs, CreateOutcome, InterpreterTypes,
    },
};

use super::SimulatedLog;

/// Address that logs of transfers come from, by the specification of `eth_simulateV1`.
const TRANSFER_EMITTER: Address = address!("eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
/// Topic of `Transfer(address,address,uint256)`.
const TRANSFER_TOPIC: B256 =
    b256!("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");

/// Collects the logs of one call after the other.
///
/// They are numbered as they are written, whether or not they stand in the end: that is how geth
/// numbers them, and the recorded tests with it.
#[derive(Debug, Default)]
pub(super) struct LogCollector {
    trace_transfers: bool,
    next_index: u64,
    /// Logs of each open frame.
    frames: Vec<Vec<SimulatedLog>>,
    /// Logs of the call that ended last.
    finished: Vec<SimulatedLog>,
}

impl LogCollector {
    pub(super) fn new(trace_transfers: bool) -> Self {
        Self {
            trace_transfers,
            ..Self::default()
        }
    }

    /// Takes the logs of the call that ended last.
    pub(super) fn take(&mut self) -> Vec<SimulatedLog> {
        self.frames.clear();
        std::mem::take(&mut self.finished)
    }

    fn push(&mut self, log: Log) {
        let index = self.next_index;
        self.next_index += 1;
        if let Some(frame) = self.frames.last_mut() {
            frame.push(SimulatedLog { log, index });
        }
    }

    fn transfer(&mut self, from: Address, to: Address, value: U256) {
        if !self.trace_transfers || value.is_zero() {
            return;
        }
        let topics = vec![TRANSFER_TOPIC, from.into_word(), to.into_word()];
        let data = value.to_be_bytes::<32>().into();
        self.push(Log {
            address: TRANSFER_EMITTER,
            data: LogData::new_unchecked(topics, data),
        });
    }

    /// Ends a frame: its logs join those of the frame around it, or are dropped with it.
    fn end(&mut self, success: bool) {
        let Some(logs) = self.frames.pop().filter(|_| success) else {
            return;
        };
        match self.frames.last_mut() {
            Some(outer) => outer.extend(logs),
            None => self.finished = logs,
        }
    }
}

impl<CTX: ContextTr, INTR: InterpreterTypes> Inspector<CTX, INTR> for LogCollector {
    fn log(&mut self, _: &mut CTX, log: Log) {
        self.push(log);
    }

    fn call(&mut self, _: &mut CTX, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.frames.push(Vec::new());
        // CALLCODE names a value, which stays where it is.
        if inputs.scheme == CallScheme::Call
            && let Some(value) = inputs.transfer_value()
        {
            self.transfer(inputs.transfer_from(), inputs.transfer_to(), value);
        }
        None
    }

    fn call_end(&mut self, _: &mut CTX, _: &CallInputs, outcome: &mut CallOutcome) {
        self.end(outcome.result.is_ok());
    }

    fn create(&mut self, context: &mut CTX, inputs: &mut CreateInputs) -> Option<CreateOutcome> {
        self.frames.push(Vec::new());
        // A failing read fails the frame itself right after.
        if let Ok(caller) = context.journal_mut().load_account(inputs.caller()) {
            let created = inputs.created_address(caller.data.info.nonce);
            self.transfer(inputs.caller(), created, inputs.value());
        }
        None
    }

    fn create_end(&mut self, _: &mut CTX, _: &CreateInputs, outcome: &mut CreateOutcome) {
        self.end(outcome.result.is_ok());
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.transfer(contract, target, value);
    }
}
