//! What there is to make, in the order in which it is made.

/// A table of one run.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// Its name, without the run's number.
    pub name: &'static str,
    /// What it has rows of: earlier models, or tables of rows. Where none of these has a row, it has none; of any of them alone it may have
    /// some. `tests/it/rollup/lists.rs` holds this to the questions.
    pub of: &'static [&'static str],
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
    /// What replies bring: of the models `minute`, `clock` and `immediacy`, by `crate::answers`.
    Response,
}

impl Made {
    /// Whether it reads a model, or is made with it.
    pub(super) fn reads(self, model: &str) -> bool {
        match self {
            Made::Select(text) => reads(text, model),
            Made::Attribution => ["base", "sale", "touch"].contains(&model),
            Made::With(other) => other == model,
            Made::Returns => {
                ["click_root", "cohort_post", "effort", "known", "part", "posted", "ruled", "spent", "written"].contains(&model)
            }
            Made::Experiments => ["carried", "unit"].contains(&model),
            Made::Response => ["clock", "immediacy", "minute"].contains(&model),
        }
    }
}

/// Whether a text reads a model.
fn reads(text: &str, model: &str) -> bool {
    text.contains(&format!("{{model.{model}}}"))
}

/// An answer: a table `…_run` that keeps runs, and a view that shows the newest.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// Its name, which is that of the view.
    pub name: &'static str,
    /// The SELECT of `deploy/clickhouse/answers`, with placeholders; its columns are those of the table but `run` and `as_of`, in
    /// whatever order. Without one, it is the model of the same name.
    pub select: Option<&'static str>,
    /// What it has rows of, as of a model.
    pub of: &'static [&'static str],
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

    /// Whether it reads a model.
    pub(super) fn reads(&self, model: &str) -> bool {
        self.select.map_or(model == self.name, |text| reads(text, model))
    }
}

const fn model(name: &'static str, of: &'static [&'static str], select: &'static str) -> Model {
    Model { name, of, made: Made::Select(select) }
}

/// A model that is made with another.
const fn with(other: &'static str, name: &'static str, of: &'static [&'static str]) -> Model {
    Model { name, of, made: Made::With(other) }
}

