//! geth's tracers by name.

use alloy_primitives::{Address, Log, U256};
use alloy_rpc_types_eth::TransactionInfo;
use alloy_rpc_types_trace::geth::{
    CallConfig, FlatCallConfig, FourByteFrame, GethDebugBuiltInTracerType, GethDebugTracerConfig,
    GethDebugTracerType, GethDebugTracingOptions, NoopFrame, PreStateConfig,
    erc7562::Erc7562Config, mux::MuxConfig,
};
use revm::{
    Inspector,
    context::TxEnv,
    context_interface::result::ResultAndState,
    interpreter::{CallInputs, CallOutcome, CreateInputs, CreateOutcome, Interpreter},
};
use revm_inspectors::tracing::{FourByteInspector, TracingInspector, TracingInspectorConfig};
use serde::de::DeserializeOwned;

use super::{JsonText, TraceError, machine::Before, struct_log::StructLogger, watch::Recorder};
use crate::{CallError, call::deadline::CallContext};

/// Bytes of a selector that the 4byteTracer counts, roughly.
const SELECTOR_BYTES: usize = 64;
/// Most tracers side by side in a mux.
const MAX_MUX: usize = 8;

/// A tracer of geth's with its configuration.
#[derive(Debug)]
pub(super) enum Tracer {
    /// The opcode logger.
    Struct(StructLogger),
    /// A tree of call frames.
    Call(TracingInspector, CallConfig),
    /// The same frames in Parity's form.
    FlatCall(TracingInspector),
    /// What the transaction reads, or changes; it follows from the outcome.
    Prestate(PreStateConfig),
    /// Selectors that were called.
    FourByte(FourByteInspector),
    /// Call frames with what ERC-7562's rules look at.
    Erc7562(TracingInspector, Box<Erc7562Config>),
    /// Nothing.
    Noop,
    /// Several tracers in one execution.
    Mux(Vec<(GethDebugBuiltInTracerType, Self)>),
}

fn unknown(name: &str) -> TraceError {
    const LIMIT: usize = 48;
    let shown: String = name.chars().take(LIMIT).collect();
    // Whoever sends a program meant it to be one.
    let reason = if name.contains(['{', '(']) {
        "JavaScript tracers are not supported".to_owned()
    } else {
        format!("tracer {shown:?} is unknown")
    };
    TraceError::UnknownTracer(format!(
        "{reason}; use callTracer, prestateTracer, flatCallTracer, 4byteTracer, erc7562Tracer, \
         muxTracer, noopTracer, or none for struct logs"
    ))
}

fn config<T: DeserializeOwned + Default>(
    tracer: &'static str,
    config: GethDebugTracerConfig,
) -> Result<T, TraceError> {
    if config.is_null() {
        return Ok(T::default());
    }
    config
        .from_value()
        .map_err(|error| TraceError::InvalidConfig {
            tracer,
            problem: error.to_string(),
        })
}

impl Tracer {
    /// The tracer that the options ask for.
    pub(super) fn new(options: GethDebugTracingOptions) -> Result<Self, TraceError> {
        match options.tracer {
            Some(GethDebugTracerType::BuiltInTracer(kind)) => {
                Self::built_in(kind, options.tracer_config)
            }
            Some(GethDebugTracerType::JsTracer(code)) if !code.is_empty() => Err(unknown(&code)),
            _ => Ok(Self::Struct(StructLogger::new(options.config))),
        }
    }

