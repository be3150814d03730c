//! `aura import` and `aura export`: chains as files of blocks.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

use aura_node::{
    ChainSource, ExportRange, Finality, ImportProgress, StorageSection, export, import,
    open_store_read_only,
};
use aura_runtime::{LogFormat, init_tracing};
use eyre::WrapErr;

use crate::cli::{ExportArgs, ImportArgs};

/// Runs `aura import`.
pub(crate) fn import_files(args: ImportArgs) -> eyre::Result<()> {
    init_tracing("warn", LogFormat::Text)?;
    let source = args.genesis.map_or(ChainSource::Datadir, ChainSource::File);
    let finality = if args.finalize {
        Finality::Head
    } else {
        Finality::ByChain
    };
    let store = StorageSection::default().to_config();
    let started = Instant::now();
    let report = |progress: &ImportProgress| print_progress(progress, started.elapsed());
    import(
        &args.datadir,
        &source,
        &store,
        &args.files,
        finality,
        report,
    )?;
    Ok(())
}

fn print_progress(progress: &ImportProgress, elapsed: Duration) {
    let ImportProgress {
        head,
        imported,
        known,
        transactions,
        gas,
    } = progress;
    let rate = *gas as f64 / 1e6 / elapsed.as_secs_f64().max(1e-3);
    eprintln!(
        "imported {imported} blocks with {transactions} transactions, passed over {known}, \
         {rate:.1} Mgas/s; head is block {} {}",
        head.number, head.hash
    );
}

/// Runs `aura export`.
pub(crate) fn export_file(args: ExportArgs) -> eyre::Result<()> {
    init_tracing("warn", LogFormat::Text)?;
    if let (Some(from), Some(to)) = (args.from, args.to) {
        eyre::ensure!(from <= to, "--from {from} is above --to {to}");
    }
    let range = ExportRange {
        from: args.from,
        to: args.to,
    };
    let store = open_store_read_only(&args.datadir, &StorageSection::default().to_config())?;
    let count = if args.file == Path::new("-") {
        export(&store, range, &mut BufWriter::new(io::stdout().lock()))?
    } else {
        let named = || args.file.display().to_string();
        let mut file = BufWriter::new(File::create(&args.file).wrap_err_with(named)?);
        let count = export(&store, range, &mut file).wrap_err_with(named)?;
        file.flush().wrap_err_with(named)?;
        file.get_ref().sync_all().wrap_err_with(named)?;
        count
    };
    eprintln!("exported {count} blocks");
    Ok(())
}
