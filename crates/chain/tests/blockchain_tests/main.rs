//! Ethereum's blockchain tests through [`Chain::import`](aura_chain::Chain::import), all forks.
//!
//! The archives are not part of the repository: they are looked for in `../shared/ethereum-tests`, or
//! under the directory that `AURA_SHARED` names. Without them, or without `tar` and `zstd` to unpack
//! them, the test says so and passes. A case is judged by the hash of the genesis block and of the
//! head, by the whole post state, and by what must be refused.
#![allow(missing_docs)]

mod case;
mod excluded;
mod network;
mod run;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use aura_test_utils::{ethereum_tests, json_files};
use case::Case;

const ARCHIVES: [&str; 2] = ["blockchain_tests", "blockchain_tests_legacy"];
/// Cases that run at the same time.
const THREADS: usize = 2;

/// Outcomes by network.
#[derive(Default)]
struct Report {
    passed: BTreeMap<String, usize>,
    failed: BTreeMap<String, usize>,
    failures: Vec<String>,
    /// Names on the list of exclusions that a case has.
    excluded: BTreeSet<&'static str>,
    excluded_cases: usize,
}

impl Report {
    fn print(&self) {
        let networks: BTreeSet<&String> = self.passed.keys().chain(self.failed.keys()).collect();
        let count = |of: &BTreeMap<String, usize>, network| of.get(network).copied().unwrap_or(0);
        for network in networks {
            let (passed, failed) = (count(&self.passed, network), count(&self.failed, network));
            println!("{network}: {passed} passed, {failed} failed");
        }
        println!(
            "all: {} passed, {} failed, {} excluded",
            self.passed.values().sum::<usize>(),
            self.failed.values().sum::<usize>(),
            self.excluded_cases
        );
    }
}

fn run_file(path: &Path, scratch: &Path, report: &Mutex<Report>) {
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&fs::read(path).unwrap())
        .unwrap_or_else(|error| {
            panic!("{}: {error}", path.display());
        });
    for (name, case) in cases {
        let path = path.to_string_lossy();
        let name = format!("{path}::{name}");
        if let Some((entry, reason)) = excluded::find(&path) {
            assert!(excluded::has_side_chain(&case), "{name}: not {reason}");
            println!("excluded: {entry}: {reason}");
            let mut report = report.lock().unwrap();
            report.excluded.insert(entry);
            report.excluded_cases += 1;
            continue;
        }
        let outcome = run::run(&case, scratch);
        let mut report = report.lock().unwrap();
        let counts = match &outcome {
            Ok(()) => &mut report.passed,
            Err(_) => &mut report.failed,
        };
        *counts.entry(case.network.clone()).or_default() += 1;
        if let Err(problem) = outcome {
            report.failures.push(format!("{name}: {problem}"));
        }
    }
}

#[test]
fn every_case_has_its_head_and_its_state() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut paths = Vec::new();
    for name in ARCHIVES {
        match ethereum_tests(name, root) {
            Ok(dir) => paths.extend(json_files(&dir)),
            Err(reason) => {
                println!("skipped: {reason}");
                return;
            }
        }
    }
    // Part of a path, to run a few cases.
    if let Ok(part) = std::env::var("AURA_CASES") {
        paths.retain(|path| path.to_string_lossy().contains(&part));
    }
    let whole = std::env::var_os("AURA_CASES").is_none();
    let report = Mutex::new(Report::default());
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let scratch = tempfile::tempdir_in(root).unwrap();
                while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run_file(path, scratch.path(), &report);
                }
            });
        }
    });
    let report = report.into_inner().unwrap();
    report.print();
    let failures = report.failures.join("\n");
    assert!(report.failures.is_empty(), "{failures}");
    if whole {
        let listed: BTreeSet<&str> = excluded::names().collect();
        let used: BTreeSet<&str> = report.excluded.into_iter().collect();
        assert_eq!(listed, used, "an exclusion that no case needs");
    }
}
