//! The opcode logger: one entry for each step, as geth writes them.

use std::{collections::BTreeMap, mem};

use alloy_primitives::{Address, U256, map::AddressMap};
use alloy_rpc_types_trace::geth::GethDefaultTracingOptions;
use revm::{
    Inspector,
    bytecode::opcode::{self, OpCode},
    context::JournalTr,
    context_interface::{ContextTr, result::ExecutionResult},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, InstructionResult, Interpreter,
        interpreter_types::{InputsTr, Jumps, LoopControl, ReturnData},
    },
};

use super::{
    JsonText, TraceError,
    text::{push_bytes, push_decimal, push_quantity, push_word},
    watch::Recorder,
};
use crate::call::deadline::CallContext;

/// Longest part of an entry that does not depend on stack, memory and storage.
const HEAD_BYTES: usize = 256;

/// Writes each step as JSON at once; nothing but the text is kept.
#[derive(Debug)]
pub(super) struct StructLogger {
    options: GethDefaultTracingOptions,
    entries: Vec<u8>,
    max_bytes: usize,
    full: bool,
    steps: u64,
    /// The step that is being executed, and its stack, memory and return data as text.
    pending: Option<Step>,
    tail: Vec<u8>,
    /// Slots that each contract has touched, with their last value.
    storage: AddressMap<BTreeMap<U256, U256>>,
    /// Refund counter of the frames below, one entry per open frame.
    refunds: Vec<i64>,
    refund: i64,
}

/// What is known of a step before it is executed.
#[derive(Debug, Clone, Copy)]
struct Step {
    pc: usize,
    op: u8,
    gas: u64,
    depth: usize,
    stack_len: usize,
    refund: i64,
    touched: Option<Touched>,
}

/// The slot that a step touches.
#[derive(Debug, Clone, Copy)]
struct Touched {
    contract: Address,
    slot: U256,
    /// Value that is written; what is read shows only afterwards.
    written: Option<U256>,
}

impl StructLogger {
    pub(super) fn new(options: GethDefaultTracingOptions) -> Self {
        Self {
            options,
            entries: Vec::new(),
            max_bytes: 0,
            full: false,
            steps: 0,
            pending: None,
            tail: Vec::new(),
            storage: AddressMap::default(),
            refunds: Vec::new(),
            refund: 0,
        }
    }

