//! A whole Zoho export: deals, calls and meetings by owner, invoices by status, leads by source, and no row twice.

use std::collections::BTreeMap;

use serde_json::Value;
use tidemark_schemas::{decimal::Decimal6, events::Data, fact::Scalar, table::FactTable};

use super::{Company, Lines, answers, data_set, text};

const FILES: [&str; 7] = ["Users.csv", "Accounts.csv", "Leads.csv", "Potentials.csv", "Calls.csv", "Events.csv", "Invoices.csv"];

#[test]
fn the_known_answers_of_zoho() {
    let Some(folder) = data_set("zoho-crm-sample") else { return };
    let company = Company::of(&folder, "zoho-crm-sample", "USD", &FILES);
    let answers = answers(&folder);
    let mut lines = Lines::of("zoho-crm-sample");
    for (file, imported) in &company.files {
        lines.exact(&format!("refused rows of {file}"), "{}", format!("{:?}", imported.refused));
    }
    let facts = |table| company.facts(table).count();
    for (what, expected, found) in [
        ("deals", 3632, facts(FactTable::Deals)),
        ("calls", 4100, facts(FactTable::Calls)),
        ("meetings", 2978, facts(FactTable::Visits)),
        ("invoices", 1300, facts(FactTable::Receivables)),
        ("leads", 3900, facts(FactTable::Leads)),
        ("touches: only what names an account", 4100 - 3090 + 2978 - 2452, facts(FactTable::Touches)),
    ] {
        lines.exact(what, expected, found);
    }
    by_owner(&company, &answers, &mut lines);
    invoices(&company, &answers, &mut lines);
    leads(&company, &answers, &mut lines);
    lines.finish();
}

fn by_owner(company: &Company, answers: &Value, lines: &mut Lines) {
    let names = company.rep_names();
    let owner = |rep: &str| names.get(rep).cloned().unwrap_or_default();
    let kpi = |name: &str| company.kpi(name, |cell| owner(&cell.rep));
    let deals = answers["deals_by_owner"].as_object().unwrap();
    for (answer, kpi_name) in [("won", "deals_won"), ("lost", "deals_lost"), ("won_amount", "won_amount")] {
        let found = kpi(kpi_name);
        for (name, values) in deals {
            lines.number(&format!("deals of {name} {answer}"), values[answer].as_f64().unwrap(), found.get(name));
        }
    }
    let statuses =
        company.sums(FactTable::Deals, "amount", |deal| format!("{} {}", owner(&text(deal, "rep_id")), text(deal, "status")));
    for (name, values) in deals {
        lines.exact(&format!("deals of {name} open"), &values["open"], statuses[&format!("{name} open")].0);
    }
    let all = |name: &str| company.kpi(name, |_| String::new()).remove("");
    lines.number("deals won", 1425.0, all("deals_won").as_ref());
    lines.number("deals lost", 485.0, all("deals_lost").as_ref());
    lines.number("won amount", 89_066_200.0, all("won_amount").as_ref());
    lines.number("calls", 4100.0, all("calls").as_ref());
    lines.number("talk time, minutes", 1_665_700.0 / 60.0, all("talk_minutes").as_ref());
    let (calls, visits) = (kpi("calls"), kpi("visits"));
    let seconds = company.sums(FactTable::Calls, "duration_s", |call| owner(&text(call, "rep_id")));
    for (name, values) in answers["calls_by_owner"].as_object().unwrap() {
        lines.number(&format!("calls of {name}"), values["calls"].as_f64().unwrap(), calls.get(name));
        lines.exact(&format!("seconds of {name}"), &values["seconds"], seconds[name].1);
    }
    for (name, meetings) in answers["meetings_by_owner"].as_object().unwrap() {
        lines.number(&format!("meetings of {name}"), meetings.as_f64().unwrap(), visits.get(name));
    }
}

/// Created and Approved are both open; an invoice of 0.00 is settled from the beginning, so payments tell what was delivered.
fn invoices(company: &Company, answers: &Value, lines: &mut Lines) {
    let paid: BTreeMap<String, ()> = company.facts(FactTable::Payments).map(|fact| (text(fact, "receivable_id"), ())).collect();
    let found = company.sums(FactTable::Receivables, "amount", |invoice| {
        let is_paid = paid.contains_key(&text(invoice, "receivable_id"));
        let status = text(invoice, "status");
        if status == "waived" {
            "Cancelled"
        } else if is_paid {
            "Delivered"
        } else {
            "Created and Approved"
        }
        .to_owned()
    });
    let answer = |status: &str| {
        let of_status = &answers["invoices_by_status"][status];
        (of_status["n"].as_u64().unwrap(), of_status["total"].as_f64().unwrap())
    };
    let (created, approved) = (answer("Created"), answer("Approved"));
    for (status, (n, total)) in [
        ("Delivered", answer("Delivered")),
        ("Cancelled", answer("Cancelled")),
        ("Created and Approved", (created.0 + approved.0, created.1 + approved.1)),
    ] {
        lines.exact(&format!("invoices {status}"), n, found[status].0);
        lines.number(&format!("total of invoices {status}"), total, Some(&found[status].1.to_string()));
    }
    let received = company.kpi("received_amount", |_| String::new()).remove("");
    lines.number("received amount is what was delivered", answer("Delivered").1, received.as_ref());
    let settled = company.facts(FactTable::Receivables).filter(|invoice| paid.contains_key(&text(invoice, "receivable_id")));
    let in_full = settled.filter(|invoice| invoice.get("received_amount") == invoice.get("amount")).count();
    lines.exact("delivered invoices that are received in full", 331, in_full);
    let empty =
        company.facts(FactTable::Receivables).filter(|invoice| invoice.get("amount") == &Scalar::Decimal(Decimal6::from_int(0)));
    lines.exact("invoices with an empty total", 270, empty.count());
}

fn leads(company: &Company, answers: &Value, lines: &mut Lines) {
    let found = company.kpi("leads", |cell| cell.dims[0].clone());
    let statuses = company.sums(FactTable::Leads, "", |lead| format!("{} {}", text(lead, "channel"), text(lead, "status")));
    for (source, values) in answers["leads_by_source"].as_object().unwrap() {
        lines.number(&format!("leads from {source}"), values["leads"].as_f64().unwrap(), found.get(source));
        let converted = statuses.get(&format!("{source} converted")).map_or(0, |sum| sum.0);
        lines.exact(&format!("converted leads from {source}"), &values["converted"], converted);
    }
    let deals =
        company.model.live.iter().filter(|event| matches!(&event.data, Data::LeadConverted(lead) if lead.deal_id.is_some()));
    lines.exact("conversions that name their deal", 3632, deals.count());
}
