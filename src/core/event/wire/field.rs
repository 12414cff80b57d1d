//! The keys of events.

/// Declares the fields: `Variant "key"`. Those of most events stand first, because keys are compared in this order.
macro_rules! fields {
    ($($variant:ident $key:literal,)*) => {
        /// Every field of every type of event, and of a structured CloudEvents envelope.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::event) enum Field { $($variant,)* }

        impl Field {
            /// All fields, in the order of their declaration.
            pub(in crate::event) const ALL: &[Field] = &[$(Field::$variant,)*];

            /// The key in the object.
            pub(in crate::event) fn key(self) -> &'static str {
                match self { $(Field::$variant => $key,)* }
            }

            pub(super) fn from_key(key: &str) -> Option<Field> {
                match key { $($key => Some(Field::$variant),)* _ => None }
            }
        }
    };
}

fields! {
    Id "id",
    Type "type",
    Time "time",
    Actor "actor",
    Root "root",
    Parent "parent",
    Channel "channel",
    Kind "kind",
    Followers "followers",
    Target "target",
    EdgeSource "edge_source",
    IsBrand "is_brand",
    MentionsBrand "mentions_brand",
    Brand "brand",
    Campaign "campaign",
    Platform "platform",
    Community "community",
    Tags "tags",
    Url "url",
    Experiment "experiment",
    Arm "arm",
    Reason "reason",
    Metric "metric",
    Value "value",
    Visitor "visitor",
    Click "click",
    LandingUrl "landing_url",
    ReferrerHost "referrer_host",
    UtmSource "utm_source",
    UtmMedium "utm_medium",
    UtmCampaign "utm_campaign",
    UtmContent "utm_content",
    UtmTerm "utm_term",
    UtmId "utm_id",
    Amount "amount",
    Currency "currency",
    MarginRate "margin_rate",
    RefundOf "refund_of",
    RelatesTo "relates_to",
    Seconds "seconds",
    SecondsLow "seconds_low",
    SecondsHigh "seconds_high",
    Side "side",
    Role "role",
    PeriodStart "period_start",
    PeriodEnd "period_end",
    Estimated "estimated",
    Unit "unit",
    UnitType "unit_type",
    Origin "origin",
    Grain "grain",
    SpecVersion "specversion",
    Data "data",
    DataBase64 "data_base64",
}