    /// Writes the trace of a transaction that ended with `result`.
    pub(super) fn write(
        &mut self,
        result: &ExecutionResult,
        text: &mut JsonText,
    ) -> Result<(), TraceError> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(b"{\"gas\":");
        push_decimal(&mut head, result.tx_gas_used());
        head.extend_from_slice(b",\"failed\":");
        let failed = if result.is_success() { "false" } else { "true" };
        head.extend_from_slice(failed.as_bytes());
        head.extend_from_slice(b",\"returnValue\":");
        push_bytes(&mut head, result.output().map_or(&[][..], |output| output));
        head.extend_from_slice(b",\"structLogs\":[");
        text.push(&head)?;
        let entries = mem::take(&mut self.entries);
        text.push(entries.strip_suffix(b",").unwrap_or(&entries))?;
        text.push(b"]}")
    }

    fn is_limit_reached(&self) -> bool {
        let limit = self.options.limit.filter(|limit| *limit != 0);
        limit.is_some_and(|limit| self.steps >= limit)
    }

    /// Writes what the step sees: stack, return data and memory.
    fn write_sight(&mut self, interp: &Interpreter) {
        let tail = &mut self.tail;
        if self.options.is_stack_enabled() {
            tail.extend_from_slice(b",\"stack\":[");
            for (index, word) in interp.stack.data().iter().enumerate() {
                if index > 0 {
                    tail.push(b',');
                }
                push_quantity(tail, *word);
            }
            tail.push(b']');
        }
        if self.options.is_return_data_enabled() {
            let data = interp.return_data.buffer();
            if !data.is_empty() {
                tail.extend_from_slice(b",\"returnData\":");
                push_bytes(tail, data);
            }
        }
        if self.options.is_memory_enabled() {
            let memory = interp.memory.context_memory();
            if !memory.is_empty() {
                tail.extend_from_slice(b",\"memory\":[");
                for (index, word) in memory.chunks(32).enumerate() {
                    if index > 0 {
                        tail.push(b',');
                    }
                    push_word(tail, word);
                }
                tail.push(b']');
            }
        }
    }

    /// Bytes that stack, return data and memory of the step take as text, at most.
    fn sight_bytes(&self, interp: &Interpreter) -> usize {
        let mut bytes = HEAD_BYTES;
        if self.options.is_stack_enabled() {
            bytes += 70 * interp.stack.len();
        }
        if self.options.is_return_data_enabled() {
            bytes += 2 * interp.return_data.buffer().len();
        }
        if self.options.is_memory_enabled() {
            bytes += 70 * interp.memory.len().div_ceil(32);
        }
        bytes
    }

    /// Notes the slot's value and writes all that the contract has touched.
    fn write_storage(&mut self, touched: Touched, value: U256) {
        let slots = self.storage.entry(touched.contract).or_default();
        slots.insert(touched.slot, value);
        // Two words with their quotes for each slot.
        if self.entries.len() + self.tail.len() + 140 * slots.len() > self.max_bytes {
            self.full = true;
            return;
        }
        let out = &mut self.tail;
        out.extend_from_slice(b",\"storage\":{");
        for (index, (slot, value)) in slots.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_word(out, &slot.to_be_bytes::<32>());
            out.push(b':');
            push_word(out, &value.to_be_bytes::<32>());
        }
        out.push(b'}');
    }

    fn write_entry(&mut self, step: &Step, gas_cost: u64, error: Option<&str>) {
        let out = &mut self.entries;
        out.extend_from_slice(b"{\"pc\":");
        push_decimal(out, step.pc as u64);
        out.extend_from_slice(b",\"op\":\"");
        match OpCode::new(step.op) {
            Some(op) => out.extend_from_slice(op.as_str().as_bytes()),
            None => {
                out.extend_from_slice(format!("opcode {:#x} not defined", step.op).as_bytes());
            }
        }
        out.extend_from_slice(b"\",\"gas\":");
        push_decimal(out, step.gas);
        out.extend_from_slice(b",\"gasCost\":");
        push_decimal(out, gas_cost);
        out.extend_from_slice(b",\"depth\":");
        push_decimal(out, step.depth as u64);
        if let Some(error) = error {
            // Texts of our own without characters to be escaped.
            out.extend_from_slice(b",\"error\":\"");
            out.extend_from_slice(error.as_bytes());
            out.push(b'"');
        }
        out.append(&mut self.tail);
        if let Ok(refund @ 1..) = u64::try_from(step.refund) {
            out.extend_from_slice(b",\"refund\":");
            push_decimal(out, refund);
        }
        out.extend_from_slice(b"},");
    }

    /// Refund counter of the transaction while `interp` is the innermost frame.
    fn refund_with(&self, interp: &Interpreter) -> i64 {
        let below = self.refunds.last().copied().unwrap_or_default();
        below + interp.gas.refunded()
    }
}

/// What a slot instruction is about to touch.
fn touched(op: u8, interp: &Interpreter) -> Option<Touched> {
    let contract = interp.input.target_address();
    match (op, interp.stack.data().as_slice()) {
        (opcode::SLOAD, [.., slot]) => Some(Touched {
            contract,
            slot: *slot,
            written: None,
        }),
        (opcode::SSTORE, [.., value, slot]) => Some(Touched {
            contract,
            slot: *slot,
            written: Some(*value),
        }),
        _ => None,
    }
}

