//! The companies of the demo: the simulated one, and one for each public export that there is a shipped mapping for.

use Question::{Kpi, Sql};

/// A company: its tenant, where its events come from, and what is asked about it.
pub struct Company {
    /// The tenant's name.
    pub name: &'static str,
    pub time_zone: &'static str,
    pub currency: &'static str,
    /// The files that make it; none of the simulated one.
    pub export: Option<Export>,
    pub questions: &'static [Question],
}

impl Company {
    /// The key of its tenant.
    pub fn key(&self) -> String {
        format!("{}-key", self.name)
    }
}

/// What anybody could ask with curl.
pub enum Question {
    /// A KPI, and how it is asked for.
    Kpi(&'static str),
    /// A statement, for what is no KPI.
    Sql(&'static str),
}

/// The files of an export in the order of their import: rosters and customers first, because an import is live, and so are its numbers.
pub struct Export {
    /// Where `--data` has them.
    pub folder: &'static str,
    pub mapping: &'static str,
    pub files: &'static [&'static str],
}

pub static SIMULATED: Company = Company {
    name: "demo",
    time_zone: "Asia/Shanghai",
    currency: "CNY",
    export: None,
    questions: &[
        Kpi("won_amount?from=2026-01-01&to=2026-03-31&grain=month"),
        Kpi("visits?from=2026-01-01&to=2026-03-31&grain=all&by=team"),
        Kpi("collection_rate?from=2026-01-01&to=2026-03-31&grain=month"),
        Kpi("lead_response_24h?from=2026-01-01&to=2026-03-31&grain=all&by=channel"),
        Kpi("nps?from=2026-01-01&to=2026-03-31&grain=quarter"),
    ],
};

/// In UTC, where a day has always 24 hours: these exports have dates, or times without an offset.
const TIME_ZONE: &str = "UTC";

pub static EXPORTED: [Company; 6] = [
    Company {
        name: "crm-sales-opportunities",
        time_zone: TIME_ZONE,
        currency: "USD",
        export: Some(Export {
            folder: "crm-sales-opportunities",
            mapping: "crm-sales-opportunities",
            files: &["sales_teams.csv", "accounts.csv", "sales_pipeline.csv"],
        }),
        questions: &[
            Kpi("won_amount?grain=quarter"),
            Kpi("win_rate?grain=all&by=region"),
            Kpi("sales_cycle?grain=all&by=product"),
            Kpi("average_deal_size?grain=all&by=team"),
        ],
    },
    Company {
        name: "zoho-crm-sample",
        time_zone: TIME_ZONE,
        currency: "USD",
        export: Some(Export {
            folder: "zoho-crm-sample",
            mapping: "zoho-crm-sample",
            files: &["Users.csv", "Accounts.csv", "Leads.csv", "Potentials.csv", "Calls.csv", "Events.csv", "Invoices.csv"],
        }),
        questions: &[
            Kpi("won_amount?grain=all&by=rep"),
            Kpi("lead_conversion?grain=all&by=channel"),
            Kpi("talk_minutes?grain=quarter"),
            Kpi("visits?grain=all&by=rep"),
            Kpi("collection_rate?grain=quarter"),
        ],
    },
    Company {
        name: "olist-payments-reviews",
        time_zone: TIME_ZONE,
        currency: "BRL",
        export: Some(Export {
            folder: "olist-payments-reviews/sample-3000",
            mapping: "olist-payments-reviews",
            files: &["olist_order_payments_dataset.csv", "olist_order_reviews_dataset.csv"],
        }),
        questions: &[Kpi("received_amount?grain=quarter"), Kpi("received_amount?grain=all&by=method"), Kpi("csat?grain=quarter")],
    },
    Company {
        name: "adventureworks-targets",
        time_zone: TIME_ZONE,
        currency: "USD",
        export: Some(Export {
            folder: "adventureworks-targets",
            mapping: "adventureworks-targets",
            files: &["SalesPerson.csv", "SalesTerritoryHistory.csv", "SalesPersonQuotaHistory.csv"],
        }),
        questions: &[
            Sql("SELECT period, count(*) AS people, sum(value) AS quotas FROM targets GROUP BY period ORDER BY period"),
            Sql("SELECT region, rep_id, valid_from, valid_to FROM roster WHERE region IS NOT NULL ORDER BY region, valid_from"),
        ],
    },
    Company {
        name: "fivetran-salesforce",
        time_zone: TIME_ZONE,
        currency: "USD",
        export: Some(Export {
            folder: "fivetran-crm-seeds/salesforce",
            mapping: "fivetran-crm-seeds",
            files: &[
                "sf_user_data.csv",
                "sf_account_data.csv",
                "sf_lead_data.csv",
                "sf_opportunity_data.csv",
                "sf_opportunity_history_data.csv",
                "sf_event_data.csv",
                "sf_task_data.csv",
            ],
        }),
        questions: &[Kpi("calls?grain=year"), Kpi("visits?grain=year")],
    },
    Company {
        name: "fivetran-hubspot",
        time_zone: TIME_ZONE,
        currency: "USD",
        export: Some(Export {
            folder: "fivetran-crm-seeds/hubspot",
            mapping: "fivetran-crm-seeds",
            files: &[
                "owner_data.csv",
                "deal_data.csv",
                "deal_stage_data.csv",
                "merged_deal_data.csv",
                "engagement_meeting_data.csv",
                "engagement_call_data.csv",
            ],
        }),
        questions: &[Kpi("deals_opened?grain=year"), Kpi("visits?grain=year")],
    },
];
