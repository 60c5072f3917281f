//! The engine: one set of options for compiling ahead of time and for running, because an artifact is only accepted by
//! an engine with the options it was made with.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow};
use wasmtime::{
    Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Precompiled,
    component::Component,
};

use crate::config::model::Limits;

/// How often a running guest is looked at. A guest that nothing is wrong with pays a load and a compare per loop.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Instances beyond the limit, for requests that run again on a fresh one.
pub(super) const SPARE: usize = 2;

/// Core instances, and tables, that one component is made of: its module and the small ones that link it.
const PARTS: usize = 8;

/// Where the component comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Bytes in this binary, compiled ahead of time.
    Embedded(&'static [u8]),
    /// A file: `.wasm` is compiled at start, what was compiled ahead of time is loaded. The latter is native code and
    /// as trusted as this binary.
    File(PathBuf),
}

/// The component that this binary was built with.
#[must_use]
pub fn embedded() -> Option<Source> {
    #[cfg(embedded_component)]
    return Some(Source::Embedded(include_bytes!(concat!(
        env!("OUT_DIR"),
        "/component.cwasm"
    ))));
    #[cfg(not(embedded_component))]
    None
}

/// Compiles a component for any processor of this architecture.
pub fn compile(wasm: &[u8]) -> Result<Vec<u8>> {
    let engine = Engine::new(&options()?).map_err(plain)?;
    engine.precompile_component(wasm).map_err(plain)
}

/// Options that the artifact and the engine must share.
///
/// Naming the target switches detection of the build machine's processor off: only what every processor of the
/// architecture has is used, so that the artifact loads on all of them.
fn options() -> Result<Config> {
    let system = match std::env::consts::OS {
        "macos" => "apple-darwin",
        "windows" => "pc-windows-msvc",
        _ if cfg!(target_env = "musl") => "unknown-linux-musl",
        _ => "unknown-linux-gnu",
    };
    let mut options = Config::new();
    options
        .target(&format!("{}-{system}", std::env::consts::ARCH))
        .map_err(plain)?;
    options.wasm_component_model_async(true);
    options.epoch_interruption(true);
    Ok(options)
}

/// An engine whose clock ticks as long as it lives.
pub(super) fn start(limits: &Limits) -> Result<Engine> {
    let mut options = options()?;
    options.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    let engine = Engine::new(&options).map_err(plain)?;
    let clock = engine.weak();
    // A thread rather than a task: when every worker runs a guest that does not give way, no task would run.
    std::thread::Builder::new()
        .name("cairn-epoch".to_owned())
        .spawn(move || {
            while let Some(engine) = clock.upgrade() {
                engine.increment_epoch();
                drop(engine);
                std::thread::sleep(TICK);
            }
        })?;
    Ok(engine)
}

/// Slots for all instances are reserved as address space; memory is touched only by the instances that run.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let instances = count(limits.instances + SPARE);
    let held = limits
        .instances
        .saturating_mul(limits.concurrent_per_instance);
    let stacks = count(held.min(limits.requests) + limits.instances + SPARE);
    let parts = instances.saturating_mul(count(PARTS));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(parts)
        .total_memories(instances)
        .total_tables(parts)
        .total_stacks(stacks)
        .max_memory_size(limits.instance_memory)
        // A slot used before is used again first: memory follows the instances alive, not those that ever were.
        .max_unused_warm_slots(0);
    pool
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn load(engine: &Engine, source: &Source) -> Result<Component> {
    match source {
        Source::Embedded(bytes) => {
            deserialize(engine, bytes).context("the component in this binary")
        }
        Source::File(path) => {
            let bytes =
                std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            match Engine::detect_precompiled(&bytes) {
                Some(Precompiled::Component) => deserialize(engine, &bytes),
                Some(Precompiled::Module) => Err(anyhow!("a module, not a component")),
                None => Component::new(engine, &bytes).map_err(plain),
            }
            .with_context(|| format!("loading {}", path.display()))
        }
    }
}

#[expect(unsafe_code, reason = "the only way to load native code")]
fn deserialize(engine: &Engine, artifact: &[u8]) -> Result<Component> {
    // SAFETY: the bytes are part of this binary, or from a file that the operator named and that is documented to be
    // trusted like this binary. The engine refuses another version's or another configuration's artifact.
    unsafe { Component::deserialize(engine, artifact) }.map_err(plain)
}

/// The library's error type is not `anyhow`'s; its chain of causes is kept as text.
pub(super) fn plain(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
