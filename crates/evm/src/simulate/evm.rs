//! The EVM of a simulated block.

use alloy_evm::{Evm, EvmEnv};
use alloy_primitives::{Address, Bytes};
use revm::{
    MainBuilder, SystemCallEvm,
    bytecode::opcode,
    context::{BlockEnv, CfgEnv, Context, TxEnv},
    context_interface::result::{EVMError, HaltReason, ResultAndState},
    primitives::hardfork::SpecId,
};

use super::logs::LogCollector;
use crate::{
    StateDb,
    call::{
        deadline::{CHECKED_JUMPDEST, CallContext, Deadline, JUMPDEST_GAS},
        execution::CallEvm,
    },
    evm_tx::{self, BaseFee, EvmTx},
    instructions,
    precompiles::CallPrecompiles,
    state_db::StateReadError,
};

/// revm with a deadline and the collector of logs, as alloy-evm's block executor wants it.
pub(super) struct SimulateEvm(CallEvm<LogCollector>, BaseFee);

impl SimulateEvm {
    pub(super) fn new(
        db: StateDb,
        env: EvmEnv,
        precompiles: CallPrecompiles,
        deadline: Deadline,
        logs: LogCollector,
        base_fee: BaseFee,
    ) -> Self {
        let context: Context<BlockEnv, TxEnv, CfgEnv, StateDb> = Context::new(db, env.cfg_env.spec);
        let context: CallContext = context
            .with_chain(deadline)
            .with_cfg(env.cfg_env)
            .with_block(env.block_env);
        let mut evm = context
            .build_mainnet_with_inspector(logs)
            .with_precompiles(precompiles);
        instructions::install(&mut evm.instruction, &evm.ctx.cfg);
        evm.instruction
            .insert_instruction(opcode::JUMPDEST, CHECKED_JUMPDEST, JUMPDEST_GAS);
        Self(evm, base_fee)
    }

    pub(super) const fn deadline_mut(&mut self) -> &mut Deadline {
        &mut self.0.ctx.chain
    }

    pub(super) const fn block_mut(&mut self) -> &mut BlockEnv {
        &mut self.0.ctx.block
    }
}

impl Evm for SimulateEvm {
    type DB = StateDb;
    type Tx = EvmTx;
    type Error = EVMError<StateReadError>;
    type HaltReason = HaltReason;
    type Spec = SpecId;
    type BlockEnv = BlockEnv;
    type Precompiles = CallPrecompiles;
    type Inspector = LogCollector;

    fn block(&self) -> &BlockEnv {
        &self.0.ctx.block
    }

    fn cfg_env(&self) -> &CfgEnv<SpecId> {
        &self.0.ctx.cfg
    }

    fn chain_id(&self) -> u64 {
        self.0.ctx.cfg.chain_id
    }

    fn transact_raw(&mut self, tx: EvmTx) -> Result<ResultAndState<HaltReason>, Self::Error> {
        evm_tx::transact(&mut self.0, tx, self.1, true)
    }

    fn transact_system_call(
        &mut self,
        caller: Address,
        contract: Address,
        data: Bytes,
    ) -> Result<ResultAndState<HaltReason>, Self::Error> {
        self.0.system_call_with_caller(caller, contract, data)
    }

    fn finish(self) -> (StateDb, EvmEnv) {
        let context = self.0.ctx;
        let env = EvmEnv::new(context.cfg, context.block);
        (context.journaled_state.database, env)
    }

    /// Every transaction is inspected, no system call is.
    fn set_inspector_enabled(&mut self, _enabled: bool) {}

    fn components(&self) -> (&StateDb, &LogCollector, &CallPrecompiles) {
        let evm = &self.0;
        (
            &evm.ctx.journaled_state.database,
            &evm.inspector,
            &evm.precompiles,
        )
    }

    fn components_mut(&mut self) -> (&mut StateDb, &mut LogCollector, &mut CallPrecompiles) {
        let evm = &mut self.0;
        (
            &mut evm.ctx.journaled_state.database,
            &mut evm.inspector,
            &mut evm.precompiles,
        )
    }
}
