//! Keeps what an inspector records within bounds.

use alloy_primitives::{Address, Log, U256};
use revm::{
    Inspector,
    context_interface::{ContextTr, context::ContextError},
    interpreter::{
        CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter,
        interpreter_types::LoopControl,
    },
};
use revm_inspectors::{
    otterscan::InternalOperationsInspector,
    tracing::{TraceLimitBehavior, TraceLimits as RecordLimits, TracingInspector},
};

use crate::call::deadline::CallContext;

/// Bytes of half a call frame in any kind of trace, roughly: once for its start, once for its end.
const FRAME_BYTES: usize = 200;
/// Bytes of a recorded step, roughly, without its stack and memory.
const STEP_BYTES: usize = 200;

/// An inspector whose records grow with what the code does.
pub(super) trait Recorder: Inspector<CallContext> {
    /// Forgets the last transaction; `max_bytes` is left for the next one.
    fn reset(&mut self, max_bytes: usize);

    /// Roughly the bytes that a step adds.
    fn step_bytes(&self, _interp: &Interpreter) -> usize {
        0
    }

    /// Roughly the bytes that a frame adds which starts or ends with `data` bytes.
    fn frame_bytes(&self, data: usize) -> usize {
        FRAME_BYTES + 2 * data
    }

    /// Returns `true` if the recorder itself found that its limit is reached.
    fn is_full(&self) -> bool {
        false
    }
}

/// Records nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nothing;

impl Inspector<CallContext> for Nothing {}

impl Recorder for Nothing {
    fn reset(&mut self, _max_bytes: usize) {}

    fn frame_bytes(&self, _data: usize) -> usize {
        0
    }
}

impl Recorder for InternalOperationsInspector {
    fn reset(&mut self, _max_bytes: usize) {
        *self = Self::default();
    }

    fn frame_bytes(&self, _data: usize) -> usize {
        FRAME_BYTES
    }
}

impl Recorder for TracingInspector {
    fn reset(&mut self, max_bytes: usize) {
        let limits = RecordLimits::default()
            // Bytes are written as two digits.
            .set_max_recorded_bytes(Some(max_bytes / 2))
            .set_behavior(TraceLimitBehavior::Halt);
        *self = Self::new(*self.config()).with_limits(limits);
    }

    fn step_bytes(&self, interp: &Interpreter) -> usize {
        let config = self.config();
        if !config.record_steps {
            return 0;
        }
        let stack = config.record_stack_snapshots;
        let words = if stack.is_full() || stack.is_all() {
            interp.stack.len()
        } else {
            1
        };
        STEP_BYTES + 32 * words
    }

    fn is_full(&self) -> bool {
        self.limit_exceeded()
    }
}

/// A recorder that is stopped, and the execution with it, before it takes too much memory.
///
/// Gas alone does not bound it: memory that is paid for once can be handed to hundreds of thousands
/// of calls.
#[derive(Debug)]
pub(super) struct Watched<R> {
    recorder: R,
    left: usize,
    full: bool,
}

impl<R: Recorder> Watched<R> {
    pub(super) fn new(mut recorder: R, max_bytes: usize) -> Self {
        recorder.reset(max_bytes);
        Self {
            recorder,
            left: max_bytes,
            full: false,
        }
    }

    pub(super) fn reset(&mut self, max_bytes: usize) {
        self.recorder.reset(max_bytes);
        self.left = max_bytes;
        self.full = false;
    }

    pub(super) const fn left(&self) -> usize {
        self.left
    }

    pub(super) const fn recorder(&mut self) -> &mut R {
        &mut self.recorder
    }

    pub(super) fn is_full(&self) -> bool {
        self.full || self.recorder.is_full()
    }

    fn take(&mut self, bytes: usize) {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => self.full = true,
        }
    }

    fn halt_if_full(&self, interp: &mut Interpreter, context: &mut CallContext) -> bool {
        if !self.is_full() {
            return false;
        }
        if context.error().is_ok() {
            *context.error() = Err(ContextError::Custom("trace too large".to_owned()));
        }
        interp.bytecode.reset_action();
        interp.halt_fatal();
        true
    }
}

impl<R: Recorder> Inspector<CallContext> for Watched<R> {
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        if !self.halt_if_full(interp, context) {
            self.recorder.initialize_interp(interp, context);
        }
    }

    #[inline]
    fn step(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        self.take(self.recorder.step_bytes(interp));
        // Stopped before, for the recorder may not expect a step outside of its calls.
        if !self.halt_if_full(interp, context) {
            self.recorder.step(interp, context);
        }
    }

    #[inline]
    fn step_end(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        self.recorder.step_end(interp, context);
        self.halt_if_full(interp, context);
    }

    fn log(&mut self, context: &mut CallContext, log: Log) {
        self.recorder.log(context, log);
    }

    fn call(&mut self, context: &mut CallContext, inputs: &mut CallInputs) -> Option<CallOutcome> {
        self.take(self.recorder.frame_bytes(inputs.input.len()));
        self.recorder.call(context, inputs)
    }

    fn call_end(
        &mut self,
        context: &mut CallContext,
        inputs: &CallInputs,
        outcome: &mut CallOutcome,
    ) {
        self.take(self.recorder.frame_bytes(outcome.result.output.len()));
        self.recorder.call_end(context, inputs, outcome);
    }

    fn create(
        &mut self,
        context: &mut CallContext,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        self.take(self.recorder.frame_bytes(inputs.init_code().len()));
        self.recorder.create(context, inputs)
    }

    fn create_end(
        &mut self,
        context: &mut CallContext,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        self.take(self.recorder.frame_bytes(outcome.result.output.len()));
        self.recorder.create_end(context, inputs, outcome);
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        self.recorder.selfdestruct(contract, target, value);
    }
}