    fn built_in(
        kind: GethDebugBuiltInTracerType,
        options: GethDebugTracerConfig,
    ) -> Result<Self, TraceError> {
        use GethDebugBuiltInTracerType as Kind;
        Ok(match kind {
            Kind::CallTracer => {
                let options: CallConfig = config("callTracer", options)?;
                let records = TracingInspectorConfig::from_geth_call_config(&options);
                Self::Call(TracingInspector::new(records), options)
            }
            Kind::FlatCallTracer => {
                let options: FlatCallConfig = config("flatCallTracer", options)?;
                let records = TracingInspectorConfig::from_flat_call_config(&options);
                Self::FlatCall(TracingInspector::new(records))
            }
            Kind::PreStateTracer => Self::Prestate(config("prestateTracer", options)?),
            Kind::FourByteTracer => Self::FourByte(FourByteInspector::default()),
            Kind::Erc7562Tracer => {
                let options: Erc7562Config = config("erc7562Tracer", options)?;
                let records = TracingInspectorConfig::from_geth_erc7562_config(&options);
                Self::Erc7562(TracingInspector::new(records), Box::new(options))
            }
            Kind::NoopTracer => Self::Noop,
            Kind::MuxTracer => Self::mux(config("muxTracer", options)?)?,
            // Gas of forks to come.
            Kind::StateGasTracer => return Err(unknown("stateGasTracer")),
        })
    }

    fn mux(options: MuxConfig) -> Result<Self, TraceError> {
        let invalid = |problem: &str| TraceError::InvalidConfig {
            tracer: "muxTracer",
            problem: problem.to_owned(),
        };
        if options.0.len() > MAX_MUX {
            return Err(invalid("too many tracers"));
        }
        let mut tracers = Vec::with_capacity(options.0.len());
        for (tracer, options) in options.0 {
            let kind = match tracer {
                GethDebugTracerType::BuiltInTracer(GethDebugBuiltInTracerType::MuxTracer) => {
                    return Err(invalid("a mux cannot hold a mux"));
                }
                GethDebugTracerType::BuiltInTracer(kind) => kind,
                GethDebugTracerType::JsTracer(code) => return Err(unknown(&code)),
            };
            tracers.push((kind, Self::built_in(kind, options.unwrap_or_default())?));
        }
        tracers.sort_by_key(|(kind, _)| *kind as u8);
        Ok(Self::Mux(tracers))
    }

    /// Writes the result of the transaction that was watched last.
    pub(super) fn write(
        &mut self,
        info: TransactionInfo,
        tx: &TxEnv,
        outcome: &ResultAndState,
        before: &Before<'_>,
        text: &mut JsonText,
    ) -> Result<(), TraceError> {
        let gas = *outcome.result.gas();
        match self {
            Self::Struct(logger) => logger.write(&outcome.result, text),
            Self::Call(inspector, config) => {
                inspector.set_transaction_gas_limit(tx.gas_limit);
                let builder = inspector.geth_builder();
                text.value(&builder.geth_call_traces_with_result_gas(*config, gas))
            }
            Self::FlatCall(inspector) => {
                inspector.set_transaction_gas_limit(tx.gas_limit);
                inspector.set_transaction_gas_used(gas.tx_gas_used());
                let builder = inspector.clone().into_parity_builder();
                let traces = builder.into_localized_transaction_traces_iter(info);
                text.list(traces, |text, trace| text.value(&trace))
            }
            Self::Prestate(config) => {
                let inspector = TracingInspector::new(TracingInspectorConfig::none());
                let frame = inspector
                    .geth_builder()
                    .geth_prestate_traces(outcome, config, before)
                    .map_err(|error| CallError::Evm(error.to_string()))?;
                text.value(&frame)
            }
            Self::FourByte(inspector) => text.value(&FourByteFrame::from(&*inspector)),
            Self::Erc7562(inspector, config) => {
                inspector.set_transaction_gas_limit(tx.gas_limit);
                let builder = inspector.geth_builder();
                let config = (**config).clone();
                text.value(&builder.geth_erc7562_traces(config, gas.tx_gas_used(), before))
            }
            Self::Noop => text.value(&NoopFrame::default()),
            Self::Mux(tracers) => {
                text.push(b"{")?;
                for (index, (kind, tracer)) in tracers.iter_mut().enumerate() {
                    if index > 0 {
                        text.push(b",")?;
                    }
                    text.value(kind)?;
                    text.push(b":")?;
                    tracer.write(info, tx, outcome, before, text)?;
                }
                text.push(b"}")
            }
        }
    }
}

