//! What leaves L2: from the receipts of a block to the withdrawal tree.

use aura_bindings::{MESSAGE_PASSED, decode_message_passed};
use aura_chainspec::ChainSpec;
use aura_primitives::{
    CommittedBlock,
    bridge::{WithdrawalDomain, predeploys::MESSAGE_PASSER},
};
use aura_storage::{WithdrawalRecord, Writer};

use crate::ChainError;

/// Between which contracts the withdrawals of a chain are; `None` on a chain without a bridge.
pub(crate) fn domain(spec: &ChainSpec) -> Option<WithdrawalDomain> {
    spec.bridge().map(|bridge| WithdrawalDomain {
        l1_chain_id: bridge.l1_chain_id,
        portal: bridge.portal,
        l2_chain_id: spec.chain_id(),
    })
}

/// Appends what `block`, which was just put, took out of L2, and compares the tree with its header: the
/// contract has computed the same root by other code.
pub(crate) fn append(
    writer: &mut Writer,
    block: &CommittedBlock,
    domain: &WithdrawalDomain,
) -> Result<(), ChainError> {
    let computed = writer.append_withdrawals(&records(block, domain)?)?;
    let expected = block.block.header.withdrawals_root;
    if expected == Some(computed) {
        return Ok(());
    }
    Err(ChainError::WithdrawalRootMismatch {
        number: block.block.number(),
        expected: expected.unwrap_or_default(),
        computed,
    })
}

/// The leaves of a block. Only receipts count: what a call reverted is not in them.
fn records(
    block: &CommittedBlock,
    domain: &WithdrawalDomain,
) -> Result<Vec<WithdrawalRecord>, ChainError> {
    let number = block.block.number();
    let mut records = Vec::new();
    let mut log_index = 0;
    for (tx, receipt) in block.block.transactions.iter().zip(&block.receipts) {
        for log in &receipt.logs {
            let place = log_index;
            log_index += 1;
            if log.address != MESSAGE_PASSER || log.data.topics().first() != Some(&MESSAGE_PASSED) {
                continue;
            }
            let passed = decode_message_passed(&log.data).map_err(|source| {
                let source = Box::new(source);
                ChainError::WithdrawalLog { number, source }
            })?;
            let leaf = passed.withdrawal.leaf(domain);
            if leaf != passed.leaf {
                return Err(ChainError::WithdrawalLeafMismatch {
                    number,
                    index: passed.withdrawal.index,
                    expected: passed.leaf,
                    computed: leaf,
                });
            }
            records.push(WithdrawalRecord {
                withdrawal: passed.withdrawal,
                leaf,
                data: passed.data,
                block: number,
                tx_hash: tx.hash(),
                tx_sender: tx.sender(),
                log_index: place,
            });
        }
    }
    Ok(records)
}
