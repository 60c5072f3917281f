//! From the configuration to what the registry knows of sources and registries.

use cairn_registry::{
    Result,
    model::{Filter, RegistryName, SourceName},
    ops::{
        Cx,
        configure::{self, RegistrySpec, SourceSpec},
    },
    store::Db,
};

use super::sources;
use crate::config::{self, Config};

/// Brings the store to the configuration.
pub(super) async fn apply<D: Db>(cx: Cx<'_, D>, config: &Config) -> Result<()> {
    let sources: Vec<SourceSpec> = config
        .sources
        .iter()
        .map(|source| spec(config, source))
        .collect::<Result<_>>()?;
    let registries: Vec<RegistrySpec> = config
        .registries
        .iter()
        .map(registry_spec)
        .collect::<Result<_>>()?;
    configure::apply(cx, &sources, &registries).await
}

/// A source of the configuration, as the registry knows it.
pub fn spec(config: &Config, source: &config::Source) -> Result<SourceSpec> {
    Ok(SourceSpec {
        name: SourceName::new(&source.name)?,
        origin: sources::identity(source, config.sync.max_record_size),
        filter: filter(&source.filter),
    })
}

fn registry_spec(registry: &config::Registry) -> Result<RegistrySpec> {
    Ok(RegistrySpec {
        name: RegistryName::new(&registry.name)?,
        sources: registry
            .sources
            .iter()
            .map(|name| SourceName::new(name))
            .collect::<Result<_>>()?,
        valid_only: registry.valid_only,
    })
}

/// The filter as the registry applies it.
pub(super) fn filter(filter: &config::Filter) -> Filter {
    Filter {
        include_names: filter.include_names.clone(),
        exclude_names: filter.exclude_names.clone(),
        include_tags: filter.include_tags.clone(),
        exclude_tags: filter.exclude_tags.clone(),
    }
}
