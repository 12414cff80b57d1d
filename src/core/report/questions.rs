//! The ten questions, a file each: what the store is asked, and what is made of its answers.

use super::Question;

mod carriers;
mod changes;
mod cost;
mod gap;
mod headline;
mod lag;
mod places;
mod proof;
mod returns;
mod sides;
mod spread;
mod trust;

pub(super) use changes::{LargeFigure, large_figures};
pub(super) use returns::{first_sentence, two_bars};

/// The ten, in the order of the page.
#[must_use]
pub fn questions() -> [Question; 10] {
    [
        trust::QUESTION,
        sides::QUESTION,
        cost::QUESTION,
        returns::QUESTION,
        proof::QUESTION,
        lag::QUESTION,
        spread::QUESTION,
        carriers::QUESTION,
        places::QUESTION,
        changes::QUESTION,
    ]
}

#[cfg(test)]
mod tests {
    use time::{Date, Month};

    use super::*;
    use crate::report::{Answer, Asked, Frame, Run, page};

    fn frame(brand: &str) -> Frame {
        let day = |day| Date::from_calendar_date(2026, Month::March, day).unwrap();
        Frame { brand: brand.to_owned(), from: day(2), to: day(29), timezone: "UTC".to_owned(), run: Run::default(), truth: None }
    }

    /// The page of a store that answers every query alike.
    fn alike(reply: &Result<Answer, String>, brand: &str) -> String {
        let frame = frame(brand);
        let asked = |question: &Question| Asked {
            replies: question.queries.iter().map(|query| (query.sql(&frame), reply.clone())).collect(),
        };
        page(&frame, &questions(), &questions().iter().map(asked).collect::<Vec<_>>())
    }

    #[test]
    fn a_store_without_rows_makes_a_page_that_says_so() {
        let empty = Answer::from_json(br#"{"meta":[],"data":[]}"#).unwrap();
        let page = alike(&Ok(empty), "<i>&\"");
        assert_eq!(page.matches("<section id=").count(), 10);
        assert!(page.contains("<h1>&lt;i&gt;&amp;&quot;</h1>") && !page.contains("<i>"), "{page}");
        assert!(page.matches("not known").count() >= 10, "{page}");
    }

    #[test]
    fn a_store_that_refuses_is_quoted_and_every_section_stands() {
        let page = alike(&Err("there is no view <x>".to_owned()), "acme");
        assert_eq!(page.matches("<section id=").count(), 10);
        let queries: usize = questions().iter().map(|question| question.queries.len()).sum();
        assert_eq!(page.matches("there is no view &lt;x&gt;").count(), queries);
        assert_eq!(page.matches("not known: the store could not answer").count(), 20, "tile and section of each question");
    }

    #[test]
    fn every_query_is_of_the_brand_and_names_differ() {
        let mut slugs: Vec<&str> = questions().iter().map(|question| question.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), 10);
        for query in questions().iter().flat_map(|question| question.queries.iter().chain(question.beside_truth)) {
            assert!(query.text.contains("{brand}"), "{}", query.text);
            assert!(
                query.text.contains("ORDER BY") || !query.text.contains("GROUP BY"),
                "the rows come in any order: {}",
                query.text
            );
        }
    }
}
