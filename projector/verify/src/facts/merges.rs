//! Which account lives on: chains of `account.merged` followed to their end.

use std::collections::BTreeMap;

use tidemark_schemas::events::{Data, EntityKind};

use crate::company::Company;

pub(crate) struct Merges {
    into: BTreeMap<String, String>,
}

impl Merges {
    /// The last merge of each account decides; deleting the account does not undo it, and a merge into itself is none.
    pub(crate) fn of(company: &Company) -> Self {
        let mut into = BTreeMap::new();
        for (account, events) in company.all(EntityKind::Account) {
            for event in events {
                if let Data::AccountMerged(merged) = &event.data
                    && merged.into != account
                {
                    into.insert(account.to_owned(), merged.into.clone());
                }
            }
        }
        Self { into }
    }

    /// Who an account lives on as; of a cycle it is the smallest id.
    pub(crate) fn survivor(&self, account: &str) -> String {
        let mut path = vec![account.to_owned()];
        loop {
            let last = &path[path.len() - 1];
            let Some(next) = self.into.get(last) else { return last.clone() };
            if let Some(start) = path.iter().position(|seen| seen == next) {
                return path[start..].iter().min().cloned().unwrap_or_default();
            }
            path.push(next.clone());
        }
    }
}
