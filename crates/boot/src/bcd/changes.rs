//! What differs between a store before and after an edit.

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
    let find = |objects: &[Object], guid: &str| -> Vec<Element> {
        let found = objects.iter().find(|object| object.guid == guid);
        found.map(|object| object.elements.clone()).unwrap_or_default()
    };
    let mut found = Vec::new();
    let came_or_went = |object: &Object, is_there| StoreChange::Object {
        object: object.guid.clone(),
        heading: object.heading.clone(),
        is_there,
    };
    let is_in = |objects: &[Object], guid: &str| objects.iter().any(|other| other.guid == guid);
    for object in after.iter().filter(|object| !is_in(before, &object.guid)) {
        found.push(came_or_went(object, true));
    }
    for object in before.iter().filter(|object| !is_in(after, &object.guid)) {
        found.push(came_or_went(object, false));
    }
    let gone = before.iter().filter(|object| !is_in(after, &object.guid));
    for object in after.iter().chain(gone) {
        let (old, new) = (find(before, &object.guid), find(after, &object.guid));
        let element = |before: Option<&Element>, after: Option<&Element>| StoreChange::Element {
            object: object.guid.clone(),
            before: before.cloned().map(Box::new),
            after: after.cloned().map(Box::new),
        };
        for was in &old {
            let now = new.iter().find(|other| other.id == was.id);
            if now != Some(was) {
                found.push(element(Some(was), now));
            }
        }
        for now in new.iter().filter(|now| old.iter().all(|other| other.id != now.id)) {
            found.push(element(None, Some(now)));
        }
    }
    found
}
