//! Characters as other people describe them: by id and name, with age, hair and clothes apart.

use super::row::is_empty;
use crate::source::Spanned;
use crate::storyboard::draft;
use crate::storyboard::node::{Node, NodeKind, Style};
use crate::storyboard::normalise_label;
use std::collections::HashMap;

/// The ids of characters that have a name as well.
pub(super) fn aliases(node: &Node, into: &mut HashMap<String, String>) {
    let NodeKind::List(items) = &node.kind else { return };
    for item in items {
        let NodeKind::Map(entries) = &item.kind else { continue };
        let find = |key: &str| {
            let (_, node) =
                entries.iter().find(|(label, _)| normalise_label(&label.value) == key)?;
            node.as_text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        if let (Some(id), Some(name)) = (find("id").or_else(|| find("characterid")), find("name")) {
            into.insert(id.to_lowercase(), name);
        }
    }
}

/// A character's other words (age, clothing, hair) as part of its look.
pub(super) fn described(node: &Node) -> Node {
    match &node.kind {
        NodeKind::List(items) => Node {
            kind: NodeKind::List(items.iter().map(one_described).collect()),
            span: node.span,
        },
        NodeKind::Map(entries) => {
            let entries =
                entries.iter().map(|(name, node)| (name.clone(), one_described(node))).collect();
            Node { kind: NodeKind::Map(entries), span: node.span }
        }
        _ => node.clone(),
    }
}

fn one_described(node: &Node) -> Node {
    let NodeKind::Map(entries) = &node.kind else { return node.clone() };
    let named = entries.iter().any(|(label, _)| normalise_label(&label.value) == "name");
    let mut look: Vec<String> = Vec::new();
    let mut kept = Vec::new();
    for (label, value) in entries {
        let key = normalise_label(&label.value);
        let of_look = matches!(
            key.as_str(),
            "look"
                | "description"
                | "appearance"
                | "visual"
                | "visualdescription"
                | "physicaldescription"
                | "prompt"
                | "clothing"
                | "outfit"
                | "wardrobe"
                | "hair"
                | "age"
                | "gender"
                | "ethnicity"
                | "build"
                | "features"
                | "details"
                | "外观"
                | "外貌"
                | "外见"
                | "服装"
                | "描述"
        );
        let image = matches!(
            key.as_str(),
            "imageurl" | "referenceurl" | "refimage" | "portrait" | "avatar"
        );
        if named && matches!(key.as_str(), "id" | "characterid") {
            // Scenes that use the id are told the name.
        } else if of_look && !is_empty(value) {
            look.push(draft::raw_text(value).split_whitespace().collect::<Vec<_>>().join(" "));
        } else if image {
            kept.push((Spanned::new("image".to_owned(), label.span), value.clone()));
        } else {
            kept.push((label.clone(), value.clone()));
        }
    }
    if !look.is_empty() {
        let text = look.join(", ");
        let label = Spanned::new("look".to_owned(), node.span);
        kept.push((label, Node::scalar(text, Style::Quoted, node.span)));
    }
    Node { kind: NodeKind::Map(kept), span: node.span }
}
