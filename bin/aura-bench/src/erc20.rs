//! The token of the load: deployment, calls and their encoding.

use crate::{
    accounts::{Account, Unsigned},
    rpc::Rpc,
};
use alloy_primitives::{Address, Bytes, TxKind, U256, hex};
use eyre::{OptionExt, Result};
use std::time::Duration;

/// Creation code of `contracts/Erc20.sol`.
const CREATION_CODE: &str = include_str!("../contracts/Erc20.hex");
const TRANSFER: [u8; 4] = [0xa9, 0x05, 0x9c, 0xbb];
const MINT: [u8; 4] = [0x40, 0xc1, 0x0f, 0x19];
const BALANCE_OF: [u8; 4] = [0x70, 0xa0, 0x82, 0x31];
const MINED_LIMIT: Duration = Duration::from_secs(60);

/// Input of `transfer(to, value)`.
pub(crate) fn transfer_input(to: Address, value: U256) -> Bytes {
    two_words(TRANSFER, to, value)
}

/// Input of `balanceOf(owner)`.
pub(crate) fn balance_input(owner: Address) -> Bytes {
    [&BALANCE_OF[..], owner.into_word().as_slice()]
        .concat()
        .into()
}

fn two_words(selector: [u8; 4], to: Address, value: U256) -> Bytes {
    [
        &selector[..],
        to.into_word().as_slice(),
        &value.to_be_bytes::<32>(),
    ]
    .concat()
    .into()
}

/// Deploys the token from a development account and mints a fortune to each of `holders`.
pub(crate) async fn deploy(rpc: &mut Rpc, holders: &[Account]) -> Result<Address> {
    let deployer = Account::dev(9)?;
    let chain_id = rpc.chain_id().await?;
    let first = rpc.nonces(&[deployer.address()]).await?[0];
    let creation = Unsigned {
        nonce: first,
        to: TxKind::Create,
        value: U256::ZERO,
        gas_limit: 2_000_000,
        input: hex::decode(CREATION_CODE.trim())?.into(),
    };
    let hash = rpc
        .submit(&[deployer.sign(chain_id, creation)?.raw])
        .await?[0];
    let receipt = rpc.mined(hash, MINED_LIMIT).await?;
    let token = receipt
        .contract_address
        .ok_or_eyre("the creation has no address")?;
    let fortune = U256::from(1_000_000_000_000_u64);
    let mut nonce = first + 1;
    // In parts that every pool accepts from one sender.
    for part in holders.chunks(50) {
        let mut raws = Vec::with_capacity(part.len());
        for holder in part {
            let input = two_words(MINT, holder.address(), fortune);
            let (to, value) = (TxKind::Call(token), U256::ZERO);
            let tx = Unsigned {
                nonce,
                to,
                value,
                gas_limit: 120_000,
                input,
            };
            raws.push(deployer.sign(chain_id, tx)?.raw);
            nonce += 1;
        }
        for hash in rpc.submit(&raws).await? {
            rpc.mined(hash, MINED_LIMIT).await?;
        }
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    #[test]
    fn selectors_are_those_of_the_standard() {
        for (selector, signature) in [
            (TRANSFER, "transfer(address,uint256)"),
            (MINT, "mint(address,uint256)"),
            (BALANCE_OF, "balanceOf(address)"),
        ] {
            assert_eq!(selector, keccak256(signature)[..4]);
        }
        assert!(hex::decode(CREATION_CODE.trim()).unwrap().len() > 500);
        assert_eq!(transfer_input(Address::ZERO, U256::ONE).len(), 68);
    }
}
