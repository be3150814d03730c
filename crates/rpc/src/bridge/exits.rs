//! Balances that can leave after the rollup froze.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use aura_bindings::portal::AuraPortal as abi;
use aura_primitives::{BlockNumHash, bridge::predeploys::l2_token};
use aura_storage::L1RootRecord;

use super::{
    bridge_of,
    roots::best_final,
    wire::{AccountView, ExitArguments},
};
use crate::{
    api::Api,
    errors::Fault,
    methods::Raw,
    params,
    types::{PathProof, Quantity, StateProof},
};

/// `aura_getExitProof(address, token?)`.
pub(crate) async fn proof(api: Arc<Api>, raw: Raw) -> Result<ExitArguments, Fault> {
    let (user, token) = {
        let mut args = raw.args()?;
        let user = args.required("address", params::address)?;
        let token = args.optional("token", params::address)?;
        (user, token.filter(|token| !token.is_zero()))
    };
    api.on_scans(move |api| {
        let (spec, _) = bridge_of(api)?;
        let root = best_final(&api.reader()?)?;
        let root = root.ok_or_else(|| Fault::Refused("no root is final yet".into()))?;
        match token {
            None => ether(api, user, &root, spec.portal),
            Some(token) => tokens(api, user, token, &root, spec.portal),
        }
    })
    .await
}

fn block_of(root: &L1RootRecord) -> BlockNumHash {
    BlockNumHash {
        number: root.output.l2_block,
        hash: root.output.l2_block_hash,
    }
}

fn nothing(user: Address, root: &L1RootRecord) -> Fault {
    Fault::Refused(format!(
        "{user} has nothing of this at block {}, that of the best final root {}",
        root.output.l2_block, root.id
    ))
}

fn check_root(state: &StateProof, root: &L1RootRecord) -> Result<(), Fault> {
    if state.state_root == root.output.state_root {
        return Ok(());
    }
    Err(Fault::Refused(format!(
        "root {} claims another state than this chain has",
        root.id
    )))
}

fn abi_proof(path: &PathProof) -> abi::Proof {
    abi::Proof {
        depths: path.depths.clone(),
        siblings: path.siblings.clone(),
    }
}

fn ether(
    api: &Api,
    user: Address,
    root: &L1RootRecord,
    portal: Address,
) -> Result<ExitArguments, Fault> {
    let state = StateProof::read(&api.chain, block_of(root), user, &[])?;
    check_root(&state, root)?;
    if state.balance.is_zero() {
        return Err(nothing(user, root));
    }
    let call = abi::exitETHCall {
        o: (&root.output).into(),
        account: abi::Account {
            nonce: state.nonce,
            balance: state.balance,
            codeHash: state.code_hash,
        },
        proof: abi_proof(&state.account_proof),
        payee: user,
        sig: Bytes::new(),
        user,
    };
    Ok(ExitArguments {
        to: portal,
        method: "exitETH",
        root_id: Quantity(root.id),
        output: (&root.output).into(),
        account: Some(AccountView {
            nonce: Quantity(state.nonce),
            balance: Quantity(state.balance),
            code_hash: state.code_hash,
        }),
        token: None,
        amount: Quantity(state.balance),
        proof: state.account_proof,
        user,
        calldata: call.abi_encode().into(),
    })
}

/// Slot of a user's balance in `AuraERC20`, whose balances are pinned to slot 0.
fn balance_slot(user: Address) -> B256 {
    keccak256((user, U256::ZERO).abi_encode())
}

fn tokens(
    api: &Api,
    user: Address,
    token: Address,
    root: &L1RootRecord,
    portal: Address,
) -> Result<ExitArguments, Fault> {
    let slot = U256::from_be_bytes(balance_slot(user).0);
    let mut state = StateProof::read(&api.chain, block_of(root), l2_token(token), &[slot])?;
    check_root(&state, root)?;
    let slot = state.storage_proof.pop();
    let slot = slot.filter(|slot| !slot.value.is_zero());
    let slot = slot.ok_or_else(|| nothing(user, root))?;
    let amount = U256::from_be_bytes(slot.value.0);
    let call = abi::exitTokenCall {
        o: (&root.output).into(),
        token,
        amount,
        proof: abi_proof(&slot.proof),
        payee: user,
        sig: Bytes::new(),
        user,
    };
    Ok(ExitArguments {
        to: portal,
        method: "exitToken",
        root_id: Quantity(root.id),
        output: (&root.output).into(),
        account: None,
        token: Some(token),
        amount: Quantity(amount),
        proof: slot.proof,
        user,
        calldata: call.abi_encode().into(),
    })
}