const fn answer(name: &'static str, of: &'static [&'static str], select: &'static str) -> Answer {
    Answer { name, select: Some(select), of, on_demand: false }
}

/// A model that is kept as it is.
const fn of_model(name: &'static str) -> Answer {
    Answer { name, select: None, of: &[], on_demand: false }
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
    model("clock", &["brand"], include_str!("../../deploy/clickhouse/models/01_clock.sql")),
    model("happened", &["activity_window"], include_str!("../../deploy/clickhouse/models/02_happened.sql")),
    model("base", &["brand"], include_str!("../../deploy/clickhouse/models/03_base.sql")),
    model("person", &["identity"], include_str!("../../deploy/clickhouse/models/05_person.sql")),
    model("click", &["click"], include_str!("../../deploy/clickhouse/models/07_click.sql")),
    model("origin", &["visit"], include_str!("../../deploy/clickhouse/models/08_origin.sql")),
    model("cost", &["cost", "brand"], include_str!("../../deploy/clickhouse/models/09_cost.sql")),
    model(
        "brand_actor",
        &["click", "cascade", "happened", "actor"],
        include_str!("../../deploy/clickhouse/models/10_brand_actor.sql"),
    ),
    model("recent_click", &["click"], include_str!("../../deploy/clickhouse/models/11_recent_click.sql")),
    model("clicked", &["recent_click"], include_str!("../../deploy/clickhouse/models/12_clicked.sql")),
    model("click_root", &["clicked"], include_str!("../../deploy/clickhouse/models/13_click_root.sql")),
    model("effort", &["happened"], include_str!("../../deploy/clickhouse/models/14_effort.sql")),
    model("sale", &["conversion"], include_str!("../../deploy/clickhouse/models/20_sale.sql")),
    model("touch", &["sale"], include_str!("../../deploy/clickhouse/models/21_touch.sql")),
    Model { name: "credit", of: &["sale"], made: Made::Attribution },
    with("credit", BY_RULE, &["sale"]),
    with("credit", "part", &["sale"]),
    with("credit", "ruled", &["sale"]),
    model("path_credit", &["credit"], include_str!("../../deploy/clickhouse/models/26_path_credit.sql")),
    model("cohort_post", &["happened"], include_str!("../../deploy/clickhouse/models/32_cohort_post.sql")),
    model("posted", &["part"], include_str!("../../deploy/clickhouse/models/40_posted.sql")),
    model("spent", &["cost"], include_str!("../../deploy/clickhouse/models/41_spent.sql")),
    model(
        "known",
        &["origin", "spent", "part", "click", "happened"],
        include_str!("../../deploy/clickhouse/models/42_known.sql"),
    ),
    model("written", &["happened"], include_str!("../../deploy/clickhouse/models/43_written.sql")),
    Model { name: "placed", of: &["known"], made: Made::Returns },
    with("placed", "comparison", &["known"]),
    with("placed", "immediacy", &["click_root"]),
    with("placed", "roi", &["part", "spent"]),
    with("placed", "roi_by_rule", &["ruled", "spent"]),
    with("placed", "roi_campaign", &["part", "spent"]),
    with("placed", "roi_channel", &["part", "spent"]),
    with("placed", "roi_cohort", &["known"]),
    with("placed", "roi_place", &["part", "spent"]),
    model("assigned", &["assignment"], include_str!("../../deploy/clickhouse/models/50_assigned.sql")),
    model("carried", &["assigned"], include_str!("../../deploy/clickhouse/models/51_carried.sql")),
    model("unit_sale", &["sale"], include_str!("../../deploy/clickhouse/models/52_unit_sale.sql")),
    model("unit", &["assigned"], include_str!("../../deploy/clickhouse/models/53_unit.sql")),
    Model { name: "experiments", of: &["unit"], made: Made::Experiments },
    model("minute", &["origin"], include_str!("../../deploy/clickhouse/models/60_minute.sql")),
    Model { name: "response", of: &["minute"], made: Made::Response },
    model("activity_place_day", &["happened"], include_str!("../../deploy/clickhouse/models/69_activity_place_day.sql")),
    model("place_day", &["activity_place_day"], include_str!("../../deploy/clickhouse/models/70_place_day.sql")),
    model("people_week", &["happened", "thread"], include_str!("../../deploy/clickhouse/models/71_people_week.sql")),
    model("money_count", &["sale", "cost"], include_str!("../../deploy/clickhouse/models/72_money_count.sql")),
    model(
        "coverage_count",
        &["happened", "cascade", "thread", "click", "origin", "money_count", "removal", "root"],
        include_str!("../../deploy/clickhouse/models/79_coverage_count.sql"),
    ),
    model("covered", &["coverage_count"], include_str!("../../deploy/clickhouse/models/80_covered.sql")),
];

/// Every answer. A test compares the list with the folder.
pub const ANSWERS: &[Answer] = &[
    answer("activity_daily", &["place_day"], include_str!("../../deploy/clickhouse/answers/activity_daily.sql")),
    answer("answer_times", &["root"], include_str!("../../deploy/clickhouse/answers/answer_times.sql")),
    answer("buzz", &["happened"], include_str!("../../deploy/clickhouse/answers/buzz.sql")),
    answer("carriers", &["path_credit", "cascade"], include_str!("../../deploy/clickhouse/answers/carriers.sql")),
    answer("click_lag", &["clicked", "happened"], include_str!("../../deploy/clickhouse/answers/click_lag.sql")),
    of_model("comparison"),
    answer("coverage", &["covered"], include_str!("../../deploy/clickhouse/answers/coverage.sql")),
    of_model("credit"),
    Answer { name: BY_RULE, select: None, of: &[], on_demand: true },
    answer("customers", &["credit"], include_str!("../../deploy/clickhouse/answers/customers.sql")),
    of_model("experiments"),
    answer(
        "freshness",
        &["happened", "click", "origin", "sale", "cost", "report"],
        include_str!("../../deploy/clickhouse/answers/freshness.sql"),
    ),
    of_model("immediacy"),
    answer("money", &["cost", "credit"], include_str!("../../deploy/clickhouse/answers/money.sql")),
    of_model("path_credit"),
    answer("people", &["people_week"], include_str!("../../deploy/clickhouse/answers/people.sql")),
    answer("places", &["placed"], include_str!("../../deploy/clickhouse/answers/places.sql")),
    of_model("response"),
    of_model("roi"),
    of_model("roi_by_rule"),
    of_model("roi_campaign"),
    of_model("roi_channel"),
    of_model("roi_cohort"),
    of_model("roi_place"),
    answer("traffic", &["origin", "click"], include_str!("../../deploy/clickhouse/answers/traffic.sql")),
];
