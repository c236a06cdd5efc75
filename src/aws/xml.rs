//! Answers in XML: elements by their names, which is all that the query protocol has.

use roxmltree::{Document, Node, ParsingOptions};

/// Far more than the largest page has.
const NODES: u32 = 500_000;

/// Reads a document without DTDs, and so without entities that grow.
pub(super) fn parse(text: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options)
}

/// The first child of a name, whatever its namespace.
pub(super) fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.tag_name().name() == name)
}

/// The element at the end of a path.
pub(super) fn at<'a>(node: Node<'a, 'a>, path: &[&str]) -> Option<Node<'a, 'a>> {
    path.iter().try_fold(node, |node, name| child(node, name))
}

/// The text at the end of a path; empty where there is none.
pub(super) fn text(node: Node<'_, '_>, path: &[&str]) -> String {
    let mut node = Some(node);
    for name in path {
        node = node.and_then(|node| node.children().find(|child| child.tag_name().name() == *name));
    }
    node.and_then(|node| node.text()).unwrap_or_default().trim().to_owned()
}

/// The members of the list at the end of a path.
pub(super) fn members<'a>(node: Node<'a, 'a>, path: &[&str]) -> impl Iterator<Item = Node<'a, 'a>> + use<'a> {
    let list = at(node, path);
    list.into_iter().flat_map(|list| list.children()).filter(|member| member.tag_name().name() == "member")
}
