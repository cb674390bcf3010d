//! Roster: who belonged to which units when, as disjoint intervals per rep.

use std::collections::{BTreeMap, BTreeSet};

use tidemark_schemas::{
    events::{Data, Event},
    fact::{Fact, Scalar},
    table::FactTable,
};

use super::Folded;

pub fn fold(events: &[Event], folded: &mut Folded) {
    let mut assignments = BTreeMap::new();
    let mut ends = BTreeSet::new();
    for event in events {
        match &event.data {
            // In fold order, so that of two assignments from one day the later report counts.
            Data::RosterAssigned(data) => {
                assignments.insert(data.valid_from, data);
                ends.insert(data.valid_from);
            }
            Data::RosterLeft(data) => {
                ends.insert(data.left_on);
            }
            _ => {}
        }
    }
    for (valid_from, data) in assignments {
        let valid_to = ends.range(valid_from + 1..).next().copied();
        folded.add(Fact::new(
            FactTable::Roster,
            [
                ("rep_id", data.rep_id.as_str().into()),
                ("valid_from", Scalar::Date(valid_from)),
                ("valid_to", Scalar::maybe(valid_to, Scalar::Date)),
                ("team", Scalar::text(data.team.as_deref())),
                ("department", Scalar::text(data.department.as_deref())),
                ("region", Scalar::text(data.region.as_deref())),
                ("role", Scalar::text(data.role.as_deref())),
                ("segment", Scalar::text(data.segment.as_deref())),
                ("manager_id", Scalar::text(data.manager_id.as_deref())),
            ],
        ));
    }
}
