//! HTML by construction: text can only enter escaped.

use std::ops::{Add, AddAssign};

/// A piece of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Html(String);

impl Html {
    /// A text, whatever it holds.
    pub(super) fn text(text: &str) -> Html {
        Html(escape(text))
    }

    /// An element without attributes.
    pub(super) fn tag(name: &'static str, content: Html) -> Html {
        Html::tag_with(name, &[], content)
    }

    /// An element of a class.
    pub(super) fn classed(name: &'static str, class: &str, content: Html) -> Html {
        Html::tag_with(name, &[("class", class)], content)
    }

    /// An element.
    pub(super) fn tag_with(name: &'static str, attributes: &[(&'static str, &str)], content: Html) -> Html {
        let mut html = format!("<{name}");
        for (attribute, value) in attributes {
            html += &format!(" {attribute}=\"{}\"", escape(value));
        }
        html.push('>');
        html += &content.0;
        html += &format!("</{name}>");
        Html(html)
    }

    /// A text that leads to an address elsewhere. The text alone where the address is none of the web: what others wrote is never run.
    pub(super) fn link(address: &str, text: &str) -> Html {
        if !address.starts_with("https://") && !address.starts_with("http://") {
            return Html::text(text);
        }
        Html::tag_with("a", &[("href", address), ("rel", "noreferrer noopener")], Html::text(text))
    }

    /// A text of this program, already HTML.
    pub(super) fn constant(html: &'static str) -> Html {
        Html(html.to_owned())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_string(self) -> String {
        self.0
    }
}

impl From<&str> for Html {
    fn from(text: &str) -> Html {
        Html::text(text)
    }
}

impl From<String> for Html {
    fn from(text: String) -> Html {
        Html::text(&text)
    }
}

impl Add for Html {
    type Output = Html;

    fn add(mut self, other: Html) -> Html {
        self += other;
        self
    }
}

impl AddAssign for Html {
    fn add_assign(&mut self, other: Html) {
        self.0 += &other.0;
    }
}

impl FromIterator<Html> for Html {
    fn from_iter<T: IntoIterator<Item = Html>>(parts: T) -> Html {
        Html(parts.into_iter().map(|part| part.0).collect())
    }
}

/// A text as content or attribute of an element. Control characters, which no page may hold, become the sign for what cannot be shown.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() || matches!(control, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        let html = Html::tag_with("p", &[("title", "\"><script>'")], Html::text("<b>&\" \u{0}\u{1b}\n</b>"));
        assert_eq!(
            html.into_string(),
            "<p title=\"&quot;&gt;&lt;script&gt;&#39;\">&lt;b&gt;&amp;&quot; \u{fffd}\u{fffd}\n&lt;/b&gt;</p>"
        );
    }

    #[test]
    fn a_link_leads_to_the_web_or_nowhere() {
        let link = Html::link("https://a.example/?x=1&y=\"2\"", "<post>").into_string();
        let expected = "<a href=\"https://a.example/?x=1&amp;y=&quot;2&quot;\" rel=\"noreferrer noopener\">&lt;post&gt;</a>";
        assert_eq!(link, expected);
        for address in ["", "javascript:alert(1)", "data:text/html,x", "/post"] {
            assert_eq!(Html::link(address, "post").into_string(), "post");
        }
    }

    #[test]
    fn parts_add_up() {
        let parts: Html = ["a", "<"].into_iter().map(Html::text).collect();
        assert_eq!((Html::tag("i", parts) + Html::from("b")).into_string(), "<i>a&lt;</i>b");
    }
}
