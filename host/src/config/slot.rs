//! The place of one value: how it is written from text, shown, and described. Tables bind key paths to slots; nothing else
//! writes a configuration.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use super::{
    check::Check,
    model::{Networks, Secret},
    scalar,
    tree::Tree,
    url,
};

/// A mutable place in a configuration together with the rule for what may stand there.
pub(super) enum Slot<'a> {
    Flag(&'a mut bool),
    Count(&'a mut usize, RangeInclusive<usize>),
    /// Bytes.
    Size(&'a mut usize, RangeInclusive<usize>),
    Time(&'a mut Duration, RangeInclusive<Duration>),
    Address(&'a mut SocketAddr),
    Path(&'a mut PathBuf, Check),
    Text(&'a mut String, Check),
    /// A URL whose secret-looking parameters are masked when shown.
    Url(&'a mut String, Check),
    Choice(&'a mut dyn Choice),
    /// What is never shown.
    Secret(&'a mut Option<Secret>),
    /// Networks, as a list or as one text with commas.
    Networks(&'a mut Networks),
    /// A list of texts; the file alone can give one.
    List(&'a mut Vec<String>, Check),
    /// A section of names and texts; the file alone can give one.
    Map(&'a mut Vec<(String, String)>, Pairs),
}

/// A rule for a name and its text.
#[derive(Clone, Copy)]
pub(super) struct Pairs {
    /// For people, as a noun.
    pub what: &'static str,
    pub test: fn(&str, &str) -> Result<(), String>,
}

impl Slot<'_> {
    /// Writes a scalar, or says what is wrong with it.
    pub(super) fn put(self, text: &str) -> Result<(), String> {
        match self {
            Self::Flag(place) => *place = scalar::flag(text)?,
            Self::Count(place, range) => {
                *place = within(scalar::count(text)?, &range, usize::to_string)?
            }
            Self::Size(place, range) => {
                *place = within(scalar::size(text)?, &range, |size| scalar::show_size(*size))?
            }
            Self::Time(place, range) => {
                *place = within(scalar::duration(text)?, &range, |time| {
                    scalar::show_duration(*time)
                })?;
            }
            Self::Address(place) => *place = scalar::address(text)?,
            Self::Path(place, check) => {
                (check.test)(text)?;
                *place = PathBuf::from(text);
            }
            Self::Text(place, check) | Self::Url(place, check) => {
                (check.test)(text)?;
                text.clone_into(place);
            }
            Self::Choice(place) => place.pick(text)?,
            Self::Secret(place) => *place = Some(Secret::new(text)),
            Self::Map(..) => {
                return Err("is a section; write each name with its value below it".to_owned());
            }
            Self::Networks(place) => *place = text.parse()?,
            Self::List(..) => {
                return Err(
                    "is a list; write each element on a line of its own after `- `".to_owned(),
                );
            }
        }
        Ok(())
    }

    /// The value as it would be written in a file; nothing for one that was never given.
    pub(super) fn show(self) -> Option<Tree> {
        let text = match self {
            Self::Flag(place) => return Some(Tree::Flag(*place)),
            Self::Count(place, _) => return Some(Tree::Number(*place)),
            Self::Size(place, _) => scalar::show_size(*place),
            Self::Time(place, range) if place.is_zero() && !range.contains(place) => String::new(),
            Self::Time(place, _) => scalar::show_duration(*place),
            Self::Address(place) => place.to_string(),
            Self::Path(place, _) => place.display().to_string(),
            Self::Text(place, _) => place.clone(),
            Self::Url(place, _) => url::masked(place),
            Self::Choice(place) => place.word().unwrap_or_default().to_owned(),
            Self::Secret(_) => return None,
            Self::Map(place, _) => {
                let entry =
                    |(name, text): &(String, String)| (name.clone(), Tree::Text(text.clone()));
                let entries: Vec<_> = place.iter().map(entry).collect();
                return (!entries.is_empty()).then_some(Tree::Map(entries));
            }
            Self::Networks(place) => place.to_string(),
            Self::List(place, _) => {
                let items: Vec<Tree> = place.iter().cloned().map(Tree::Text).collect();
                return (!items.is_empty()).then_some(Tree::List(items));
            }
        };
        (!text.is_empty()).then_some(Tree::Text(text))
    }

    /// What may stand there, for the documentation.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Flag(_) => "true or false".to_owned(),
            Self::Count(_, range) => format!("{} – {}", range.start(), range.end()),
            Self::Size(_, range) => {
                format!(
                    "size, {} – {}",
                    scalar::show_size(*range.start()),
                    scalar::show_size(*range.end())
                )
            }
            Self::Time(_, range) => {
                let (start, end) = (
                    scalar::show_duration(*range.start()),
                    scalar::show_duration(*range.end()),
                );
                format!("duration, {start} – {end}")
            }
            Self::Address(_) => "IP:port".to_owned(),
            Self::Path(_, check) | Self::Text(_, check) | Self::Url(_, check) => {
                check.what.to_owned()
            }
            Self::Choice(place) => place.words().join(", "),
            Self::Secret(_) => "text, never shown".to_owned(),
            Self::Networks(_) => "list of addresses and networks, or `none`".to_owned(),
            Self::List(_, check) => format!("list, each: {}", check.what),
            Self::Map(_, pairs) => format!("section, each: {}", pairs.what),
        }
    }
}

fn within<T: PartialOrd>(
    value: T,
    range: &RangeInclusive<T>,
    show: fn(&T) -> String,
) -> Result<T, String> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = (show(range.start()), show(range.end()));
    Err(format!(
        "{} is out of range; choose between {least} and {most}",
        show(&value)
    ))
}

/// One of a few words.
pub(super) trait Choice {
    /// All that may be written.
    fn words(&self) -> Vec<&'static str>;
    /// The word that stands for the present value.
    fn word(&self) -> Option<&'static str>;
    /// Takes the value that `text` stands for; case does not matter.
    fn pick(&mut self, text: &str) -> Result<(), String>;
}

/// A type whose values have words.
pub(super) trait Words: Copy + PartialEq + 'static {
    /// Word and value; a value may have several words, of which the first is shown.
    const WORDS: &'static [(&'static str, Self)];
    /// Words that are known elsewhere and not supported here, with the reason and the remedy.
    const REFUSED: &'static [(&'static str, &'static str)] = &[];
}

impl<T: Words> Choice for T {
    fn words(&self) -> Vec<&'static str> {
        T::WORDS.iter().map(|(word, _)| *word).collect()
    }

    fn word(&self) -> Option<&'static str> {
        T::WORDS
            .iter()
            .find(|(_, value)| value == self)
            .map(|(word, _)| *word)
    }

    fn pick(&mut self, text: &str) -> Result<(), String> {
        if let Some((_, value)) = T::WORDS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
        {
            *self = *value;
            return Ok(());
        }
        match T::REFUSED
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text))
        {
            Some((word, why)) => Err(format!("`{word}` is {why}")),
            None => Err(format!(
                "`{text}` is unknown; choose one of {}",
                self.words().join(", ")
            )),
        }
    }
}
