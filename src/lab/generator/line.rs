//! Writes what a plan says as one JSON object in the event format.
//!
//! Ids and names are plain ASCII without anything that JSON would escape.

use std::fmt::Write;

use super::plan::{Account, Parent, Pending, Post, Target, What};

/// The id of a post, hence of its root.
pub(crate) fn root_id(post: &Post) -> String {
    format!("{}:p{}", post.channel.prefix, post.number)
}

/// The id of a line's event.
pub(crate) fn id(pending: &Pending) -> String {
    let root = root_id(&pending.post);
    match pending.what {
        What::Post => root,
        What::Share { number, .. } => format!("{root}-s{number}"),
        What::Reply { number, .. } => format!("{root}-r{number}"),
        What::Reaction { number, .. } => format!("{root}-l{number}"),
        What::Delete { number, .. } => format!("{root}-d{number}"),
        What::Sample { number, .. } => format!("{root}-i{number}"),
    }
}

/// The event, without a line break.
pub(crate) fn write(pending: &Pending) -> String {
    let Pending { arrival: _, time, post, what } = pending;
    let (root, id) = (root_id(post), id(pending));
    let mut json = String::with_capacity(256);
    let written = match *what {
        What::Post => write_post(&mut json, post, &root, *time),
        What::Share { number: _, parent, actor, followers, edge_source, quote } => {
            let kind = if quote { "quote" } else { "repost" };
            start(&mut json, &id, "share", *time, Some((post, actor)))
                .and_then(|()| write!(json, r#","root":"{root}","parent":"{}","kind":"{kind}""#, parent_id(&root, 's', parent)))
                .and_then(|()| edge_source.map_or(Ok(()), |source| write!(json, r#","edge_source":"{source}""#)))
                .and_then(|()| followers.map_or(Ok(()), |followers| write!(json, r#","followers":{followers}"#)))
        }
        What::Reply { number: _, parent, actor, mentions_brand } => start(&mut json, &id, "reply", *time, Some((post, actor)))
            .and_then(|()| write!(json, r#","root":"{root}","parent":"{}""#, parent_id(&root, 'r', parent)))
            .and_then(|()| flag(&mut json, "is_brand", actor == Account::Brand))
            .and_then(|()| flag(&mut json, "mentions_brand", mentions_brand)),
        What::Reaction { number: _, target, actor } => start(&mut json, &id, "reaction", *time, Some((post, actor)))
            .and_then(|()| write!(json, r#","root":"{root}","target":"{}","kind":"like""#, target_id(&root, target))),
        What::Delete { number: _, target } => start(&mut json, &id, "delete", *time, None)
            .and_then(|()| write!(json, r#","root":"{root}","target":"{}","reason":"author""#, target_id(&root, target))),
        What::Sample { number: _, impressions } => start(&mut json, &id, "sample", *time, None)
            .and_then(|()| write!(json, r#","root":"{root}","metric":"impressions","value":{impressions}"#)),
    };
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
    json.push('}');
    json
}

fn start(json: &mut String, id: &str, kind: &str, time: i64, actor: Option<(&Post, Account)>) -> std::fmt::Result {
    write!(json, r#"{{"id":"{id}","type":"{kind}","time":{time}"#)?;
    match actor {
        None => Ok(()),
        Some((_, Account::Deleted)) => write!(json, r#","actor":null"#),
        Some((post, Account::Brand)) => write!(json, r#","actor":"{}:{}""#, post.channel.prefix, post.brand),
        Some((post, Account::Person(person))) => write!(json, r#","actor":"{}:u{person}""#, post.channel.prefix),
        Some((post, Account::Bot(bot))) => write!(json, r#","actor":"{}:bot{bot}""#, post.channel.prefix),
    }
}

fn write_post(json: &mut String, post: &Post, root: &str, time: i64) -> std::fmt::Result {
    let own = post.author == Account::Brand;
    start(json, root, "post", time, Some((post, post.author)))?;
    write!(json, r#","brand":"{}","channel":"{}","platform":"{}""#, post.brand, post.channel.name, post.channel.platform)?;
    write!(json, r#","community":"{}","followers":{}"#, post.community, post.followers)?;
    if let Some(campaign) = post.campaign {
        write!(json, r#","campaign":"{campaign}""#)?;
    }
    if let Some(tags) = post.tags {
        write!(json, r#","tags":{tags}"#)?;
    }
    if let Some((experiment, arm)) = post.trial {
        write!(json, r#","experiment":"{experiment}","arm":"{arm}""#)?;
    }
    flag(json, "is_brand", own)?;
    flag(json, "mentions_brand", post.mentions_brand)
}

/// An optional flag is written where it is true.
fn flag(json: &mut String, name: &str, value: bool) -> std::fmt::Result {
    if value { write!(json, r#","{name}":true"#) } else { Ok(()) }
}

fn parent_id(root: &str, kind: char, parent: Parent) -> String {
    match parent {
        Parent::Root => root.to_owned(),
        Parent::Node(number) => format!("{root}-{kind}{number}"),
        Parent::Missing(child) => format!("{root}-gone{child}"),
    }
}

fn target_id(root: &str, target: Target) -> String {
    match target {
        Target::Post => root.to_owned(),
        Target::Share(number) => format!("{root}-s{number}"),
        Target::Reply(number) => format!("{root}-r{number}"),
    }
}
