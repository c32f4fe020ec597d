//! Whose accounts a machine knows.

use std::fs;

use winkiln_guest::Accounts;
use winkiln_hive::Hive;
use winkiln_security::{Objects, from_sddl, to_sddl};

use crate::tools::beside;

/// Two hives of one machine tell the same of its own accounts, each in its own way.
#[test]
fn hives_tell_whose_accounts_there_are() {
    let own = "S-1-5-21-3064465268-1549819264-574340205";
    let domain = "S-1-5-21-727398572-3617256236-2003601904";
    let accounts = |names: &[&str]| {
        let mut accounts = Accounts::default();
        for name in names {
            let path = beside(&format!("corpus/hive/ez/{name}"), "WINKILN_CORPUS")?;
            accounts.add(&Hive::open_unrecovered(fs::read(path).unwrap()).unwrap());
        }
        Some(accounts)
    };
    let (Some(both), Some(sam)) = (accounts(&["SAM", "SECURITY"]), accounts(&["SAM"])) else {
        return;
    };
    assert_eq!(accounts(&["SECURITY"]), Some(both.clone()));
    assert_eq!((&sam.machine, &sam.domain), (&both.machine, &None));
    let descriptor = from_sddl("O:LAG:DU", both.domains()).unwrap();
    let text = to_sddl(Objects::Files, &descriptor).unwrap();
    assert_eq!(text, format!("O:{own}-500G:{domain}-513"));
    assert!(from_sddl("O:EA", both.domains()).is_err(), "of another domain");
}
