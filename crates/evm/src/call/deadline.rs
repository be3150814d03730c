//! Stops a call that runs for too long.

use std::time::{Duration, Instant};

use revm::{
    context::{BlockEnv, CfgEnv, Context, Journal, TxEnv},
    context_interface::context::ContextError,
    interpreter::{
        Instruction, InstructionContext, InstructionResult, interpreter::EthInterpreter,
    },
};

use crate::StateDb;

/// Context of a call: revm's, with the deadline in its chain slot.
pub(crate) type CallContext = Context<BlockEnv, TxEnv, CfgEnv, StateDb, Journal<StateDb>, Deadline>;

/// Static gas of `JUMPDEST`.
pub(crate) const JUMPDEST_GAS: u16 = 1;
/// Loop iterations between two looks at the clock: a few microseconds of work.
const CHECK_EVERY: u32 = 1 << 12;

/// When a call must end.
///
/// Code without a loop is bounded by its length, and a loop must pass a `JUMPDEST`: counting there
/// catches endless execution at no cost to other opcodes. Work inside one opcode or precompile is
/// bounded by gas alone.
#[derive(Debug)]
pub(crate) struct Deadline {
    at: Instant,
    countdown: u32,
    expired: bool,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self::until(Instant::now() + limit)
    }

    pub(crate) const fn until(at: Instant) -> Self {
        Self {
            at,
            countdown: CHECK_EVERY,
            expired: false,
        }
    }

    /// Returns `true` once a check has found the time used up.
    pub(crate) const fn is_expired(&self) -> bool {
        self.expired
    }

    /// Looks at the clock, for work between two executions.
    pub(crate) fn check_now(&mut self) -> bool {
        self.expired |= Instant::now() >= self.at;
        self.expired
    }

    #[inline]
    fn tick(&mut self) -> bool {
        self.countdown -= 1;
        if self.countdown > 0 {
            return self.expired;
        }
        self.countdown = CHECK_EVERY;
        self.check_now()
    }
}

/// `JUMPDEST` that looks at the clock now and then.
pub(crate) const CHECKED_JUMPDEST: Instruction<EthInterpreter, CallContext> =
    Instruction::new(checked_jumpdest);

fn checked_jumpdest(
    context: InstructionContext<'_, CallContext, EthInterpreter>,
) -> Result<(), InstructionResult> {
    if context.host.chain.tick() {
        context.host.error = Err(ContextError::Custom("timeout".to_owned()));
        return Err(InstructionResult::FatalExternalError);
    }
    Ok(())
}
