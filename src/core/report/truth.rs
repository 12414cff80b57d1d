//! What each side of a generated world caused: the truth that no view can know, as `grapevine generate --truth` writes it.

use serde_json::Value;

/// What a brand's sides caused, over the whole log.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    pub(super) caused: Vec<Caused>,
}

/// What would be missing without a side, in the brand's base currency.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caused {
    pub(super) side: &'static str,
    pub(super) revenue: f64,
    pub(super) margin: f64,
}

impl Truth {
    /// What the file says of a brand.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, or that it does not know the brand.
    pub fn of(json: &[u8], brand: &str) -> Result<Truth, String> {
        let file: Value = serde_json::from_slice(json).map_err(|error| format!("it is no JSON: {error}"))?;
        let mut caused = Vec::new();
        for side in ["broadcast", "conversation"] {
            let brands = &file["caused"][side];
            let Some(brands) = brands.as_object() else {
                return Err(format!("it does not say what {side} caused; `grapevine generate --truth` writes such a file"));
            };
            let names = || brands.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let figures = brands.get(brand).ok_or_else(|| format!("it knows no brand \"{brand}\"; it knows {}", names()))?;
            let figure = |name: &str| {
                let text = figures[name].as_str().and_then(|text| text.parse().ok());
                text.ok_or_else(|| format!("it has no {name} of what {side} caused for {brand}"))
            };
            caused.push(Caused { side, revenue: figure("revenue_base")?, margin: figure("margin_base")? });
        }
        Ok(Truth { caused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"{"caused":{"broadcast":{"acme":{"revenue_base":"100.5","margin_base":"40"}},
        "conversation":{"acme":{"revenue_base":"-3","margin_base":"-1.25"}}}}"#;

    #[test]
    fn a_file_says_what_each_side_of_a_brand_caused() {
        let side = |side, revenue, margin| Caused { side, revenue, margin };
        let caused = vec![side("broadcast", 100.5, 40.0), side("conversation", -3.0, -1.25)];
        assert_eq!(Truth::of(FILE.as_bytes(), "acme"), Ok(Truth { caused }));
    }

    #[test]
    fn a_file_that_cannot_be_used_says_why() {
        let refused = |json: &str, brand: &str| Truth::of(json.as_bytes(), brand).unwrap_err();
        assert!(refused("{", "acme").starts_with("it is no JSON: "));
        assert_eq!(refused(FILE, "zenith"), "it knows no brand \"zenith\"; it knows acme");
        assert!(refused("{}", "acme").contains("what broadcast caused; `grapevine generate --truth`"));
        let without = FILE.replace("\"40\"", "null");
        assert_eq!(refused(&without, "acme"), "it has no margin_base of what broadcast caused for acme");
    }
}
