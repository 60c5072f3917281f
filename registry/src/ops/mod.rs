//! Use cases: the only door for surfaces and for the sync daemon.

pub mod browse;
pub mod configure;
mod draft;
pub mod findings;
pub mod ingest;
mod judge;
pub mod pass;
mod project;
pub mod removals;
pub mod report;
mod row;
mod spoiled;
pub mod transfer;
mod upstream;

use crate::model::{Namespace, Timestamp};

/// What every use case needs: a store, the tenant, and the time, which is never read from the system here.
#[derive(Debug)]
pub struct Cx<'a, D> {
    pub db: &'a D,
    pub namespace: &'a Namespace,
    pub now: Timestamp,
}

impl<D> Clone for Cx<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for Cx<'_, D> {}
