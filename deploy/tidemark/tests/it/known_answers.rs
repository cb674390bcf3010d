//! Every known answer of the real data sets, asked of a real stack and told line by line: each set is imported by `tidemark import`
//! with its shipped mapping into a tenant of its own, and answered by `/v1/kpis` where there is a KPI, else by `/v1/sql`.
//! The questions are the files `known_answers/*.toml`. The data is not part of this project; what is absent is named.

mod ask;
mod data_set;
mod expected;
mod lines;

use std::ffi::OsStr;
use std::thread;

use ask::Company;
use data_set::DataSet;
use expected::Published;
use lines::Lines;

use crate::stack::Stack;

/// Each file, and the name of its tenant.
const DATA_SETS: [(&str, &str); 6] = [
    ("crm-sales-opportunities", include_str!("known_answers/crm-sales-opportunities.toml")),
    ("zoho-crm-sample", include_str!("known_answers/zoho-crm-sample.toml")),
    ("olist-payments-reviews", include_str!("known_answers/olist-payments-reviews.toml")),
    ("adventureworks-targets", include_str!("known_answers/adventureworks-targets.toml")),
    ("fivetran-salesforce", include_str!("known_answers/fivetran-salesforce.toml")),
    ("fivetran-hubspot", include_str!("known_answers/fivetran-hubspot.toml")),
];

#[tokio::test]
async fn every_known_answer_is_ours() {
    let all = DATA_SETS.map(|(name, text)| DataSet::read(name, text));
    let data_sets: Vec<DataSet> = all.into_iter().filter(DataSet::is_there).collect();
    if data_sets.is_empty() {
        return;
    }
    let tenants: Vec<[&str; 3]> = data_sets.iter().map(|set| [set.name.as_str(), "UTC", set.currency.as_str()]).collect();
    let stack = Stack::of_tenants(&tenants);
    let mut lines = Lines::default();
    for (data_set, said) in data_sets.iter().zip(import_all(&stack, &data_sets)) {
        lines.imported(data_set, &said);
        let position = said.lines().find_map(|line| line.strip_prefix("position ")).unwrap_or_else(|| panic!("{said}"));
        let company = Company::counted(&stack, data_set, position).await;
        let mut published = Published::of(data_set);
        for question in &data_set.questions {
            let found = company.answers(question).await;
            let expected = published.expected(question);
            lines.compare(data_set, question, expected, found);
        }
        lines.all_were_asked(data_set, &published);
    }
    lines.finish();
}

/// Imports every data set, all at the same time; what each import said.
fn import_all(stack: &Stack, data_sets: &[DataSet]) -> Vec<String> {
    thread::scope(|scope| {
        let imports: Vec<_> = data_sets.iter().map(|data_set| scope.spawn(|| import(stack, data_set))).collect();
        imports.into_iter().map(|import| import.join().unwrap()).collect()
    })
}

fn import(stack: &Stack, data_set: &DataSet) -> String {
    let files: Vec<_> = data_set.files.iter().map(|(file, _)| data_set.folder().join(file)).collect();
    let mut arguments: Vec<&OsStr> = vec!["import".as_ref()];
    arguments.extend(files.iter().map(|file| file.as_os_str()));
    arguments.extend(["--mapping", &data_set.mapping, "--key", &data_set.name, "--report-dir"].map(OsStr::new));
    arguments.push(stack.state().as_os_str());
    let imported = stack.run(&arguments);
    let said = String::from_utf8(imported.stdout).unwrap();
    assert!(matches!(imported.status.code(), Some(0 | 3)), "{said}{}", String::from_utf8_lossy(&imported.stderr));
    said
}
