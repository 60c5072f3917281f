//! Reads what a path names: one file, or one after the other the files of a directory, of which a bad one must not cost
//! the others. Files of other programs are passed over.

use gix::{Blob, Repository};

use super::{
    super::{SourceError, items::Outlet},
    Checkout, Kind, Plan, failure, remote,
    tree::{self, File},
};
use crate::sync::formats::{FormatError, Item, Reading, is_of_registry};

/// Extent to which the path was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// A file of the directory could not be read.
    Part,
}

pub(super) fn all(
    plan: &Plan,
    checkout: &Checkout,
    outlet: &mut Outlet,
    reading: Reading<'_>,
) -> Result<Extent, SourceError> {
    let repository = open(plan, checkout)?;
    match tree::find(plan, &repository, checkout.commit)? {
        tree::Found::File(file) => {
            let content = content(plan, &repository, &file).map_err(Trouble::public)?;
            one(plan, &content, &file, outlet, reading).map_err(Trouble::public)?;
            Ok(Extent::Whole)
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

fn content<'repo>(
    plan: &Plan,
    repository: &'repo Repository,
    file: &File,
) -> Result<Blob<'repo>, Trouble> {
    file.content(plan, repository)
        .map_err(|error| match error.kind {
            Kind::TooLarge => Trouble::Broken(error),
            _ => Trouble::Fatal(error),
        })
}

fn one(
    plan: &Plan,
    content: &Blob<'_>,
    file: &File,
    outlet: &mut Outlet,
    reading: Reading<'_>,
) -> Result<(), Trouble> {
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
) -> Result<Extent, SourceError> {
    let mut folder = Folder::default();
    for file in files {
        let file = match file {
            Ok(file) => file,
            Err(refused) => {
                reject(outlet, refused.path, refused.reason.to_owned())?;
                continue;
            }
        };
        match member(plan, repository, &file, outlet, reading) {
            Ok(true) => folder.read = true,
            Ok(false) => folder.passed_over += 1,
            Err(Trouble::Fatal(error)) => return Err(error),
            Err(trouble) => {
                let broken = matches!(trouble, Trouble::Broken(_));
                let error = trouble.public();
                reject(outlet, file.path, error.message.clone())?;
                folder.broken |= broken;
                folder.first.get_or_insert(error);
            }
        }
    }
    folder.end(plan, outlet)
}

/// Reads a file of the directory; false when it is another program's.
fn member(
    plan: &Plan,
    repository: &Repository,
    file: &File,
    outlet: &mut Outlet,
    reading: Reading<'_>,
) -> Result<bool, Trouble> {
    let content = content(plan, repository, file)?;
    if !is_of_registry(&file.path, &content.data) {
        return Ok(false);
    }
    let prefix = format!("{}: ", file.path);
    let reading = Reading {
        prefix: &prefix,
        ..reading
    };
    one(plan, &content, file, outlet, reading).map(|()| true)
}

/// Outcome of a directory.
#[derive(Default)]
struct Folder {
    read: bool,
    broken: bool,
    /// Files of other programs.
    passed_over: u64,
    /// The first failure.
    first: Option<SourceError>,
}

impl Folder {
    fn end(self, plan: &Plan, outlet: &mut Outlet) -> Result<Extent, SourceError> {
        if self.passed_over > 0 {
            outlet.push(Item::Skipped {
                what: "files of other programs",
                count: self.passed_over,
            })?;
        }
        match (self.read, self.first) {
            (true, _) if self.broken => Ok(Extent::Part),
            (true, _) => Ok(Extent::Whole),
            (false, Some(error)) => Err(error),
            (false, None) => {
                let message = format!(
                    "no file in directory `{}` is a list of servers or a server.json; check `git.path`",
                    plan.path
                );
                Err(plan.error(Kind::Format, message))
            }
        }
    }
}

fn reject(outlet: &mut Outlet, position: String, reason: String) -> Result<(), SourceError> {
    outlet.push(Item::Rejected {
        position,
        name: None,
        reason,
    })
}
