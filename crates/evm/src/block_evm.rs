//! The EVM of one block.

use std::{cell::Cell, mem};

use alloy_evm::{
    Evm, EvmEnv,
    eth::{EthEvm, EthEvmBuilder},
    precompiles::PrecompilesMap,
};
use alloy_primitives::{Address, Bytes};
use revm::{
    context::{BlockEnv, CfgEnv, JournalTr, TxEnv},
    context_interface::result::{EVMError, HaltReason, ResultAndState},
    inspector::NoOpInspector,
    primitives::hardfork::SpecId,
};

use crate::{
    instructions,
    state_db::{StateDb, StateReadError},
};

type ThreadEvm = EthEvm<StateDb, NoOpInspector, PrecompilesMap>;

/// The EVM that blocks are executed on: revm's with our own instructions.
pub fn build_evm(db: StateDb, env: EvmEnv) -> EthEvm<StateDb, NoOpInspector, PrecompilesMap> {
    let mut evm = EthEvmBuilder::new(db, env).build().into_inner();
    instructions::install(&mut evm.instruction, &evm.ctx.cfg);
    EthEvm::new(evm, false)
}

thread_local! {
    /// The thread's EVM between two transactions, with an empty database.
    static SPARE: Cell<Option<Box<ThreadEvm>>> = const { Cell::new(None) };
}

/// An EVM for one block that may move between threads.
///
/// revm's working memory (stack frames, journal, instruction table) is reference-counted without
/// atomics and bound to one thread, and costs more to build than a transfer takes to run. So it
/// stays with the thread and is lent to whichever block executes there, database swapped in.
pub(crate) struct BlockEvm {
    db: StateDb,
    env: EvmEnv,
    inspector: NoOpInspector,
    precompiles: (),
}

impl BlockEvm {
    pub(crate) const fn new(db: StateDb, env: EvmEnv) -> Self {
        Self {
            db,
            env,
            inspector: NoOpInspector {},
            precompiles: (),
        }
    }

    fn lend<T>(&mut self, run: impl FnOnce(&mut ThreadEvm) -> T) -> T {
        let spare = SPARE.take().filter(|evm| evm.cfg == self.env.cfg_env);
        let mut evm =
            spare.unwrap_or_else(|| Box::new(build_evm(StateDb::default(), self.env.clone())));
        evm.block.clone_from(&self.env.block_env);
        mem::swap(&mut evm.journaled_state.database, &mut self.db);
        let outcome = run(&mut evm);
        mem::swap(&mut evm.journaled_state.database, &mut self.db);
        SPARE.set(Some(evm));
        outcome
    }
}

impl Evm for BlockEvm {
    type DB = StateDb;
    type Tx = TxEnv;
    type Error = EVMError<StateReadError>;
    type HaltReason = HaltReason;
    type Spec = SpecId;
    type BlockEnv = BlockEnv;
    type Precompiles = ();
    type Inspector = NoOpInspector;

    fn block(&self) -> &BlockEnv {
        &self.env.block_env
    }

    fn cfg_env(&self) -> &CfgEnv<SpecId> {
        &self.env.cfg_env
    }

    fn chain_id(&self) -> u64 {
        self.env.cfg_env.chain_id
    }

    fn transact_raw(&mut self, tx: TxEnv) -> Result<ResultAndState<HaltReason>, Self::Error> {
        self.lend(|evm| evm.transact_raw(tx))
    }

    fn transact_system_call(
        &mut self,
        caller: Address,
        contract: Address,
        data: Bytes,
    ) -> Result<ResultAndState<HaltReason>, Self::Error> {
        self.lend(|evm| {
            let outcome = evm.transact_system_call(caller, contract, data);
            if outcome.is_err() {
                // revm clears the journal after every transaction, but not after a system call that
                // failed; the next block on this thread must not see its leftovers.
                evm.journaled_state.finalize();
            }
            outcome
        })
    }

    fn finish(self) -> (StateDb, EvmEnv) {
        (self.db, self.env)
    }

    /// Blocks are executed without an inspector.
    fn set_inspector_enabled(&mut self, _enabled: bool) {}

    fn components(&self) -> (&StateDb, &NoOpInspector, &()) {
        (&self.db, &self.inspector, &self.precompiles)
    }

    fn components_mut(&mut self) -> (&mut StateDb, &mut NoOpInspector, &mut ()) {
        (&mut self.db, &mut self.inspector, &mut self.precompiles)
    }
}
