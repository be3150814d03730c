//! The EVM of one block.

use std::{cell::Cell, mem};

use alloy_evm::{
    Evm, EvmEnv,
    eth::{EthEvm, EthEvmBuilder, EthEvmContext},
    precompiles::PrecompilesMap,
};
use alloy_primitives::{Address, Bytes};
use revm::{
    context::{BlockEnv, CfgEnv, ContextSetters, Evm as RevmEvm, JournalTr, TxEnv},
    context_interface::result::{EVMError, HaltReason, ResultAndState},
    handler::{EthFrame, Handler, MainnetHandler, SystemCallTx, instructions::EthInstructions},
    inspector::NoOpInspector,
    interpreter::interpreter::EthInterpreter,
    primitives::hardfork::SpecId,
};

use crate::{
    evm_tx::{self, BaseFee, EvmTx},
    instructions,
    state_db::{StateDb, StateReadError},
};

/// Gas of a system call before Amsterdam (EIP-4788 and its like). revm gives more, as Amsterdam does.
const SYSTEM_CALL_GAS: u64 = 30_000_000;

type Machine = RevmEvm<
    EthEvmContext<StateDb>,
    NoOpInspector,
    EthInstructions<EthInterpreter, EthEvmContext<StateDb>>,
    PrecompilesMap,
    EthFrame,
>;

fn machine(db: StateDb, env: EvmEnv) -> Machine {
    let mut evm = EthEvmBuilder::new(db, env).build().into_inner();
    instructions::install(&mut evm.instruction, &evm.ctx.cfg);
    evm
}

/// The EVM that blocks are executed on: revm's with our own instructions.
pub fn build_evm(db: StateDb, env: EvmEnv) -> EthEvm<StateDb, NoOpInspector, PrecompilesMap> {
    EthEvm::new(machine(db, env), false)
}

thread_local! {
    /// The thread's EVM between two transactions, with an empty database.
    static SPARE: Cell<Option<Box<Machine>>> = const { Cell::new(None) };
}

/// An EVM for one block that may move between threads.
///
/// revm's working memory (stack frames, journal, instruction table) is reference-counted without
/// atomics and bound to one thread, and costs more to build than a transfer takes to run. So it
/// stays with the thread and is lent to whichever block executes there, database swapped in.
pub(crate) struct BlockEvm {
    db: StateDb,
    env: EvmEnv,
    base_fee: BaseFee,
    inspector: NoOpInspector,
    precompiles: (),
}

impl BlockEvm {
    pub(crate) const fn new(db: StateDb, env: EvmEnv, base_fee: BaseFee) -> Self {
        Self {
            db,
            env,
            base_fee,
            inspector: NoOpInspector {},
            precompiles: (),
        }
    }

    fn lend<T>(&mut self, run: impl FnOnce(&mut Machine) -> T) -> T {
        let spare = SPARE.take().filter(|evm| evm.ctx.cfg == self.env.cfg_env);
        let mut evm =
            spare.unwrap_or_else(|| Box::new(machine(StateDb::default(), self.env.clone())));
        evm.ctx.block.clone_from(&self.env.block_env);
        mem::swap(&mut evm.ctx.journaled_state.database, &mut self.db);
        let outcome = run(&mut evm);
        mem::swap(&mut evm.ctx.journaled_state.database, &mut self.db);
        SPARE.set(Some(evm));
        outcome
    }
}

impl Evm for BlockEvm {
    type DB = StateDb;
    type Tx = EvmTx;
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

    fn transact_raw(&mut self, tx: EvmTx) -> Result<ResultAndState<HaltReason>, Self::Error> {
        let base_fee = self.base_fee;
        self.lend(|evm| evm_tx::transact(evm, tx, base_fee, false))
    }

    fn transact_system_call(
        &mut self,
        caller: Address,
        contract: Address,
        data: Bytes,
    ) -> Result<ResultAndState<HaltReason>, Self::Error> {
        let mut tx = TxEnv::new_system_tx_with_caller(caller, contract, data);
        tx.gas_limit = SYSTEM_CALL_GAS;
        self.lend(|evm| {
            evm.ctx.set_tx(tx);
            let outcome: Result<_, Self::Error> = MainnetHandler::default().run_system_call(evm);
            // revm clears the journal after every transaction, but not after a system call that
            // failed; the next block on this thread must not see its leftovers.
            let state = evm.ctx.journaled_state.finalize();
            Ok(ResultAndState::new(outcome?, state))
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
