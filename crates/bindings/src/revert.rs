//! What a contract of ours says when it refuses.

use alloy_primitives::hex;
use alloy_sol_types::{Panic, Revert, SolError, SolInterface};

use crate::{
    config::AuraConfig::AuraConfigErrors, erc20::AuraERC20::AuraERC20Errors,
    fee_vault::AuraFeeVault::AuraFeeVaultErrors, l1_block::AuraL1Block::AuraL1BlockErrors,
    message_passer::AuraMessagePasser::AuraMessagePasserErrors,
    portal::AuraPortal::AuraPortalErrors, proxy::ERC1967Proxy::ERC1967ProxyErrors,
    rollup::AuraRollup::AuraRollupErrors, timelock::AuraTimelock::AuraTimelockErrors,
    token_bridge::AuraTokenBridge::AuraTokenBridgeErrors,
};

/// Bytes of unknown revert data that a description shows.
const SHOWN_BYTES: usize = 36;

/// Whether revert data is the error `E`.
pub fn is_error<E: SolError>(data: &[u8]) -> bool {
    data.starts_with(&E::SELECTOR)
}

/// Name and arguments of the error in revert data: `OverCap { cap: 10 }`. `None` if no contract of ours has
/// such an error.
pub fn describe_revert(data: &[u8]) -> Option<String> {
    if let Ok(revert) = Revert::abi_decode(data) {
        return Some(revert.reason);
    }
    if let Ok(panic) = Panic::abi_decode(data) {
        return Some(format!("panic {:#04x}", panic.code));
    }
    let known = [
        named::<AuraRollupErrors>,
        named::<AuraPortalErrors>,
        named::<AuraTimelockErrors>,
        named::<ERC1967ProxyErrors>,
        named::<AuraMessagePasserErrors>,
        named::<AuraTokenBridgeErrors>,
        named::<AuraERC20Errors>,
        named::<AuraFeeVaultErrors>,
        named::<AuraL1BlockErrors>,
        named::<AuraConfigErrors>,
    ];
    known.iter().find_map(|name| name(data))
}

/// As [`describe_revert`], with the bytes of what is unknown.
pub fn revert_text(data: &[u8]) -> String {
    match describe_revert(data) {
        Some(text) => text,
        None if data.is_empty() => "no reason given".to_owned(),
        None => {
            let shown = &data[..data.len().min(SHOWN_BYTES)];
            let more = if data.len() > SHOWN_BYTES { "…" } else { "" };
            format!("unknown error {}{more}", hex::encode_prefixed(shown))
        }
    }
}

fn named<E: SolInterface + std::fmt::Debug>(data: &[u8]) -> Option<String> {
    let error = E::abi_decode(data).ok()?;
    // `OverCap(OverCap { cap: 10 })`: the variant holds a struct of the same name.
    let text = format!("{error:?}");
    let inner = text.split_once('(')?.1.strip_suffix(')')?;
    Some(inner.to_owned())
}

#[cfg(test)]
mod tests {
    use alloy_json_abi::{Error, JsonAbi};
    use alloy_primitives::U256;
    use alloy_sol_types::{Panic, Revert, SolError};

    use super::{describe_revert, is_error, revert_text};
    use crate::{portal::AuraPortal, rollup::AuraRollup};

    const ARTIFACTS: [&str; 10] = [
        include_str!("../../../contracts/artifacts/AuraRollup.json"),
        include_str!("../../../contracts/artifacts/AuraPortal.json"),
        include_str!("../../../contracts/artifacts/AuraTimelock.json"),
        include_str!("../../../contracts/artifacts/ERC1967Proxy.json"),
        include_str!("../../../contracts/artifacts/AuraMessagePasser.json"),
        include_str!("../../../contracts/artifacts/AuraTokenBridge.json"),
        include_str!("../../../contracts/artifacts/AuraERC20.json"),
        include_str!("../../../contracts/artifacts/AuraFeeVault.json"),
        include_str!("../../../contracts/artifacts/AuraL1Block.json"),
        include_str!("../../../contracts/artifacts/AuraConfig.json"),
    ];

    fn errors() -> Vec<Error> {
        let abi = |text: &str| {
            let artifact: serde_json::Value = serde_json::from_str(text).unwrap();
            serde_json::from_value::<JsonAbi>(artifact["abi"].clone()).unwrap()
        };
        let all = ARTIFACTS.map(abi);
        all.iter()
            .flat_map(|abi| abi.errors().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Small words for static types, offset and length for a dynamic one: valid for each error we have.
    fn arguments(error: &Error) -> Vec<u8> {
        let words = error.inputs.len() as u64;
        let mut head = Vec::new();
        let mut tail = Vec::new();
        for input in &error.inputs {
            if matches!(input.ty.as_str(), "bytes" | "string") {
                let offset = words * 32 + tail.len() as u64;
                head.extend(U256::from(offset).to_be_bytes::<32>());
                tail.extend(U256::ZERO.to_be_bytes::<32>());
            } else {
                let one = U256::from(1).to_be_bytes::<32>();
                head.extend(one);
            }
        }
        [head, tail].concat()
    }

    #[test]
    fn every_error_of_our_contracts_has_a_name() {
        let errors = errors();
        assert!(errors.len() > 60, "{}", errors.len());
        for error in errors {
            let data = [error.selector().to_vec(), arguments(&error)].concat();
            let text =
                describe_revert(&data).unwrap_or_else(|| panic!("{} is unknown", error.name));
            assert!(text.starts_with(&error.name), "{text}: {}", error.name);
            for input in error.inputs.iter().filter(|input| !input.name.is_empty()) {
                assert!(
                    text.contains(&format!("{}: ", input.name)),
                    "{text}: {}",
                    input.name
                );
            }
        }
    }

    #[test]
    fn reads_arguments_reasons_and_panics() {
        let over = AuraPortal::OverCap {
            cap: U256::from(10),
        }
        .abi_encode();
        assert_eq!(describe_revert(&over).unwrap(), "OverCap { cap: 10 }");
        assert!(is_error::<AuraPortal::OverCap>(&over));
        assert!(!is_error::<AuraRollup::BadAnchor>(&over));
        let overdue = AuraRollup::ForcedEntryOverdue { id: 7 }.abi_encode();
        assert_eq!(
            describe_revert(&overdue).unwrap(),
            "ForcedEntryOverdue { id: 7 }"
        );
        let bare = AuraRollup::BadAnchor {}.abi_encode();
        assert_eq!(describe_revert(&bare).unwrap(), "BadAnchor");
        let reason = Revert::from("too late").abi_encode();
        assert_eq!(describe_revert(&reason).unwrap(), "too late");
        let overflow = Panic {
            code: U256::from(0x11),
        }
        .abi_encode();
        assert_eq!(describe_revert(&overflow).unwrap(), "panic 0x11");
    }

    #[test]
    fn shows_what_it_does_not_know() {
        assert_eq!(describe_revert(&[1, 2, 3, 4]), None);
        assert_eq!(describe_revert(&[]), None);
        assert_eq!(revert_text(&[]), "no reason given");
        assert_eq!(revert_text(&[1, 2, 3, 4]), "unknown error 0x01020304");
        assert!(revert_text(&[0xfe; 100]).ends_with("fe…"));
    }
}
