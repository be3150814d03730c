//! Instructions that differ from revm's.

use alloy_primitives::{Address, B256, KECCAK256_EMPTY};
use revm::{
    bytecode::opcode,
    context::CfgEnv,
    context_interface::cfg::{GasId, GasParams},
    handler::instructions::EthInstructions,
    interpreter::{
        Host, Instruction, InstructionContext, InstructionExecResult, InstructionResult,
        instructions::host::{extcodehash, sstore_with_gas_accounting},
        interpreter::EthInterpreter,
    },
    primitives::hardfork::SpecId,
};

/// Static gas of `SSTORE`: all of it is in [`GasParams`].
const SSTORE_GAS: u16 = 0;
/// Gas of reading a slot under EIP-1283.
const SLOAD_GAS: u64 = 200;
/// Gas of filling an empty slot, and of changing a full one.
const SET_GAS: u64 = 20_000;
const RESET_GAS: u64 = 5_000;

/// Sets up the fork that revm leaves out: Petersburg plus EIP-1283, net gas metering for `SSTORE`.
pub(crate) fn set_constantinople(cfg: &mut CfgEnv) {
    let mut gas = GasParams::new_spec(SpecId::PETERSBURG);
    gas.override_gas([
        (GasId::sstore_static(), SLOAD_GAS),
        (GasId::sstore_set_without_load_cost(), SET_GAS - SLOAD_GAS),
        (
            GasId::sstore_reset_without_cold_load_cost(),
            RESET_GAS - SLOAD_GAS,
        ),
        (GasId::sstore_set_refund(), SET_GAS - SLOAD_GAS),
        (GasId::sstore_reset_refund(), RESET_GAS - SLOAD_GAS),
    ]);
    cfg.set_spec_and_mainnet_gas_params(SpecId::PETERSBURG);
    cfg.set_gas_params(gas);
}

fn is_constantinople(cfg: &CfgEnv) -> bool {
    cfg.spec == SpecId::PETERSBURG && cfg.gas_params.sstore_static_gas() == SLOAD_GAS
}

/// Puts our instructions into the table of an EVM with this configuration.
///
/// Every EVM that executes on a [`StateDb`](crate::StateDb) needs them.
pub(crate) fn install<H: Host>(
    instructions: &mut EthInstructions<EthInterpreter, H>,
    cfg: &CfgEnv,
) {
    if is_constantinople(cfg) {
        let net_metered = Instruction::new(sstore_eip1283::<H>);
        instructions.insert_instruction(opcode::SSTORE, net_metered, SSTORE_GAS);
    }
    let gas = instructions.gas_table()[usize::from(opcode::EXTCODEHASH)];
    let hash = Instruction::new(extcodehash_of_collisions::<H>);
    instructions.insert_instruction(opcode::EXTCODEHASH, hash, gas);
}

type Context<'a, H> = InstructionContext<'a, H, EthInterpreter>;

/// EIP-1283: as EIP-2200, but with its own prices and without a minimum of gas.
fn sstore_eip1283<H: Host>(context: Context<'_, H>) -> InstructionExecResult {
    sstore_with_gas_accounting(context, |context, _, load| {
        let params = context.host.gas_params();
        let gas = params.sstore_dynamic_gas(true, &load.data, load.is_cold);
        let refund = params.sstore_refund(true, &load.data);
        if !context.interpreter.gas.record_regular_cost(gas) {
            return Err(InstructionResult::OutOfGas);
        }
        context.interpreter.gas.record_refund(refund);
        Ok(())
    })
}

/// Undoes the mark that [`StateDb`](crate::StateDb) puts on accounts at which nothing can be
/// created: their code hash is that of no code.
fn extcodehash_of_collisions<H: Host>(context: Context<'_, H>) -> InstructionExecResult {
    let Context { interpreter, host } = context;
    let address = interpreter.stack.top().map(|word| *word);
    extcodehash(InstructionContext {
        interpreter: &mut *interpreter,
        host: &mut *host,
    })?;
    let (Some(address), Some(hash)) = (address, interpreter.stack.top()) else {
        return Ok(());
    };
    if hash.is_zero() {
        let address = Address::from_word(B256::from(address));
        let account = host
            .load_account_info_skip_cold_load(address, false, false)
            .map_err(|_| InstructionResult::FatalExternalError)?;
        if !account.is_empty() {
            *hash = KECCAK256_EMPTY.into();
        }
    }
    Ok(())
}
