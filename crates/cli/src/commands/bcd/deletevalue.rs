//! `winkiln bcd deletevalue`.

use winkiln_bake::Step;

use super::objects::carry_out;
use crate::args::boot::DeleteValueArgs;
use crate::args::{split_target, text};
use crate::error::Result;

/// Deletes an element.
pub(super) fn run(args: &DeleteValueArgs) -> Result<()> {
    let names = ["OBJECT", "ELEMENT"];
    let (target, rest) = split_target(args.store.store.as_ref(), &args.positional(), &names, 0)?;
    let object = text(&rest[0], names[0])?;
    let element = text(&rest[1], names[1])?;
    carry_out(&args.with, &target, &Step::BcdDelete { object, element })
}
