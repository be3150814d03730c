//! Writes `genesis/*.json` from `genesis/inputs/*.toml` the preinstalls beside them, and
//! the compiled contracts.
//!
//! `cargo run -p aura-chainspec --example generate_genesis`

use std::path::Path;

mod generator;
mod predeploys;
mod preinstalls;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let genesis = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../genesis");
    let artifacts = genesis.join("../contracts/artifacts");
    let list = std::fs::read_to_string(genesis.join("inputs/preinstalls.json"))?;
    for entry in std::fs::read_dir(genesis.join("inputs"))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let json = generator::generate(&std::fs::read_to_string(&path)?, &list, &artifacts)?;
            let name = path.file_stem().ok_or("input file without a name")?;
            let target = genesis.join(name).with_extension("json");
            std::fs::write(&target, json)?;
            println!("{}", target.display());
        }
    }
    Ok(())
}
