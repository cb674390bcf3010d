//! Facts: every table from the live events of a company. One file per kind of entity.

mod accounts;
mod deal_course;
mod deals;
mod leads;
mod merges;
mod receivables;
mod reports;
mod roster;
mod targets;
mod touches;

use tidemark_schemas::fact::Fact;

use crate::company::Company;

/// The facts of all tables, in no particular order.
pub(crate) fn all(company: &Company) -> Vec<Fact> {
    let survivors = merges::Merges::of(company);
    let visits = touches::visits(company);
    let calls = touches::calls(company);
    let deals = deals::deals(company);
    let receivables = receivables::receivables(company, &deals);
    let mut facts = touches::touches(company, &visits, &calls, &survivors);
    facts.extend(deals.values().flat_map(|deal| deal.facts(company)));
    facts.extend(receivables.values().map(|receivable| receivable.fact(company)));
    facts.extend(receivables::payments(company, &receivables, &deals));
    facts.extend(reports::surveys(company, &deals, &visits));
    facts.extend(reports::activities(company, &deals));
    facts.extend(reports::incidents(company));
    facts.extend(reports::ratings(company));
    facts.extend(reports::appeals(company));
    facts.extend(leads::leads(company));
    facts.extend(accounts::accounts(company, &deals, &survivors));
    facts.extend(roster::roster(company));
    facts.extend(targets::targets(company));
    facts.extend(targets::rates(company));
    facts.extend(visits.into_values().map(|visit| visit.fact));
    facts.extend(calls.into_values().map(|call| call.fact));
    facts
}

/// A given value takes the place of the one before; a missing one does not.
fn set<T: Clone>(current: &mut Option<T>, given: Option<&T>) {
    if let Some(given) = given {
        *current = Some(given.clone());
    }
}
