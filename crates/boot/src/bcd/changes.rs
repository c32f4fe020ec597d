//! What differs between a store before and after an edit.

use std::collections::HashMap;

use super::{Element, Object};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChange {
    /// An object came or went.
    Object {
        /// `{guid}`.
        object: String,
        /// Its heading, such as `Windows Boot Loader`.
        heading: String,
        /// It is there now.
        is_there: bool,
    },
    /// An element came, went or changed.
    Element {
        /// `{guid}` of its object.
        object: String,
        /// As it was.
        before: Option<Box<Element>>,
        /// As it is.
        after: Option<Box<Element>>,
    },
}

impl StoreChange {
    /// `{guid}` of the object that it is about.
    #[must_use]
    pub fn object(&self) -> &str {
        match self {
            Self::Object { object, .. } | Self::Element { object, .. } => object,
        }
    }
}

/// Compares the objects of a store before and after an edit.
#[must_use]
pub fn changes(before: &[Object], after: &[Object]) -> Vec<StoreChange> {
    let (was, is) = (by_guid(before), by_guid(after));
    let came_or_went = |object: &Object, is_there| StoreChange::Object {
        object: object.guid.clone(),
        heading: object.heading.clone(),
        is_there,
    };
    let came = after.iter().filter(|object| !was.contains_key(object.guid.as_str()));
    let gone = || before.iter().filter(|object| !is.contains_key(object.guid.as_str()));
    let mut found: Vec<StoreChange> = came.map(|object| came_or_went(object, true)).collect();
    found.extend(gone().map(|object| came_or_went(object, false)));
    for object in after.iter().chain(gone()) {
        let (old, new) = (elements(&was, &object.guid), elements(&is, &object.guid));
        let element = |before: Option<&Element>, after: Option<&Element>| StoreChange::Element {
            object: object.guid.clone(),
            before: before.cloned().map(Box::new),
            after: after.cloned().map(Box::new),
        };
        let (olds, news) = (by_id(old), by_id(new));
        for was in old {
            let now = news.get(&was.id).copied();
            if now != Some(was) {
                found.push(element(Some(was), now));
            }
        }
        let is_new = |now: &&Element| !olds.contains_key(&now.id);
        found.extend(new.iter().filter(is_new).map(|now| element(None, Some(now))));
    }
    found
}

fn by_guid(objects: &[Object]) -> HashMap<&str, &Object> {
    objects.iter().map(|object| (object.guid.as_str(), object)).collect()
}

fn by_id(elements: &[Element]) -> HashMap<u32, &Element> {
    elements.iter().map(|element| (element.id, element)).collect()
}

fn elements<'o>(objects: &HashMap<&str, &'o Object>, guid: &str) -> &'o [Element] {
    objects.get(guid).map(|object| object.elements.as_slice()).unwrap_or_default()
}
