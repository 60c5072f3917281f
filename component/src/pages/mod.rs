//! Pages for people: what is here, and how to use it. They load nothing, run nothing, and need no network.
//!
//! Not here: anything that programs should rely on; the JSON form of the root is the one exception.

mod docs;
mod home;
mod html;

pub(crate) use docs::docs;
pub(crate) use home::home;

use crate::{
    Operation,
    http::{Answer, Place, Route},
};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        path: &["docs"],
        place: Place::EveryBase,
        operation: Operation::Docs,
        id: "getDocs",
        summary: "This API, for people",
        inputs: &[],
        answer: Answer {
            description: "A page",
            media: html::MEDIA,
            schema: None,
            others: &[304],
        },
    },
    Route {
        path: &[],
        place: Place::Root,
        operation: Operation::Home,
        id: "home",
        summary: "What is here: a page for who asks for text/html, else JSON",
        inputs: &[],
        answer: Answer {
            description: "Registries and sources",
            media: "application/json",
            schema: Some("Overview"),
            others: &[503],
        },
    },
];
