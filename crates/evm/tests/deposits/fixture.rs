//! A bridged chain with contracts to call, and the transactions of queue entries.

use std::{sync::Arc, time::Duration};

use alloy_consensus::Typed2718;
use alloy_primitives::{Address, B256, Bytes, U256, address, hex};
use alloy_rpc_types_trace::geth::GethDebugTracingOptions;
use aura_chainspec::{BridgeSpec, ChainSpec};
use aura_evm::{
    ExecutionError,
    trace::{BlockScene, TraceLimits, debug_block},
};
use aura_primitives::{
    ExecutedBlock, RecoveredTx, TxDeposit,
    bridge::{L1BlockInfo, L1Origin, predeploys},
};
use serde_json::{Value, json};

use crate::common::{self, *};

/// Sends what it is called with to slot 1 and its log, and reverts if that is empty.
pub(crate) const RECORDER: Address = address!("00000000000000000000000000000000000c0de2");
/// Always reverts.
pub(crate) const REVERTER: Address = address!("00000000000000000000000000000000000c0de3");
pub(crate) const USER: Address = address!("0000000000000000000000000000000000005e4d");

/// `sstore(1, calldataload(0)); log0(0, 32)`, or a revert without input.
pub(crate) const RECORD: [u8; 22] = hex!("366007575f5ffd5b5f356001555f355f5260205fa000");

/// `sstore(33, calldataload(0))`: the root of the withdrawals.
pub(crate) const SET_ROOT: [u8; 6] = hex!("5f3560215500");

pub(crate) fn spec(has_bridge: bool) -> ChainSpec {
    let alloc = |code: Bytes| json!({ "balance": "0x0", "nonce": "0x0", "code": code });
    // Seven words after the selector, into slots 0 to 6.
    let mut l1_block = Vec::new();
    for word in 0..7u8 {
        l1_block.extend([0x60, 4 + 32 * word, 0x35, 0x60, word, 0x55]);
    }
    let rich = json!({ "balance": format!("{:#x}", 1_000 * ETHER) });
    let mut aura = json!({ "commitment": "smt", "feeVault": VAULT });
    let bridge = BridgeSpec {
        l1_chain_id: 1,
        portal: Address::repeat_byte(1),
        rollup: Address::repeat_byte(2),
    };
    if has_bridge {
        aura["bridge"] = json!(bridge);
    }
    let mut passer = alloc(SET_ROOT.into());
    passer["storage"] = bridge
        .passer_storage()
        .map(|(slot, word)| (B256::from(slot).to_string(), json!(word)))
        .into_iter()
        .collect();
    let stop = || alloc(hex!("00").into());
    let mut config = alloc(hex!("00").into());
    config["storage"] = json!({ B256::ZERO.to_string(): B256::from(U256::from(12_345_678)) });
    let genesis = json!({
        "config": {
            "chainId": CHAIN_ID, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0,
            "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
            "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "terminalTotalDifficulty": "0x0",
            "shanghaiTime": 0, "cancunTime": 0, "pragueTime": 0, "osakaTime": 0,
            "terminalTotalDifficultyPassed": true,
            "blobSchedule": {
                "cancun": { "target": 3, "max": 6, "baseFeeUpdateFraction": 3_338_477 },
                "prague": { "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 },
                "osaka": { "target": 6, "max": 9, "baseFeeUpdateFraction": 5_007_716 },
            },
        },
        "aura": aura, "nonce": "0x0", "timestamp": "0x0", "extraData": "0x", "difficulty": "0x0",
        "gasLimit": format!("{GAS_LIMIT:#x}"),
        "alloc": {
            ALICE.to_string(): rich.clone(), BOB.to_string(): rich,
            predeploys::L1_BLOCK.to_string(): alloc(l1_block.into()),
            predeploys::MESSAGE_PASSER.to_string(): passer,
            predeploys::TOKEN_BRIDGE.to_string(): stop(),
            predeploys::ERC20.to_string(): stop(),
            VAULT.to_string(): stop(),
            predeploys::CONFIG.to_string(): config,
            RECORDER.to_string(): alloc(RECORD.into()),
            REVERTER.to_string(): alloc(hex!("5f5ffd").into()),
        },
    });
    ChainSpec::from_genesis_json(&genesis.to_string()).unwrap()
}

pub(crate) fn chain() -> TestChain {
    TestChain::from_spec(spec(true))
}

pub(crate) fn base_fee(chain: &TestChain) -> U256 {
    U256::from(chain.base_fee())
}

pub(crate) fn arc(tx: TxDeposit) -> Arc<RecoveredTx> {
    Arc::new(RecoveredTx::deposit(tx))
}

pub(crate) fn credit(to: Address, mint: u64) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(1),
        from: USER,
        to,
        mint: U256::from(mint),
        value: U256::from(mint),
        ..TxDeposit::default()
    }
}

