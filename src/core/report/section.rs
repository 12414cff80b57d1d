//! An answered question: a sentence, pictures, tables, what the words mean, and the queries.

use super::html::Html;
use super::number::unknown;
use super::{Asked, Frame, Question};

/// What a question makes of the answers of the store.
#[derive(Clone, Debug, Default)]
pub(super) struct Section {
    /// The answer in a sentence or two.
    pub(super) answer: Html,
    /// The answer in a few words, for the tile.
    pub(super) brief: Html,
    /// The small picture of the tile; none where there is nothing to draw.
    pub(super) small: Option<Html>,
    /// Pictures with their captions.
    pub(super) figures: Vec<Figure>,
    /// The same figures, and more, as tables.
    pub(super) tables: Vec<Table>,
    /// What the words mean.
    pub(super) meanings: Meanings,
}

/// Words and their definitions.
pub(super) type Meanings = &'static [(&'static str, &'static str)];

/// A picture and what to look for in it.
#[derive(Clone, Debug)]
pub(super) struct Figure {
    pub(super) picture: Html,
    pub(super) caption: Html,
}

/// A table: the words of its head, then rows.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) title: String,
    pub(super) head: Vec<String>,
    pub(super) rows: Vec<Vec<Html>>,
}

impl Table {
    pub(super) fn new(title: &str, head: &[&str]) -> Table {
        Table { title: title.to_owned(), head: head.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// The table as it stands on the page.
    pub(super) fn html(self) -> Html {
        let head: Html = self.head.iter().map(|name| Html::tag_with("th", &[("scope", "col")], Html::text(name))).collect();
        let row = |cells: Vec<Html>| {
            let mut cells = cells.into_iter();
            let first = Html::tag_with("th", &[("scope", "row")], cells.next().unwrap_or_default());
            Html::tag("tr", first + cells.map(|cell| Html::tag("td", cell)).collect())
        };
        let body: Html = self.rows.into_iter().map(row).collect();
        let content =
            Html::tag("caption", Html::text(&self.title)) + Html::tag("thead", Html::tag("tr", head)) + Html::tag("tbody", body);
        // Reached by the keyboard, because it scrolls where the page is narrow.
        Html::tag_with(
            "div",
            &[("class", "scrolls"), ("tabindex", "0"), ("role", "region"), ("aria-label", &self.title)],
            Html::tag("table", content),
        )
    }
}

impl Section {
    /// A question that has no answer, and why.
    pub(super) fn without(reason: &str, meanings: Meanings) -> Section {
        Section { answer: Html::tag("p", unknown(reason)), brief: unknown(reason), meanings, ..Section::default() }
    }

    /// Adds a picture unless it is empty.
    pub(super) fn figure(&mut self, picture: Html, caption: &str) {
        self.figures.push(Figure { picture, caption: Html::text(caption) });
    }
}

impl Question {
    /// The section, whatever the store answered.
    pub(super) fn section(&self, asked: &Asked, frame: &Frame) -> Section {
        let made = (self.answer)(asked, frame);
        match asked.failure(0) {
            None => made,
            Some(_) => Section::without("the store could not answer", made.meanings),
        }
    }

    /// The tile on the first screen.
    pub(super) fn tile(&self, number: usize, section: &Section) -> Html {
        let picture =
            section.small.clone().unwrap_or_else(|| Html::constant("<span class=\"nothing\" aria-hidden=\"true\">?</span>"));
        let content = Html::classed("span", "number", Html::from(number.to_string()))
            + Html::classed("span", "question", Html::text(self.short))
            + Html::classed("span", "small", picture)
            + Html::classed("span", "brief", section.brief.clone());
        let link = Html::tag_with("a", &[("href", &format!("#{}", self.slug))], content);
        Html::tag("li", link)
    }

    /// The whole answer.
    pub(super) fn whole(&self, number: usize, asked: &Asked, section: Section) -> Html {
        let title = Html::classed("span", "number", Html::from(number.to_string())) + Html::text(" ") + Html::text(self.title);
        let mut said = Html::classed("div", "answer", section.answer + self.failures(asked));
        let figures: Html = section.figures.into_iter().map(figure).collect();
        if !figures.is_empty() {
            said += Html::classed("div", "figures", figures);
        }
        let mut content = Html::tag("h2", title) + Html::classed("div", "said", said);
        let tables: Html = section.tables.into_iter().map(Table::html).collect();
        if !tables.is_empty() {
            content += details("figures-of", "The figures as a table", tables);
        }
        content += details("meaning", "What the figures mean", meanings(section.meanings));
        content += details("query", "The queries that made them", self.queries_of(asked));
        Html::tag_with("section", &[("id", self.slug)], content)
    }

    fn failures(&self, asked: &Asked) -> Html {
        let mut failures = Html::default();
        for (query, (_, reply)) in self.queries.iter().chain(self.beside_truth).zip(&asked.replies) {
            if let Err(error) = reply {
                let text = format!("\u{201c}{}\u{201d} is not known: {error}", query.name);
                failures += Html::classed("p", "failure", Html::from(text));
            }
        }
        failures
    }

    fn queries_of(&self, asked: &Asked) -> Html {
        let shown = self.queries.iter().chain(self.beside_truth).zip(&asked.replies);
        shown
            .map(|(query, (sql, _))| {
                Html::tag("p", Html::text(query.name)) + Html::tag("pre", Html::tag("code", Html::text(sql.trim())))
            })
            .collect()
    }
}

fn figure(figure: Figure) -> Html {
    Html::tag("figure", figure.picture + Html::tag("figcaption", figure.caption))
}

fn details(class: &str, summary: &str, content: Html) -> Html {
    Html::classed("details", class, Html::tag("summary", Html::text(summary)) + content)
}

fn meanings(meanings: Meanings) -> Html {
    let pairs = meanings.iter().map(|(word, meaning)| Html::tag("dt", Html::text(word)) + Html::tag("dd", Html::text(meaning)));
    Html::tag("dl", pairs.collect())
}

/// The sentence of a section, as a paragraph.
pub(super) fn paragraph(text: impl Into<Html>) -> Html {
    Html::tag("p", text.into())
}
