//! The table of methods. Each namespace registers its own.

use std::{future::Future, sync::Arc};

use jsonrpsee::{RpcModule, core::RegisterMethodError, types::Params};
use serde::Serialize;

use crate::{
    admin::{self, Operator},
    api::Api,
    aura, debug, engine,
    errors::Fault,
    eth, hardhat, net, ots,
    params::Args,
    testing, trace, txpool, web3,
};

/// Registers methods in jsonrpsee's table, with our own parameters and errors.
pub(crate) struct Table {
    pub(crate) module: RpcModule<Api>,
}

impl Table {
    /// A method that answers on the connection's own thread: a few µs of reading.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        max_args: usize,
        method: fn(&Api, Args<'_>) -> Result<T, Fault>,
    ) -> Result<(), RegisterMethodError>
    where
        T: Serialize + Clone + 'static,
    {
        self.module
            .register_method(name, move |params, api, _| {
                Args::parse(params.as_str(), max_args)
                    .and_then(|args| method(api, args))
                    .map_err(|fault| api.error(fault))
            })
            .map(|_| ())
    }

    /// A method that waits, or works on a thread of a bounded pool.
    pub(crate) fn wait<T, F>(
        &mut self,
        name: &'static str,
        max_args: usize,
        method: fn(Arc<Api>, Raw) -> F,
    ) -> Result<(), RegisterMethodError>
    where
        T: Serialize + Clone + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.module
            .register_async_method(name, move |params, api, _| async move {
                method(api.clone(), Raw { params, max_args })
                    .await
                    .map_err(|fault| api.error(fault))
            })
            .map(|_| ())
    }
}

/// Parameters of a method that waits.
#[derive(Debug)]
pub(crate) struct Raw {
    params: Params<'static>,
    max_args: usize,
}

impl Raw {
    pub(crate) fn args(&self) -> Result<Args<'_>, Fault> {
        Args::parse(self.params.as_str(), self.max_args)
    }
}

/// What everybody may ask.
pub(crate) fn table(api: Arc<Api>) -> Result<RpcModule<Api>, RegisterMethodError> {
    Ok(public(api)?.module)
}

/// What the operator may ask.
pub(crate) fn admin_table(
    api: Arc<Api>,
    operator: Operator,
) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut table = public(api)?;
    admin::register(&mut table, operator)?;
    Ok(table.module)
}

/// What the holder of the engine's secret may ask.
pub(crate) fn engine_table(api: Arc<Api>) -> Result<RpcModule<Api>, RegisterMethodError> {
    let mut table = public(api)?;
    engine::register(&mut table)?;
    Ok(table.module)
}

fn public(api: Arc<Api>) -> Result<Table, RegisterMethodError> {
    let testing = api.config.testing;
    let mut table = Table {
        module: RpcModule::from_arc(api),
    };
    eth::register(&mut table)?;
    net::register(&mut table)?;
    web3::register(&mut table)?;
    aura::register(&mut table)?;
    txpool::register(&mut table)?;
    debug::register(&mut table)?;
    trace::register(&mut table)?;
    ots::register(&mut table)?;
    hardhat::register(&mut table)?;
    if testing {
        testing::register(&mut table)?;
    }
    Ok(table)
}
