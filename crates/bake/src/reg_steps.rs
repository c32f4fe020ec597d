//! `.reg` text as steps.

use std::sync::Arc;

use winkiln_hive::Value;
use winkiln_hive::reg_text::{RegAction, RegOperation};

use crate::Step;

/// Turns operations into steps, in their order; values of a key that follow each other are one step.
///
/// # Errors
/// The first operation that is an error.
pub fn steps<E>(
    operations: impl IntoIterator<Item = Result<RegOperation, E>>,
) -> Result<Vec<Step>, E> {
    let mut steps = Vec::new();
    let mut run: Option<(Arc<str>, Vec<Value>)> = None;
    for operation in operations {
        let RegOperation { key, action, .. } = operation?;
        let step = match action {
            RegAction::SetValue { name, kind, data } => {
                let value = Value { name, kind, data };
                match &mut run {
                    Some((same, values)) if *same == key => values.push(value),
                    _ => {
                        let before = run.replace((key, vec![value]));
                        steps.extend(before.and_then(set));
                    }
                }
                continue;
            }
            RegAction::CreateKey => Step::CreateKey { key: key.to_string() },
            RegAction::DeleteKey => Step::DeleteKey { key: key.to_string() },
            RegAction::DeleteValue { name } => Step::DeleteValue { key: key.to_string(), name },
        };
        steps.extend(run.take().and_then(set));
        steps.push(step);
    }
    steps.extend(run.and_then(set));
    Ok(steps)
}

fn set((key, mut values): (Arc<str>, Vec<Value>)) -> Option<Step> {
    let key = key.to_string();
    if values.len() > 1 {
        return Some(Step::SetValues { key, values });
    }
    let Value { name, kind, data } = values.pop()?;
    Some(Step::SetValue { key, name, kind, data })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use winkiln_hive::reg_text::parse;

    #[test]
    fn values_that_follow_each_other_are_one_step() {
        let text = "REGEDIT4\n[A]\n\"x\"=\"1\"\n\"y\"=\"2\"\n\"x\"=-\n\"z\"=\"3\"\n[B]\n\"x\"=\"4\"\n[-A]\n";
        let operations = parse(text.as_bytes()).unwrap();
        let steps = steps(operations.into_iter().map(Ok::<_, Infallible>)).unwrap();
        let words: Vec<String> = steps
            .iter()
            .map(|step| match step {
                Step::CreateKey { key } => format!("create {key}"),
                Step::SetValues { key, values } => format!("set {} of {key}", values.len()),
                Step::SetValue { key, name, .. } => format!("set {key} {name}"),
                Step::DeleteValue { key, name } => format!("delete {key} {name}"),
                Step::DeleteKey { key } => format!("delete {key}"),
                other => format!("{other:?}"),
            })
            .collect();
        let expected =
            ["create A", "set 2 of A", "delete A x", "set A z", "create B", "set B x", "delete A"];
        assert_eq!(words, expected);
    }
}