pub(crate) fn forced(to: Address, mint: U256, value: u64, gas: u64) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(2),
        from: USER,
        to,
        mint,
        value: U256::from(value),
        gas,
        ..TxDeposit::default()
    }
}

pub(crate) fn system(to: Address, gas: u64, input: impl Into<Bytes>) -> TxDeposit {
    TxDeposit {
        source_hash: B256::repeat_byte(3),
        from: predeploys::SYSTEM,
        to,
        gas,
        is_system: true,
        input: input.into(),
        ..TxDeposit::default()
    }
}

/// The one transaction's block; it must verify, too.
pub(crate) fn run(chain: &TestChain, tx: TxDeposit) -> ExecutedBlock {
    let block = chain.block(&[arc(tx)]);
    verify_again(chain, &block);
    block
}

pub(crate) fn verify_again(chain: &TestChain, block: &ExecutedBlock) {
    let again = check(chain, block).unwrap();
    assert_eq!(again.header, block.header);
    assert_eq!(again.receipts, block.receipts);
    assert_eq!(again.diff, block.diff);
    assert_eq!(again.l1_info, block.l1_info);
}

pub(crate) fn check(
    chain: &TestChain,
    block: &ExecutedBlock,
) -> Result<ExecutedBlock, ExecutionError> {
    common::verify(chain, &seal(block))
}

/// (balance, nonce) after the block.
pub(crate) fn account(chain: &TestChain, block: &ExecutedBlock, address: Address) -> (U256, u64) {
    let account = chain.view_after(block).account(address).unwrap();
    account.map_or((U256::ZERO, 0), |account| (account.balance, account.nonce))
}

pub(crate) fn outcome(block: &ExecutedBlock) -> (bool, u64) {
    let receipt = &block.receipts[0];
    assert_eq!(receipt.ty(), 0x7e);
    assert_eq!(block.header.gas_used, receipt.cumulative_gas_used);
    (receipt.is_success(), receipt.cumulative_gas_used)
}

pub(crate) fn l1_info() -> L1BlockInfo {
    L1BlockInfo {
        origin: L1Origin {
            number: 11,
            hash: B256::repeat_byte(12),
            timestamp: 13,
            base_fee: U256::from(14),
            blob_base_fee: U256::from(15),
            ..L1Origin::default()
        },
        consumed: 16,
        queue_acc: B256::repeat_byte(17),
    }
}

pub(crate) fn traces(chain: &TestChain, block: &ExecutedBlock, options: Value) -> Vec<Value> {
    let options: GethDebugTracingOptions = serde_json::from_value(options).unwrap();
    let limits = TraceLimits {
        timeout: Duration::from_secs(60),
        max_bytes: 1 << 24,
        gas_cap: 50_000_000,
    };
    let scene = BlockScene {
        spec: &chain.spec,
        parent: &chain.genesis,
        block: &seal(block),
        view: chain.view(),
    };
    let text = debug_block(scene, options, limits).unwrap();
    let traces: Vec<Value> = serde_json::from_str(&text).unwrap();
    traces
        .into_iter()
        .map(|trace| trace["result"].clone())
        .collect()
}