/// The failure of a step in geth's words.
fn describe(result: InstructionResult, step: &Step) -> Option<String> {
    use InstructionResult as R;
    let inputs = OpCode::new(step.op).map_or(0, |op| op.inputs());
    let text = match result {
        R::StackUnderflow => {
            return Some(format!("stack underflow ({} <=> {inputs})", step.stack_len));
        }
        R::StackOverflow => return Some(format!("stack limit reached {} (1023)", step.stack_len)),
        R::OutOfGas
        | R::MemoryOOG
        | R::MemoryLimitOOG
        | R::PrecompileOOG
        | R::ReentrancySentryOOG => "out of gas",
        R::InvalidOperandOOG => "gas uint64 overflow",
        R::OpcodeNotFound | R::NotActivated => "invalid opcode",
        R::InvalidFEOpcode => "invalid opcode: INVALID",
        R::InvalidJump => "invalid jump destination",
        R::OutOfOffset => "return data out of bounds",
        R::StateChangeDuringStaticCall | R::CallNotAllowedInsideStatic => "write protection",
        R::CreateInitCodeSizeLimit => "max initcode size exceeded",
        other if other.is_halt() => "execution failed",
        _ => return None,
    };
    Some(text.to_owned())
}

impl Recorder for StructLogger {
    fn reset(&mut self, max_bytes: usize) {
        let entries = {
            let mut entries = mem::take(&mut self.entries);
            entries.clear();
            entries
        };
        *self = Self {
            entries,
            max_bytes,
            ..Self::new(self.options)
        };
    }

    fn frame_bytes(&self, _data: usize) -> usize {
        0
    }

    fn is_full(&self) -> bool {
        self.full
    }
}

impl Inspector<CallContext> for StructLogger {
    fn step(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        self.pending = None;
        if self.is_limit_reached() {
            return;
        }
        if self.entries.len() + self.sight_bytes(interp) > self.max_bytes {
            self.full = true;
            return;
        }
        self.steps += 1;
        self.tail.clear();
        self.write_sight(interp);
        let op = interp.bytecode.opcode();
        self.pending = Some(Step {
            pc: interp.bytecode.pc(),
            op,
            gas: interp.gas.remaining(),
            depth: context.journal().depth(),
            stack_len: interp.stack.len(),
            refund: self.refund_with(interp),
            touched: self
                .options
                .is_storage_enabled()
                .then(|| touched(op, interp))
                .flatten(),
        });
    }

    fn step_end(&mut self, interp: &mut Interpreter, _context: &mut CallContext) {
        self.refund = self.refund_with(interp);
        let Some(step) = self.pending.take() else {
            return;
        };
        let error = interp
            .bytecode
            .instruction_result()
            .and_then(|result| describe(result, &step));
        if let Some(touched) = step.touched
            && let Some(value) = match (touched.written, &error) {
                (Some(written), _) => Some(written),
                (None, None) => interp.stack.data().last().copied(),
                (None, Some(_)) => None,
            }
        {
            self.write_storage(touched, value);
        }
        // A charge that could not be paid is taken off all the same, below zero.
        let left = interp.gas.remaining();
        let cost = if left > step.gas && error.is_some() {
            step.gas.wrapping_sub(left)
        } else {
            step.gas.saturating_sub(left)
        };
        self.write_entry(&step, cost, error.as_deref());
    }

    fn call(&mut self, _context: &mut CallContext, _: &mut CallInputs) -> Option<CallOutcome> {
        self.refunds.push(self.refund);
        None
    }

    fn call_end(&mut self, _: &mut CallContext, _: &CallInputs, _: &mut CallOutcome) {
        self.refunds.pop();
    }

    fn create(&mut self, _: &mut CallContext, _: &mut CreateInputs) -> Option<CreateOutcome> {
        self.refunds.push(self.refund);
        None
    }

    fn create_end(&mut self, _: &mut CallContext, _: &CreateInputs, _: &mut CreateOutcome) {
        self.refunds.pop();
    }
}
