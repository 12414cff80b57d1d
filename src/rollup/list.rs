//! What there is to make, in the order in which it is made.

/// A table of one run.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Its name, without the run's number.
    pub name: &'static str,
    /// How it is made.
    pub made: Made,
}

/// How a model is made.
#[derive(Clone, Copy, Debug)]
pub enum Made {
    /// By one SELECT of `deploy/clickhouse/models`, with placeholders.
    Select(&'static str),
    /// Whose credit each sale is: of the models `sale` and `touch`, by `crate::attribution`; with what other models need of that.
    Attribution,
    /// With the model of that name, before it.
    With(&'static str),
    /// What came back, and which of two returns is higher: by `crate::answers`, with all the answers about returns. The model is what
    /// they say of places.
    Returns,
    /// What experiments have shown: of the models `unit` and `carried`, by `crate::answers`.
    Experiments,
    /// What replies bring: of the models `minute` and `immediacy`, by `crate::answers`.
    Response,
}

/// An answer: a table `…_run` that keeps runs, and a view that shows the newest.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Its name, which is that of the view.
    pub name: &'static str,
    /// The SELECT of `deploy/clickhouse/answers`, with placeholders; its columns are those of the table but `run` and `as_of`, in
    /// whatever order. Without one, it is the model of the same name.
    pub select: Option<&'static str>,
    /// Whether a run makes it only if it is asked to.
    pub on_demand: bool,
}

/// The answer that a run makes only if it is asked to: up to fifteen rows a credited touch.
pub(super) const BY_RULE: &str = "credit_by_rule";

impl Answer {
    /// The table that keeps its runs.
    #[must_use]
    pub fn table(&self) -> String {
        format!("{}_run", self.name)
    }
}

const fn model(name: &'static str, select: &'static str) -> Model {
    Model { name, made: Made::Select(select) }
}

const fn answer(name: &'static str, select: &'static str) -> Answer {
    Answer { name, select: Some(select), on_demand: false }
}

/// A model that is kept as it is.
const fn of_model(name: &'static str) -> Answer {
    Answer { name, select: None, on_demand: false }
}

/// The SELECTs of all models and answers, by name.
pub(super) fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let models = MODELS.iter().filter_map(|model| match model.made {
        Made::Select(text) => Some((model.name, text)),
        Made::Attribution | Made::With(_) | Made::Returns | Made::Experiments | Made::Response => None,
    });
    models.chain(ANSWERS.iter().filter_map(|answer| Some((answer.name, answer.select?))))
}

/// Every model; one may read those before it. A test compares the list with the folder.
pub const MODELS: &[Model] = &[
    model("clock", include_str!("../../deploy/clickhouse/models/01_clock.sql")),
    model("happened", include_str!("../../deploy/clickhouse/models/02_happened.sql")),
    model("base", include_str!("../../deploy/clickhouse/models/03_base.sql")),
    model("person", include_str!("../../deploy/clickhouse/models/05_person.sql")),
    model("click", include_str!("../../deploy/clickhouse/models/07_click.sql")),
    model("origin", include_str!("../../deploy/clickhouse/models/08_origin.sql")),
    model("cost", include_str!("../../deploy/clickhouse/models/09_cost.sql")),
    model("brand_actor", include_str!("../../deploy/clickhouse/models/10_brand_actor.sql")),
    model("recent_click", include_str!("../../deploy/clickhouse/models/11_recent_click.sql")),
    model("clicked", include_str!("../../deploy/clickhouse/models/12_clicked.sql")),
    model("click_root", include_str!("../../deploy/clickhouse/models/13_click_root.sql")),
    model("effort", include_str!("../../deploy/clickhouse/models/14_effort.sql")),
    model("sale", include_str!("../../deploy/clickhouse/models/20_sale.sql")),
    model("touch", include_str!("../../deploy/clickhouse/models/21_touch.sql")),
    Model { name: "credit", made: Made::Attribution },
    Model { name: "part", made: Made::With("credit") },
    Model { name: "ruled", made: Made::With("credit") },
    model("path_credit", include_str!("../../deploy/clickhouse/models/26_path_credit.sql")),
    model("cohort_post", include_str!("../../deploy/clickhouse/models/32_cohort_post.sql")),
    model("earned", include_str!("../../deploy/clickhouse/models/40_earned.sql")),
    model("spent", include_str!("../../deploy/clickhouse/models/41_spent.sql")),
    model("known", include_str!("../../deploy/clickhouse/models/42_known.sql")),
    Model { name: "placed", made: Made::Returns },
    model("assigned", include_str!("../../deploy/clickhouse/models/50_assigned.sql")),
    model("carried", include_str!("../../deploy/clickhouse/models/51_carried.sql")),
    model("unit_sale", include_str!("../../deploy/clickhouse/models/52_unit_sale.sql")),
    model("unit", include_str!("../../deploy/clickhouse/models/53_unit.sql")),
    Model { name: "experiments", made: Made::Experiments },
    model("minute", include_str!("../../deploy/clickhouse/models/60_minute.sql")),
    Model { name: "response", made: Made::Response },
    model("activity_place_day", include_str!("../../deploy/clickhouse/models/69_activity_place_day.sql")),
    model("place_day", include_str!("../../deploy/clickhouse/models/70_place_day.sql")),
    model("people_week", include_str!("../../deploy/clickhouse/models/71_people_week.sql")),
    model("money_count", include_str!("../../deploy/clickhouse/models/72_money_count.sql")),
    model("coverage_count", include_str!("../../deploy/clickhouse/models/79_coverage_count.sql")),
    model("covered", include_str!("../../deploy/clickhouse/models/80_covered.sql")),
];

/// Every answer. A test compares the list with the folder.
pub const ANSWERS: &[Answer] = &[
    answer("activity_daily", include_str!("../../deploy/clickhouse/answers/activity_daily.sql")),
    answer("answer_times", include_str!("../../deploy/clickhouse/answers/answer_times.sql")),
    answer("buzz", include_str!("../../deploy/clickhouse/answers/buzz.sql")),
    answer("carriers", include_str!("../../deploy/clickhouse/answers/carriers.sql")),
    answer("click_lag", include_str!("../../deploy/clickhouse/answers/click_lag.sql")),
    of_model("comparison"),
    answer("coverage", include_str!("../../deploy/clickhouse/answers/coverage.sql")),
    of_model("credit"),
    Answer { name: BY_RULE, select: None, on_demand: true },
    answer("customers", include_str!("../../deploy/clickhouse/answers/customers.sql")),
    of_model("experiments"),
    answer("freshness", include_str!("../../deploy/clickhouse/answers/freshness.sql")),
    of_model("immediacy"),
    answer("money", include_str!("../../deploy/clickhouse/answers/money.sql")),
    of_model("path_credit"),
    answer("people", include_str!("../../deploy/clickhouse/answers/people.sql")),
    answer("places", include_str!("../../deploy/clickhouse/answers/places.sql")),
    of_model("response"),
    of_model("roi"),
    of_model("roi_by_rule"),
    of_model("roi_campaign"),
    of_model("roi_channel"),
    of_model("roi_cohort"),
    of_model("roi_place"),
    answer("traffic", include_str!("../../deploy/clickhouse/answers/traffic.sql")),
];
