//! Networks of the tests as schedules of forks.

use serde_json::{Value, json};

/// Forks by block number, oldest first; networks of tests count those before them in.
const BLOCK_FORKS: [(&str, &[&str]); 11] = [
    ("Homestead", &["homesteadBlock"]),
    ("EIP150", &["eip150Block"]),
    ("EIP158", &["eip155Block", "eip158Block"]),
    ("Byzantium", &["byzantiumBlock"]),
    ("Constantinople", &["constantinopleBlock"]),
    ("ConstantinopleFix", &["petersburgBlock"]),
    ("Istanbul", &["istanbulBlock", "muirGlacierBlock"]),
    ("Berlin", &["berlinBlock"]),
    ("London", &["londonBlock"]),
    ("ArrowGlacier", &["arrowGlacierBlock"]),
    ("GrayGlacier", &["grayGlacierBlock"]),
];
const TIME_FORKS: [(&str, &str); 8] = [
    ("Shanghai", "shanghaiTime"),
    ("Cancun", "cancunTime"),
    ("Prague", "pragueTime"),
    ("Osaka", "osakaTime"),
    ("BPO1", "bpo1Time"),
    ("BPO2", "bpo2Time"),
    ("BPO3", "bpo3Time"),
    ("BPO4", "bpo4Time"),
];

/// `config` of a genesis file for a network of the tests.
pub(crate) fn config(network: &str) -> Value {
    let mut config = json!({
        "depositContractAddress": "0x00000000219ab540356cbb839cbe05303d7705fa"
    });
    match network {
        "ArrowGlacierToParisAtDiffC0000" => {
            activate(&mut config, "ArrowGlacier", 0);
            config["terminalTotalDifficulty"] = json!(0xc0000);
        }
        "HomesteadToDaoAt5" => {
            activate(&mut config, "Homestead", 0);
            config["daoForkBlock"] = json!(5);
            config["daoForkSupport"] = json!(true);
        }
        _ => match network.split_once("To") {
            Some((from, rest)) => {
                let (to, at) = rest.split_once("At").unwrap();
                activate(&mut config, from, 0);
                let at = match at.strip_prefix("Time") {
                    Some("15k") => 15_000,
                    Some(other) => panic!("unknown time {other}"),
                    None => at.parse().unwrap(),
                };
                activate(&mut config, to, at);
            }
            None => activate(&mut config, network, 0),
        },
    }
    config
}

/// Schedules what is not yet scheduled up to `fork` at `at`.
fn activate(config: &mut Value, fork: &str, at: u64) {
    let merged = fork == "Paris" || TIME_FORKS.iter().any(|(name, _)| *name == fork);
    let mut set = |key: &str| {
        if config.get(key).is_none() {
            config[key] = json!(at);
        }
    };
    if fork == "Frontier" {
        return;
    }
    for (name, keys) in BLOCK_FORKS {
        keys.iter().for_each(|key| set(key));
        // Petersburg came on the day of Constantinople; only one network goes without it.
        if name == fork {
            break;
        }
        assert!(name != "GrayGlacier" || merged, "unknown fork {fork}");
    }
    if merged {
        if config.get("terminalTotalDifficulty").is_none() {
            config["terminalTotalDifficulty"] = json!(0);
        }
        for (name, key) in TIME_FORKS {
            if fork == "Paris" {
                break;
            }
            if config.get(key).is_none() {
                config[key] = json!(at);
            }
            if name == fork {
                break;
            }
        }
    }
    if fork == "Constantinople" {
        config["petersburgBlock"] = json!(u64::MAX);
    }
}
