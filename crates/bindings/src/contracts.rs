//! The contracts, from their committed artifacts. In each module the one with the contract's name has a
//! `…Call` for every function, a struct for every event and error, `BYTECODE` and `DEPLOYED_BYTECODE`.

macro_rules! contract {
    ($(#[$doc:meta])* $module:ident, $name:ident, $file:literal) => {
        $(#[$doc])*
        #[allow(missing_docs, clippy::all)]
        pub mod $module {
            alloy_sol_types::sol!(#![sol(all_derives)] $name, $file);
        }
    };
}

contract!(
    /// Escrow and queue on L1.
    portal,
    AuraPortal,
    "../../contracts/artifacts/AuraPortal.json"
);
contract!(
    /// Batches and roots on L1.
    rollup,
    AuraRollup,
    "../../contracts/artifacts/AuraRollup.json"
);
contract!(
    /// Admin of both.
    timelock,
    AuraTimelock,
    "../../contracts/artifacts/AuraTimelock.json"
);
contract!(
    /// What portal and rollup are behind.
    proxy,
    ERC1967Proxy,
    "../../contracts/artifacts/ERC1967Proxy.json"
);
contract!(
    /// The L1 block that an L2 block refers to.
    l1_block,
    AuraL1Block,
    "../../contracts/artifacts/AuraL1Block.json"
);
contract!(
    /// The way out of L2.
    message_passer,
    AuraMessagePasser,
    "../../contracts/artifacts/AuraMessagePasser.json"
);
contract!(
    /// L1 tokens on L2.
    token_bridge,
    AuraTokenBridge,
    "../../contracts/artifacts/AuraTokenBridge.json"
);
contract!(
    /// What tokens of L2 are clones of.
    erc20,
    AuraERC20,
    "../../contracts/artifacts/AuraERC20.json"
);
contract!(
    /// The fees of L2.
    fee_vault,
    AuraFeeVault,
    "../../contracts/artifacts/AuraFeeVault.json"
);
contract!(
    /// Parameters of L2 that L1 sets.
    config,
    AuraConfig,
    "../../contracts/artifacts/AuraConfig.json"
);
