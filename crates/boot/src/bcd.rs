//! Boot configuration data (BCD), which tells the boot manager of Vista and later what to start.
//!
//! A store is a registry hive: `Objects\{guid}\Description` with the value `Type`, and
//! `Objects\{guid}\Elements\xxxxxxxx` with the value `Element`. Objects, elements and values are given in `bcdedit`'s words.
//!
//! Source: Microsoft's BCD reference (element and object types); stores of Windows 7 to 11.

mod alias;
mod device;
mod edit;
mod element;
mod error;
mod integer_words;
mod library_elements;
mod loader_elements;
mod kind;
mod manager_elements;
mod names;
mod store;
mod value;

pub use alias::alias_of;
pub use device::{PartitionRef, partition_device};
pub use edit::{delete_value, set};
pub use element::{Element, Object};
pub use error::BcdError;
pub use kind::heading;
pub use store::{element, find_object, objects, windows_loaders};
pub use value::{ElementValue, decode, encode};
