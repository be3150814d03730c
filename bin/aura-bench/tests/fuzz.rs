//! A short run of `aura-bench fuzz`, in a process of its own: memory and panics are the process's.

use std::process::Command;

#[test]
fn whatever_is_sent_the_answer_is_one_and_nothing_breaks() {
    let requests = std::env::var("RPC_FUZZ_REQUESTS").unwrap_or_else(|_| "20000".to_owned());
    let seed = std::env::var("RPC_FUZZ_SEED").unwrap_or_else(|_| "1".to_owned());
    let output = Command::new(env!("CARGO_BIN_EXE_aura-bench"))
        .args(["fuzz", "--requests", &requests, "--seed", &seed])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let figures = String::from_utf8_lossy(&output.stdout);
    for line in ["answers with a result", "answers with an error"] {
        let value = figures.lines().find(|text| text.starts_with(line)).unwrap();
        assert!(!value.contains(" 0.00 "), "{figures}");
    }
}
