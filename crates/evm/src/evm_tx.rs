//! Transactions of every kind on revm: signed ones, and deposits from the queue of L1.

use std::marker::PhantomData;

use alloy_evm::{FromRecoveredTx, FromTxWithEncoded, IntoTxEnv};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use aura_chainspec::{ChainSpec, Commitment};
use aura_primitives::{DepositRule, RecoveredTx, TxDeposit, TxEnvelope};
use revm::{
    Database, ExecuteEvm, InspectEvm, Inspector,
    context::{BlockEnv, CfgEnv, Context, ContextSetters, Evm, Journal, JournalTr, TxEnv},
    context_interface::{
        ContextTr, Transaction,
        journaled_state::account::JournaledAccountTr,
        result::{
            EVMError, ExecutionResult, HaltReason, InvalidTransaction, OutOfGasError, Output,
            ResultAndState, ResultGas, SuccessReason,
        },
    },
    handler::{
        EthFrame, EvmTr, EvmTrError, FrameResult, FrameTr, Handler, MainnetHandler,
        PrecompileProvider, instructions::EthInstructions,
    },
    inspector::{InspectorEvmTr, InspectorHandler},
    interpreter::{
        CallInput, CallInputs, CallOutcome, CallScheme, CallValue, Gas, InitialAndFloorGas,
        InstructionResult, InterpreterResult, interpreter::EthInterpreter,
        interpreter_action::FrameInit,
    },
    state::{Account as EvmAccount, EvmState},
};

use crate::{StateDb, state_db::StateReadError};

type EvmContext<C> = Context<BlockEnv, TxEnv, CfgEnv, StateDb, Journal<StateDb>, C>;

/// revm with our state; `C` is what its context carries besides.
pub(crate) type EvmWith<C, I, P> = Evm<
    EvmContext<C>,
    I,
    EthInstructions<EthInterpreter, EvmContext<C>>,
    P,
    EthFrame<EthInterpreter>,
>;

type EvmError = EVMError<StateReadError>;

/// Who gets the base fee of a chain's transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BaseFee {
    /// Nobody, as on Ethereum.
    Burnt,
    /// The chain's fee vault, as on Aura's chains: ether on L2 stands for ether that L1 holds, and
    /// must not vanish.
    ToVault(Address),
}

impl BaseFee {
    pub(crate) fn of(spec: &ChainSpec) -> Self {
        match spec.commitment() {
            Commitment::Smt => Self::ToVault(spec.fee().fee_vault),
            Commitment::Mpt => Self::Burnt,
        }
    }
}

/// A transaction as the EVM takes it.
#[derive(Debug, Clone)]
pub(crate) struct EvmTx {
    pub(crate) env: TxEnv,
    deposit: Option<Deposit>,
}

#[derive(Debug, Clone, Copy)]
struct Deposit {
    rule: DepositRule,
    mint: U256,
}

impl EvmTx {
    pub(crate) fn of(tx: &RecoveredTx) -> Self {
        Self::from_recovered_tx(tx.envelope(), tx.sender())
    }

    fn of_deposit(tx: &TxDeposit) -> Self {
        Self {
            env: TxEnv {
                caller: tx.from,
                gas_limit: tx.gas,
                kind: TxKind::Call(tx.to),
                value: tx.value,
                data: tx.input.clone(),
                chain_id: None,
                ..TxEnv::default()
            },
            deposit: Some(Deposit {
                rule: tx.rule(),
                mint: tx.mint,
            }),
        }
    }
}

impl From<TxEnv> for EvmTx {
    fn from(env: TxEnv) -> Self {
        Self { env, deposit: None }
    }
}

impl IntoTxEnv<Self> for EvmTx {
    fn into_tx_env(self) -> Self {
        self
    }
}

impl FromRecoveredTx<TxEnvelope> for EvmTx {
    fn from_recovered_tx(tx: &TxEnvelope, sender: Address) -> Self {
        match tx {
            TxEnvelope::Signed(tx) => TxEnv::from_recovered_tx(tx, sender).into(),
            TxEnvelope::Deposit(tx) => Self::of_deposit(tx),
        }
    }
}

impl FromTxWithEncoded<TxEnvelope> for EvmTx {
    fn from_encoded_tx(tx: &TxEnvelope, sender: Address, _encoded: Bytes) -> Self {
        Self::from_recovered_tx(tx, sender)
    }
}

