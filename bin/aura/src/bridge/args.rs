//! Flags of `aura bridge`.

use std::{path::PathBuf, time::Duration};

use alloy_primitives::{Address, Bytes, U256};
use clap::{ArgGroup, Args};

use super::amount::parse_ether;

/// Where the chains are.
#[derive(Debug, Args)]
pub(crate) struct Chains {
    /// JSON-RPC of L1
    #[arg(
        long,
        env = "AURA_L1_RPC",
        value_name = "URL",
        default_value = "http://127.0.0.1:9545"
    )]
    pub(super) l1_rpc: String,
    /// JSON-RPC of L2
    #[arg(
        long,
        env = "AURA_L2_RPC",
        value_name = "URL",
        default_value = "http://127.0.0.1:8545"
    )]
    pub(super) l2_rpc: String,
    /// Deployment file; without one L2 says where its contracts on L1 are
    #[arg(long, env = "AURA_DEPLOYMENT", value_name = "FILE")]
    pub(super) deployment: Option<PathBuf>,
}

/// Who signs.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("key").required(true).args(["key_file", "dev_account", "remote_signer"]))]
pub(crate) struct Key {
    /// File with the key: 32 bytes in hex, or a JSON keystore
    #[arg(long, env = "AURA_KEY_FILE", value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// File with the password of the keystore
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub(super) password_file: Option<PathBuf>,
    /// Account of the development mnemonic, on development chains
    #[arg(long, value_name = "INDEX")]
    pub(super) dev_account: Option<u32>,
    /// URL of a signer that answers eth_signTransaction
    #[arg(long, value_name = "URL", requires = "from")]
    pub(super) remote_signer: Option<String>,
    /// Account that the remote signer signs for
    #[arg(long, value_name = "ADDRESS", requires = "remote_signer")]
    pub(super) from: Option<Address>,
}

/// How it is shown.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Print one JSON object at the end and nothing else
    #[arg(long)]
    pub(super) json: bool,
    /// Stop when the transaction is mined
    #[arg(long)]
    pub(super) no_wait: bool,
    /// Give up waiting after this; what was sent goes on [default: none]
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    pub(super) timeout: Option<Duration>,
}

