//! From the name of a network to the `config` of a genesis file.

use serde_json::{Map, Value, json};

/// Time at which the transitions by time take place.
const TRANSITION_TIME: u64 = 15_000;
/// Block of the transitions by number.
const TRANSITION_BLOCK: u64 = 5;

/// Forks in their order, with the field of `config`. The merge has no field of its own.
const FORKS: [(&str, &str); 18] = [
    ("Homestead", "homesteadBlock"),
    ("EIP150", "eip150Block"),
    ("EIP158", "eip158Block"),
    ("Byzantium", "byzantiumBlock"),
    ("Constantinople", "constantinopleBlock"),
    ("ConstantinopleFix", "petersburgBlock"),
    ("Istanbul", "istanbulBlock"),
    ("Berlin", "berlinBlock"),
    ("London", "londonBlock"),
    ("ArrowGlacier", "arrowGlacierBlock"),
    ("GrayGlacier", "grayGlacierBlock"),
    ("Paris", ""),
    ("Shanghai", "shanghaiTime"),
    ("Cancun", "cancunTime"),
    ("Prague", "pragueTime"),
    ("Osaka", "osakaTime"),
    ("BPO1", "bpo1Time"),
    ("BPO2", "bpo2Time"),
];

fn activate(config: &mut Map<String, Value>, fork: &str, at: u64) {
    let Some((_, field)) = FORKS.iter().find(|(name, _)| *name == fork) else {
        assert_eq!(fork, "Dao", "unknown fork");
        config.insert("daoForkBlock".into(), json!(at));
        config.insert("daoForkSupport".into(), json!(true));
        return;
    };
    if fork == "Paris" {
        config.insert("terminalTotalDifficulty".into(), json!(0));
    } else {
        config.insert((*field).into(), json!(at));
    }
    if fork == "EIP158" {
        config.insert("eip155Block".into(), json!(at));
    }
}

/// Activates `fork` and all before it from the start. Forks that only delay the difficulty bomb are
/// active on their own networks only, and since the merge.
fn activate_until(config: &mut Map<String, Value>, fork: &str) {
    let position = |name| FORKS.iter().position(|(fork, _)| *fork == name);
    let last = if fork == "Frontier" {
        return;
    } else {
        position(fork).unwrap_or_else(|| panic!("unknown network {fork}"))
    };
    for (name, _) in &FORKS[..=last] {
        activate(config, name, 0);
    }
    if fork == "Constantinople" {
        // A file that leaves Petersburg out means that it comes together with Constantinople.
        activate(config, "ConstantinopleFix", u64::MAX);
    }
}

/// The schedule of `network`.
pub(crate) fn config(network: &str) -> Map<String, Value> {
    let mut config = Map::new();
    let Some((before, after)) = network.split_once("To") else {
        activate_until(&mut config, network);
        return config;
    };
    activate_until(&mut config, before);
    if let Some(fork) = after.strip_suffix("AtTime15k") {
        activate(&mut config, fork, TRANSITION_TIME);
    } else if let Some(difficulty) = after.strip_prefix("ParisAtDiff") {
        let terminal = u64::from_str_radix(difficulty, 16).unwrap();
        config.insert("terminalTotalDifficulty".into(), json!(terminal));
    } else if let Some(fork) = after.strip_suffix("At5") {
        if fork == "ConstantinopleFix" {
            activate(&mut config, "Constantinople", TRANSITION_BLOCK);
        }
        activate(&mut config, fork, TRANSITION_BLOCK);
    } else {
        panic!("unknown network {network}");
    }
    config
}