/// Executes a transaction and returns what it changes; nothing is committed.
///
/// With `watch` the inspector sees it. A credit, and a forced transaction that cannot begin, run no
/// code: it sees one call without steps.
pub(crate) fn transact<C, I, P>(
    evm: &mut EvmWith<C, I, P>,
    tx: EvmTx,
    base_fee: BaseFee,
    watch: bool,
) -> Result<ResultAndState, EvmError>
where
    I: Inspector<EvmContext<C>>,
    P: PrecompileProvider<EvmContext<C>, Output = InterpreterResult>,
{
    let EvmTx { env, deposit } = tx;
    let mut outcome = match deposit {
        None if watch => evm.inspect_tx(env)?,
        None => evm.transact(env)?,
        Some(deposit) => transact_deposit(evm, env, deposit, watch)?,
    };
    if let BaseFee::ToVault(vault) = base_fee {
        credit_vault(evm, vault, &mut outcome)?;
    }
    Ok(outcome)
}

fn transact_deposit<C, I, P>(
    evm: &mut EvmWith<C, I, P>,
    mut env: TxEnv,
    deposit: Deposit,
    watch: bool,
) -> Result<ResultAndState, EvmError>
where
    I: Inspector<EvmContext<C>>,
    P: PrecompileProvider<EvmContext<C>, Output = InterpreterResult>,
{
    let Deposit { rule, mint } = deposit;
    if rule == DepositRule::Forced {
        env.gas_price = u128::from(evm.ctx.block.basefee);
    }
    let (caller, to) = (env.caller, env.kind.to().copied().unwrap_or_default());
    evm.ctx.set_tx(env);
    if rule == DepositRule::Credit {
        let state = minted(evm, to, mint)?;
        let result = ExecutionResult::Success {
            reason: SuccessReason::Stop,
            gas: ResultGas::default(),
            logs: Vec::new(),
            output: Output::Call(Bytes::new()),
        };
        show(evm, to, InstructionResult::Stop, watch);
        return Ok(ResultAndState::new(result, state));
    }
    let mut handler = DepositHandler {
        rule,
        mint,
        _evm: PhantomData,
    };
    let result: Result<_, EvmError> = if watch {
        handler.inspect_run(evm)
    } else {
        handler.run(evm)
    };
    // Also after an error: the next transaction must not see the journal of this one.
    let state = evm.ctx.journaled_state.finalize();
    match result {
        Ok(result) => Ok(ResultAndState::new(result, state)),
        Err(EVMError::Transaction(reason)) => {
            let (reason, shown) = match reason {
                InvalidTransaction::LackOfFundForMaxFee { .. } => {
                    (HaltReason::OutOfFunds, InstructionResult::OutOfFunds)
                }
                _ => (
                    HaltReason::OutOfGas(OutOfGasError::Basic),
                    InstructionResult::OutOfGas,
                ),
            };
            show(evm, to, shown, watch);
            // What was minted stays, whatever happens.
            let state = minted(evm, caller, mint)?;
            let result = ExecutionResult::Halt {
                reason,
                gas: ResultGas::default(),
                logs: Vec::new(),
            };
            Ok(ResultAndState::new(result, state))
        }
        Err(error) => Err(error),
    }
}

/// Shows the inspector a call that runs no code.
fn show<C, I, P>(evm: &mut EvmWith<C, I, P>, to: Address, result: InstructionResult, watch: bool)
where
    I: Inspector<EvmContext<C>>,
{
    if !watch {
        return;
    }
    let tx = &evm.ctx.tx;
    let mut inputs = CallInputs {
        input: CallInput::Bytes(tx.data.clone()),
        return_memory_offset: 0..0,
        gas_limit: tx.gas_limit,
        reservoir: 0,
        bytecode_address: to,
        known_bytecode: Default::default(),
        target_address: to,
        caller: tx.caller,
        value: CallValue::Transfer(tx.value),
        scheme: CallScheme::Call,
        is_static: false,
        charged_new_account_state_gas: false,
    };
    evm.inspector.call(&mut evm.ctx, &mut inputs);
    let result = InterpreterResult::new(result, Bytes::new(), Gas::new(0));
    let mut outcome = CallOutcome::new(result, 0..0);
    evm.inspector.call_end(&mut evm.ctx, &inputs, &mut outcome);
}

/// The change that gives `address` new ether and nothing else.
fn minted<C, I, P>(
    evm: &mut EvmWith<C, I, P>,
    address: Address,
    mint: U256,
) -> Result<EvmState, EvmError> {
    let mut state = EvmState::default();
    if !mint.is_zero() {
        let mut account = load(evm, address)?;
        add_balance(&mut account, mint);
        state.insert(address, account);
    }
    Ok(state)
}

fn load<C, I, P>(evm: &mut EvmWith<C, I, P>, address: Address) -> Result<EvmAccount, EvmError> {
    let info = evm.ctx.journaled_state.database.basic(address);
    let info = info.map_err(EVMError::Database)?;
    Ok(info.map_or_else(
        || EvmAccount::new_not_existing(Default::default()),
        EvmAccount::from,
    ))
}

