//! Which entries of the queue the deposits on L2 are.

use alloy_sol_types::SolCall;
use aura_bindings::{config::AuraConfig, token_bridge::AuraTokenBridge};
use aura_evm::OpenBlock;
use aura_primitives::{
    DepositRule, SealedBlock, TxDeposit,
    bridge::{MessageKind, predeploys},
};
use aura_storage::{Reader, StorageError};

/// Ids of the deposits of a block: they are its first transactions, and entries of the queue in its
/// order and without gaps. Known if the block says what it consumes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DepositIds {
    first: Option<u64>,
}

impl DepositIds {
    /// Those of a block at hand.
    pub(crate) fn of_block(block: &SealedBlock) -> Self {
        let first = block.l1_info.and_then(|info| {
            let transactions = block.transactions.iter();
            let deposits = transactions.take_while(|tx| tx.envelope().is_deposit());
            info.consumed.checked_sub(deposits.count() as u64)
        });
        Self { first }
    }

    /// Those of the open block, which may get more of them.
    pub(crate) fn of_open(open: &OpenBlock) -> Self {
        Self {
            first: open.first_deposit,
        }
    }

    /// Those of block `number`, without its transactions at hand.
    pub(crate) fn at(reader: &Reader, number: u64) -> Result<Self, StorageError> {
        let info = reader.l1_info_at(number)?;
        let before = match number.checked_sub(1) {
            Some(before) => reader.l1_info_at(before)?,
            None => None,
        };
        let Some(info) = info.filter(|info| Some(info) != before.as_ref()) else {
            return Ok(Self::default());
        };
        let count = deposit_count(reader, number)?;
        Ok(Self {
            first: info.consumed.checked_sub(count),
        })
    }

    /// Id of the entry that the transaction at `index` is, if it is a deposit.
    pub(crate) fn of(self, index: u64) -> Option<u64> {
        self.first?.checked_add(index)
    }
}

/// Deposits in block `number`: one read if there are none, else as many as the count has digits.
pub(crate) fn deposit_count(reader: &Reader, number: u64) -> Result<u64, StorageError> {
    let is_deposit = |index| {
        let tx = reader.transaction_at(number, index)?;
        Ok::<_, StorageError>(tx.is_some_and(|tx| tx.envelope().is_deposit()))
    };
    if !is_deposit(0)? {
        return Ok(0);
    }
    // A deposit stands before `low`, none from `high` on.
    let mut low = 1;
    let mut high = reader.transaction_count(number)?.unwrap_or_default();
    while low < high {
        let middle = low + (high - low) / 2;
        if is_deposit(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Kind of the entry that a deposit is. It follows from the transaction, for the portal itself makes
/// the calls that the node runs as system.
pub(crate) fn kind_of(deposit: &TxDeposit) -> Option<MessageKind> {
    let rule = deposit.rule();
    let selector: Option<&[u8; 4]> = deposit.input.first_chunk();
    match (rule, deposit.to, selector.copied()) {
        (DepositRule::Credit, ..) => Some(MessageKind::Credit),
        (DepositRule::Forced, ..) => Some(MessageKind::Forced),
        (DepositRule::System, predeploys::TOKEN_BRIDGE, Some(selector)) => match selector {
            AuraTokenBridge::finalizeDepositCall::SELECTOR => Some(MessageKind::TokenDeposit),
            AuraTokenBridge::registerCall::SELECTOR => Some(MessageKind::Registration),
            _ => None,
        },
        (DepositRule::System, predeploys::CONFIG, Some(AuraConfig::setCall::SELECTOR)) => {
            Some(MessageKind::Configuration)
        }
        (DepositRule::System, ..) => None,
    }
}

/// Name of a kind.
pub(crate) const fn kind_name(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Credit => "credit",
        MessageKind::TokenDeposit => "tokenDeposit",
        MessageKind::Forced => "forced",
        MessageKind::Registration => "registration",
        MessageKind::Configuration => "configuration",
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, B256, Bytes, U256};
    use aura_primitives::bridge::QueueMessage;

    use super::*;

    fn deposit(kind: MessageKind, to: Address, data: impl Into<Bytes>) -> TxDeposit {
        let message = QueueMessage {
            id: 1,
            kind,
            l1_sender: Address::repeat_byte(1),
            from: Address::repeat_byte(2),
            to,
            mint: U256::ZERO,
            value: U256::ZERO,
            gas_limit: 100_000,
            data: data.into(),
        };
        TxDeposit::from_message(&message, B256::ZERO)
    }

    #[test]
    fn a_kind_is_told_from_what_the_portal_makes_of_it() {
        use predeploys::{CONFIG, TOKEN_BRIDGE};
        let (tokens, register) = (
            AuraTokenBridge::finalizeDepositCall::SELECTOR,
            AuraTokenBridge::registerCall::SELECTOR,
        );
        let set = AuraConfig::setCall::SELECTOR;
        for (kind, to, data) in [
            (MessageKind::TokenDeposit, TOKEN_BRIDGE, tokens),
            (MessageKind::Registration, TOKEN_BRIDGE, register),
            (MessageKind::Configuration, CONFIG, set),
            // A user may call the same, but not as the system.
            (MessageKind::Forced, TOKEN_BRIDGE, tokens),
            (MessageKind::Forced, CONFIG, set),
        ] {
            assert_eq!(kind_of(&deposit(kind, to, data)), Some(kind));
        }
        let credit = deposit(MessageKind::Credit, CONFIG, set);
        assert_eq!(kind_of(&credit), Some(MessageKind::Credit));
        for (to, data) in [(CONFIG, tokens), (TOKEN_BRIDGE, set), (Address::ZERO, set)] {
            let unknown = deposit(MessageKind::Configuration, to, data);
            assert_eq!(kind_of(&unknown), None);
        }
        let short = deposit(MessageKind::Configuration, CONFIG, [1, 2, 3]);
        assert_eq!(kind_of(&short), None);
    }
}
