//! What system contracts must be like for a block of Prague or later to be valid on Ethereum.
//!
//! Aura chains may do without these contracts, for nobody reads their requests.

use alloy_consensus::Header;
use alloy_eips::{
    eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
};
use alloy_evm::eth::spec::EthExecutorSpec;
use alloy_hardforks::EthereumHardforks;
use alloy_primitives::{B256, U256, b256};
use aura_chainspec::{ChainSpec, Commitment};
use aura_primitives::Receipt;

use super::BlockRule;
use crate::{BlockExecutor, ExecutionError, rules::BlockRules};

/// First topic of the deposit contract's event.
const DEPOSIT_EVENT: B256 =
    b256!("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
/// Length of the event's data.
const DEPOSIT_BYTES: usize = 576;
/// Where the event's five fields begin, and how long each is.
const DEPOSIT_FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];

fn applies(spec: &ChainSpec, header: &Header) -> bool {
    spec.commitment() == Commitment::Mpt
        && BlockRules::new(spec, header).is_prague_active_at_timestamp(header.timestamp)
}

/// The contracts that collect requests must be there (EIP-7002, EIP-7251).
pub(super) fn check_contracts(
    executor: &mut BlockExecutor,
    spec: &ChainSpec,
    header: &Header,
) -> Result<(), ExecutionError> {
    if !applies(spec, header) {
        return Ok(());
    }
    let contracts = [
        WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
        CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
    ];
    for address in contracts {
        if !executor.has_code(address)? {
            let rule = BlockRule::SystemContract(address);
            return Err(ExecutionError::invalid_block(header.number, rule));
        }
    }
    Ok(())
}

/// Every deposit has the one layout that EIP-6110 allows.
pub(super) fn check_deposits(
    receipts: &[Receipt],
    spec: &ChainSpec,
    header: &Header,
) -> Result<(), ExecutionError> {
    let Some(contract) = spec.deposit_contract_address() else {
        return Ok(());
    };
    if !applies(spec, header) {
        return Ok(());
    }
    for (index, receipt) in receipts.iter().enumerate() {
        let mut deposits = receipt
            .logs
            .iter()
            .filter(|log| log.address == contract && log.topics().first() == Some(&DEPOSIT_EVENT));
        if !deposits.all(|log| is_deposit(&log.data.data)) {
            let rule = BlockRule::DepositLayout(index);
            return Err(ExecutionError::invalid_block(header.number, rule));
        }
    }
    Ok(())
}

fn is_deposit(data: &[u8]) -> bool {
    let word = |at: usize| {
        let bytes = data.get(at..at + 32)?;
        Some(U256::from_be_slice(bytes))
    };
    data.len() == DEPOSIT_BYTES
        && DEPOSIT_FIELDS.iter().enumerate().all(|(field, (at, len))| {
            word(32 * field) == Some(U256::from(*at)) && word(*at) == Some(U256::from(*len))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deposit() -> Vec<u8> {
        let mut data = vec![7; DEPOSIT_BYTES];
        for (field, (at, len)) in DEPOSIT_FIELDS.iter().enumerate() {
            data[32 * field..32 * field + 32].copy_from_slice(&B256::from(U256::from(*at))[..]);
            data[*at..at + 32].copy_from_slice(&B256::from(U256::from(*len))[..]);
        }
        data
    }

    #[test]
    fn a_deposit_has_exactly_one_layout() {
        let good = deposit();
        assert!(is_deposit(&good));
        assert!(!is_deposit(&good[..DEPOSIT_BYTES - 1]));
        assert!(!is_deposit(&[good.clone(), vec![0]].concat()));
        for (field, (at, _)) in DEPOSIT_FIELDS.iter().enumerate() {
            for byte in [32 * field, 32 * field + 31, *at, at + 31] {
                let mut bad = good.clone();
                bad[byte] ^= 1;
                assert!(!is_deposit(&bad), "byte {byte}");
            }
        }
    }
}