fn add_balance(account: &mut EvmAccount, amount: U256) {
    // All the ether of L1 is far below the bound.
    account.info.balance = account.info.balance.saturating_add(amount);
    account.mark_touch();
}

/// Gives the vault the base fee of the transaction that has just run.
fn credit_vault<C, I, P>(
    evm: &mut EvmWith<C, I, P>,
    vault: Address,
    outcome: &mut ResultAndState,
) -> Result<(), EvmError> {
    let base_fee = u128::from(evm.ctx.block.basefee);
    // Calls and simulations may pay less than the base fee.
    let price = evm.ctx.tx.effective_gas_price(base_fee).min(base_fee);
    let fee = U256::from(price) * U256::from(outcome.result.tx_gas_used());
    if fee.is_zero() {
        return Ok(());
    }
    // It is there already if it is the block's beneficiary.
    if let Some(account) = outcome.state.get_mut(&vault) {
        add_balance(account, fee);
    } else {
        let mut account = load(evm, vault)?;
        add_balance(&mut account, fee);
        outcome.state.insert(vault, account);
    }
    Ok(())
}

/// revm's handler of Ethereum's transactions, with a deposit's beginning and end.
///
/// - A system call pays nothing: no fee, no intrinsic gas, no nonce.
/// - A forced transaction gets its ether first, then pays as usual. Its nonce is not checked, nor
///   what the sender's code is, for the sender has proved itself on L1.
struct DepositHandler<EVM> {
    rule: DepositRule,
    mint: U256,
    _evm: PhantomData<EVM>,
}

impl<EVM> Handler for DepositHandler<EVM>
where
    EVM: EvmTr<
            Context: ContextTr<Journal: JournalTr<State = EvmState>, Db = StateDb>,
            Frame: FrameTr<FrameResult = FrameResult, FrameInit = FrameInit>,
        >,
    EvmError: EvmTrError<EVM>,
{
    type Evm = EVM;
    type Error = EvmError;
    type HaltReason = HaltReason;

    /// The queue's entries are valid as they are.
    fn validate_env(&self, _evm: &mut EVM) -> Result<(), EvmError> {
        Ok(())
    }

    fn validate_initial_tx_gas(&self, evm: &mut EVM) -> Result<InitialAndFloorGas, EvmError> {
        match self.rule {
            DepositRule::System => Ok(InitialAndFloorGas::new(0, 0)),
            _ => mainnet::<EVM>().validate_initial_tx_gas(evm),
        }
    }

    fn validate_against_state_and_deduct_caller(
        &self,
        evm: &mut EVM,
        _gas: &mut InitialAndFloorGas,
    ) -> Result<(), EvmError> {
        if self.rule == DepositRule::System {
            return Ok(());
        }
        let (tx, journal) = evm.ctx().tx_journal_mut();
        let gas_cost = U256::from(tx.gas_limit()) * U256::from(tx.gas_price());
        let mut caller = journal.load_account_with_code_mut(tx.caller())?.data;
        // All the ether of L1 is far below the bound.
        let balance = caller.balance().saturating_add(self.mint);
        // Out of reach if the sum exceeds 256 bits.
        let cost = gas_cost.saturating_add(tx.value());
        if cost > balance {
            return Err(InvalidTransaction::LackOfFundForMaxFee {
                fee: Box::new(cost),
                balance: Box::new(balance),
            }
            .into());
        }
        caller.set_balance(balance - gas_cost);
        caller.bump_nonce();
        Ok(())
    }

    fn reimburse_caller(&self, evm: &mut EVM, result: &mut FrameResult) -> Result<(), EvmError> {
        match self.rule {
            DepositRule::System => Ok(()),
            _ => mainnet::<EVM>().reimburse_caller(evm, result),
        }
    }

    fn reward_beneficiary(&self, evm: &mut EVM, result: &mut FrameResult) -> Result<(), EvmError> {
        match self.rule {
            DepositRule::System => Ok(()),
            _ => mainnet::<EVM>().reward_beneficiary(evm, result),
        }
    }
}

impl<EVM> InspectorHandler for DepositHandler<EVM>
where
    EVM: InspectorEvmTr<
            Context: ContextTr<Journal: JournalTr<State = EvmState>, Db = StateDb>,
            Frame: FrameTr<FrameResult = FrameResult, FrameInit = FrameInit>,
            Inspector: Inspector<<EVM as EvmTr>::Context, EthInterpreter>,
        >,
    EvmError: EvmTrError<EVM>,
{
    type IT = EthInterpreter;
}

fn mainnet<EVM: EvmTr>() -> MainnetHandler<EVM, EvmError, EVM::Frame> {
    MainnetHandler::default()
}