/// Hands an event to whichever inspector there is.
macro_rules! forward {
    ($self:expr, $inspector:ident => $call:expr) => {
        match $self {
            Self::Struct($inspector) => $call,
            Self::Call($inspector, _)
            | Self::FlatCall($inspector)
            | Self::Erc7562($inspector, _) => $call,
            Self::FourByte($inspector) => $call,
            Self::Prestate(_) | Self::Noop => {}
            Self::Mux(tracers) => {
                for (_, $inspector) in tracers {
                    $call;
                }
            }
        }
    };
}

impl Inspector<CallContext> for Tracer {
    fn initialize_interp(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        forward!(self, inspector => inspector.initialize_interp(interp, context));
    }

    #[inline]
    fn step(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        forward!(self, inspector => inspector.step(interp, context));
    }

    #[inline]
    fn step_end(&mut self, interp: &mut Interpreter, context: &mut CallContext) {
        forward!(self, inspector => inspector.step_end(interp, context));
    }

    fn log(&mut self, context: &mut CallContext, log: Log) {
        forward!(self, inspector => inspector.log(context, log.clone()));
    }

    // None of the tracers answers a call itself.
    fn call(&mut self, context: &mut CallContext, inputs: &mut CallInputs) -> Option<CallOutcome> {
        forward!(self, inspector => { inspector.call(context, inputs); });
        None
    }

    fn call_end(
        &mut self,
        context: &mut CallContext,
        inputs: &CallInputs,
        outcome: &mut CallOutcome,
    ) {
        forward!(self, inspector => inspector.call_end(context, inputs, outcome));
    }

    fn create(
        &mut self,
        context: &mut CallContext,
        inputs: &mut CreateInputs,
    ) -> Option<CreateOutcome> {
        forward!(self, inspector => { inspector.create(context, inputs); });
        None
    }

    fn create_end(
        &mut self,
        context: &mut CallContext,
        inputs: &CreateInputs,
        outcome: &mut CreateOutcome,
    ) {
        forward!(self, inspector => inspector.create_end(context, inputs, outcome));
    }

    fn selfdestruct(&mut self, contract: Address, target: Address, value: U256) {
        forward!(self, inspector => {
            Inspector::<CallContext>::selfdestruct(inspector, contract, target, value)
        });
    }
}

impl Recorder for Tracer {
    fn reset(&mut self, max_bytes: usize) {
        match self {
            Self::Struct(logger) => logger.reset(max_bytes),
            Self::Call(inspector, _) | Self::FlatCall(inspector) | Self::Erc7562(inspector, _) => {
                inspector.reset(max_bytes)
            }
            Self::FourByte(inspector) => *inspector = FourByteInspector::default(),
            Self::Prestate(_) | Self::Noop => {}
            Self::Mux(tracers) => {
                for (_, tracer) in tracers {
                    tracer.reset(max_bytes);
                }
            }
        }
    }

    #[inline]
    fn step_bytes(&self, interp: &Interpreter) -> usize {
        match self {
            Self::Erc7562(inspector, _) => inspector.step_bytes(interp),
            Self::Mux(tracers) => tracers.iter().map(|(_, t)| t.step_bytes(interp)).sum(),
            _ => 0,
        }
    }

    fn frame_bytes(&self, data: usize) -> usize {
        match self {
            Self::Call(inspector, _) | Self::FlatCall(inspector) | Self::Erc7562(inspector, _) => {
                inspector.frame_bytes(data)
            }
            // A selector with the size of its arguments, at most.
            Self::FourByte(_) => SELECTOR_BYTES,
            Self::Mux(tracers) => tracers.iter().map(|(_, t)| t.frame_bytes(data)).sum(),
            Self::Struct(_) | Self::Prestate(_) | Self::Noop => 0,
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        match self {
            Self::Struct(logger) => logger.is_full(),
            Self::Call(inspector, _) | Self::FlatCall(inspector) | Self::Erc7562(inspector, _) => {
                inspector.is_full()
            }
            Self::Mux(tracers) => tracers.iter().any(|(_, tracer)| tracer.is_full()),
            Self::FourByte(_) | Self::Prestate(_) | Self::Noop => false,
        }
    }
}
