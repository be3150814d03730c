//! What tests of several crates share. Only for `[dev-dependencies]`.
//!
//! It finds the conformance material that lies beside the repository: it is read in place, and where
//! it is absent a test says so and ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of conformance material: `AURA_SHARED`, or `../shared` beside the repository.
pub fn shared() -> PathBuf {
    std::env::var_os("AURA_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    )
}

/// Unpacks `ethereum-tests/NAME.tar.zst` below `scratch` (`env!("CARGO_TARGET_TMPDIR")` of the test),
/// unless that was done before, and returns the folder `NAME` in it.
///
/// # Errors
/// Why the material cannot be had, as text for the reader of the test's output.
pub fn ethereum_tests(name: &str, scratch: &Path) -> Result<PathBuf, String> {
    let archive = shared().join(format!("ethereum-tests/{name}.tar.zst"));
    let Ok(metadata) = archive.metadata() else {
        return Err(format!("{} is absent", archive.display()));
    };
    // Another archive has another length, so what is there is of this one.
    let target = scratch.join(format!("ethereum-tests-{name}-{}", metadata.len()));
    if !target.exists() {
        // Complete before it has its name: tests may run side by side.
        let partial = scratch.join(format!("{name}-{}.partial", std::process::id()));
        unpack(&archive, &partial)?;
        if let Err(error) = fs::rename(&partial, &target)
            && !target.exists()
        {
            return Err(error.to_string());
        }
    }
    Ok(target.join(name))
}

fn unpack(archive: &Path, target: &Path) -> Result<(), String> {
    fs::create_dir_all(target).map_err(|error| error.to_string())?;
    let status = Command::new("tar")
        .arg("--zstd")
        .args(["-C".as_ref(), target.as_os_str()])
        .args(["-xf".as_ref(), archive.as_os_str()])
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("tar with zstd is needed to unpack it: {other:?}")),
    }
}

/// Every JSON file below `dir`, sorted.
///
/// # Panics
/// If a folder cannot be read.
pub fn json_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(dir, &mut found);
    found.sort();
    found
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "json") {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_files_are_found_in_every_folder_in_order() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("b/c")).unwrap();
        for name in ["b/c/2.json", "b/1.json", "a.json", "b/not.txt"] {
            fs::write(dir.path().join(name), "{}").unwrap();
        }
        let found = json_files(dir.path());
        let names = ["a.json", "b/1.json", "b/c/2.json"];
        assert_eq!(found, names.map(|name| dir.path().join(name)));
    }

    #[test]
    fn what_is_absent_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let reason = ethereum_tests("no-such-archive", dir.path()).unwrap_err();
        assert!(
            reason.ends_with("no-such-archive.tar.zst is absent"),
            "{reason}"
        );
    }
}
