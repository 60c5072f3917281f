//! Reads what a path names: one file, or one after the other the files of a directory, of which a bad one must not cost
//! the others.

use gix::Repository;

use super::{
    super::{SourceError, items::Outlet},
    Checkout, Kind, Plan, failure, remote,
    tree::{self, File},
};
use crate::sync::formats::{FormatError, Item, Reading};

pub(super) fn all(
    plan: &Plan,
    checkout: &Checkout,
    outlet: &mut Outlet,
    reading: Reading<'_>,
) -> Result<(), SourceError> {
    let repository = open(plan, checkout)?;
    match tree::find(plan, &repository, checkout.commit)? {
        tree::Found::File(file) => {
            one(plan, &repository, &file, outlet, reading).map_err(Trouble::public)
        }
        tree::Found::Directory(files) => directory(plan, &repository, files, outlet, reading),
    }
}

fn open(plan: &Plan, checkout: &Checkout) -> Result<Repository, SourceError> {
    gix::open_opts(checkout.folder.path(), remote::options(plan)).map_err(|error| {
        let cause = failure::cause(plan, &error);
        plan.error(
            Kind::Other,
            format!("what was fetched cannot be opened: {cause}"),
        )
    })
}

/// Why a file was not read.
enum Trouble {
    /// It is no registry file; a directory is complete without it.
    Foreign(SourceError),
    /// It may have had records: without it nothing may be concluded about what has vanished.
    Broken(SourceError),
    /// The pass is over.
    Fatal(SourceError),
}

impl Trouble {
    fn public(self) -> SourceError {
        let (Self::Foreign(error) | Self::Broken(error) | Self::Fatal(error)) = self;
        error
    }
}

fn one(
    plan: &Plan,
    repository: &Repository,
    file: &File,
    outlet: &mut Outlet,
    reading: Reading<'_>,
) -> Result<(), Trouble> {
    let content = file
        .content(plan, repository)
        .map_err(|error| match error.kind {
            Kind::TooLarge => Trouble::Broken(error),
            _ => Trouble::Fatal(error),
        })?;
    let place = format!("{} {}", plan.place(), file.path);
    let read = outlet.read(content.data.as_slice(), reading);
    read.map(drop).map_err(|error| {
        let public = SourceError::format(&place, &error);
        match error {
            FormatError::OtherForm(_) => Trouble::Foreign(public),
            FormatError::Content { .. } => Trouble::Broken(public),
            FormatError::Read(_) | FormatError::Stopped => Trouble::Fatal(public),
        }
    })
}

fn directory(
    plan: &Plan,
    repository: &Repository,
    files: Vec<Result<File, tree::Refused>>,
    outlet: &mut Outlet,
    reading: Reading<'_>,
) -> Result<(), SourceError> {
    let (mut read, mut foreign, mut broken) = (false, None, None);
    for file in files {
        let file = match file {
            Ok(file) => file,
            Err(refused) => {
                reject(outlet, refused.path, refused.reason.to_owned())?;
                continue;
            }
        };
        let prefix = format!("{}: ", file.path);
        let reading = Reading {
            prefix: &prefix,
            ..reading
        };
        let (error, first) = match one(plan, repository, &file, outlet, reading) {
            Ok(()) => {
                read = true;
                continue;
            }
            Err(Trouble::Foreign(error)) => (error, &mut foreign),
            Err(Trouble::Broken(error)) => (error, &mut broken),
            Err(Trouble::Fatal(error)) => return Err(error),
        };
        reject(outlet, file.path, error.message.clone())?;
        first.get_or_insert(error);
    }
    match broken.or(foreign.filter(|_| !read)) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn reject(outlet: &mut Outlet, position: String, reason: String) -> Result<(), SourceError> {
    outlet.push(Item::Rejected {
        position,
        name: None,
        reason,
    })
}