/// Flags of `aura bridge deposit`.
#[derive(Debug, Args)]
pub(crate) struct DepositArgs {
    /// Ether: 1ether, 0.5, 1000wei
    #[arg(value_parser = parse_ether)]
    pub(super) amount: U256,
    /// Who gets it on L2 [default: the sender]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: Option<Address>,
    #[command(flatten)]
    pub(super) key: Key,
    #[command(flatten)]
    pub(super) chains: Chains,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Flags of `aura bridge deposit-erc20`.
#[derive(Debug, Args)]
pub(crate) struct DepositErc20Args {
    /// The token on L1
    pub(super) token: Address,
    /// Amount in units of the token: 12.5
    pub(super) amount: String,
    /// Who gets it on L2 [default: the sender]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: Option<Address>,
    /// Register the token first if it is not
    #[arg(long)]
    pub(super) register: bool,
    #[command(flatten)]
    pub(super) key: Key,
    #[command(flatten)]
    pub(super) chains: Chains,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Flags of `aura bridge withdraw`.
#[derive(Debug, Args)]
pub(crate) struct WithdrawArgs {
    /// Ether, or with --token units of the token
    pub(super) amount: String,
    /// The token's address on L1
    #[arg(long, value_name = "ADDRESS")]
    pub(super) token: Option<Address>,
    /// Who is paid on L1 [default: the sender]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: Option<Address>,
    /// Claim it on L1, too, as soon as it can be
    #[arg(long, conflicts_with = "no_wait")]
    pub(super) finalize: bool,
    #[command(flatten)]
    pub(super) key: Key,
    #[command(flatten)]
    pub(super) chains: Chains,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Flags of `aura bridge prove`.
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// Index of the withdrawal
    pub(super) index: u64,
    #[command(flatten)]
    pub(super) chains: Chains,
    /// Print the arguments as JSON instead of a command for cast
    #[arg(long)]
    pub(super) json: bool,
}

/// Flags of `aura bridge finalize`.
#[derive(Debug, Args)]
pub(crate) struct FinalizeArgs {
    /// Index of the withdrawal
    pub(super) index: u64,
    #[command(flatten)]
    pub(super) key: Key,
    #[command(flatten)]
    pub(super) chains: Chains,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Flags of `aura bridge status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Of this entry of the queue, instead of the bridge
    #[arg(long, value_name = "ID", conflicts_with = "withdrawal")]
    pub(super) deposit: Option<u64>,
    /// Of this withdrawal, instead of the bridge
    #[arg(long, value_name = "INDEX")]
    pub(super) withdrawal: Option<u64>,
    #[command(flatten)]
    pub(super) chains: Chains,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Flags of `aura bridge force`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["to", "withdraw"]))]
pub(crate) struct ForceArgs {
    /// Who is called on L2
    #[arg(long, value_name = "ADDRESS")]
    pub(super) to: Option<Address>,
    /// Ether of the sender's on L2 that goes along
    #[arg(long, value_name = "AMOUNT", value_parser = parse_ether, default_value = "0", conflicts_with = "withdraw")]
    pub(super) value: U256,
    /// Calldata on L2
    #[arg(
        long,
        value_name = "HEX",
        default_value = "0x",
        conflicts_with = "withdraw"
    )]
    pub(super) data: Bytes,
    /// Gas on L2, paid from the balance there
    #[arg(long, value_name = "GAS", default_value_t = 200_000)]
    pub(super) gas_limit: u64,
    /// Ether that moves from L1 to the sender on L2 before it runs
    #[arg(long, value_name = "AMOUNT", value_parser = parse_ether, default_value = "0")]
    pub(super) deposit: U256,
    /// Withdraw this much ether of the sender's, instead of another call
    #[arg(long, value_name = "AMOUNT", value_parser = parse_ether)]
    pub(super) withdraw: Option<U256>,
    /// Who is paid on L1 [default: the sender]
    #[arg(long, value_name = "ADDRESS", requires = "withdraw")]
    pub(super) recipient: Option<Address>,
    #[command(flatten)]
    pub(super) key: Key,
    #[command(flatten)]
    pub(super) chains: Chains,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Seconds, or a number with `s`, `m`, `h` or `d`.
fn parse_time(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let found = units
        .iter()
        .find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)));
    let (digits, seconds) = found.unwrap_or((text, 1));
    let count: u64 = digits
        .parse()
        .map_err(|_| "expected a time such as 90s, 10m, 2h or 8d".to_owned())?;
    let total = count.checked_mul(seconds).ok_or("too long")?;
    Ok(Duration::from_secs(total))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: super::super::BridgeCommand,
    }

    fn is_taken(line: &str) -> bool {
        Line::try_parse_from(line.split(' ')).is_ok()
    }

    #[test]
    fn the_flags_do_not_contradict_each_other() {
        Line::command().debug_assert();
    }

    #[test]
    fn a_key_is_needed_and_only_one() {
        assert!(is_taken("aura deposit 1ether --dev-account 0"));
        assert!(is_taken("aura deposit 1ether --key-file key"));
        assert!(!is_taken("aura deposit 1ether"));
        assert!(!is_taken(
            "aura deposit 1ether --dev-account 0 --key-file key"
        ));
        assert!(!is_taken(
            "aura deposit 1ether --remote-signer http://localhost"
        ));
        assert!(!is_taken("aura deposit nothing --dev-account 0"));
    }

    #[test]
    fn a_forced_transaction_is_a_call_or_a_withdrawal() {
        let to = "0x00000000000000000000000000000000000000aa";
        assert!(is_taken(&format!(
            "aura force --to {to} --data 0x01 --dev-account 0"
        )));
        assert!(is_taken("aura force --withdraw 1 --dev-account 0"));
        assert!(!is_taken("aura force --dev-account 0"));
        assert!(!is_taken(&format!(
            "aura force --to {to} --withdraw 1 --dev-account 0"
        )));
        assert!(!is_taken(
            "aura force --withdraw 1 --data 0x01 --dev-account 0"
        ));
    }

    #[test]
    fn reads_times() {
        assert_eq!(parse_time("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_time("2h"), Ok(Duration::from_secs(7_200)));
        assert!(parse_time("soon").is_err());
    }
}
