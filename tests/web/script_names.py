"""Which names a module of the page's script declares, imports and uses, by its syntax tree."""

from dataclasses import dataclass, field

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_javascript.language()))
SCOPES = {
    "program",
    "function_declaration",
    "arrow_function",
    "function_expression",
    "method_definition",
    "statement_block",
    "for_statement",
    "for_in_statement",
    "catch_clause",
    "class_body",
}
PATTERNS = {
    "object_pattern",
    "array_pattern",
    "pair_pattern",
    "rest_pattern",
    "assignment_pattern",
    "object_assignment_pattern",
    "formal_parameters",
}


@dataclass
class Names:
    """Of one module: names by where they come from."""

    imported: dict[str, set[str]] = field(default_factory=dict)  # module → names as that module calls them
    exported: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)  # imported or declared at the top, and neither used nor exported
    undeclared: set[str] = field(default_factory=set)  # used, but declared in no scope around
    reassigned: set[str] = field(default_factory=set)  # exported names that are no constants


def read_names(source: str) -> Names:
    """The names of a module.

    Raises:
        SyntaxError: the source is no JavaScript.
    """
    root = PARSER.parse(source.encode()).root_node
    if root.has_error:
        raise SyntaxError("this is no JavaScript")
    names, scopes, uses = Names(), {}, []
    for node in _walk(root):
        if node.type == "import_statement":
            _read_import(node, names, scopes)
        elif node.type == "export_statement":
            _read_export(node, names)
        elif node.type in ("identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"):
            if _is_in_import(node):
                continue
            home = _home(node)
            if home is not None:
                scopes.setdefault(home.id, set()).add(_text(node))
            else:
                uses.append(node)
    used_at_top = set()
    for node in uses:
        found = next((scope for scope in _around(node) if _text(node) in scopes.get(scope.id, ())), None)
        if found is None:
            names.undeclared.add(_text(node))
        elif found.id == root.id:
            used_at_top.add(_text(node))
    names.unused = scopes.get(root.id, set()) - used_at_top - names.exported
    return names


def _walk(node: Node):
    yield node
    for child in node.children:
        yield from _walk(child)


def _text(node: Node) -> str:
    return node.text.decode()


def _around(node: Node):
    """The scopes around a node, from the nearest."""
    while node.parent is not None:
        node = node.parent
        if node.type in SCOPES:
            yield node


def _is_in_import(node: Node) -> bool:
    return any(parent is not None and parent.type in ("import_specifier", "import_clause") for parent in (node.parent,))


def _read_import(node: Node, names: Names, scopes: dict) -> None:
    module = _text(node.child_by_field_name("source")).strip("'").removeprefix("./").removesuffix(".js")
    root = next(scope for scope in _around(node) if scope.type == "program")
    for part in _walk(node):
        if part.type == "import_specifier":
            name, alias = part.child_by_field_name("name"), part.child_by_field_name("alias")
            names.imported.setdefault(module, set()).add(_text(name))
            scopes.setdefault(root.id, set()).add(_text(alias or name))
        elif part.type == "import_clause" and part.children[0].type == "identifier":
            names.imported.setdefault(module, set()).add("default")
            scopes.setdefault(root.id, set()).add(_text(part.children[0]))


def _read_export(node: Node, names: Names) -> None:
    declaration = node.child_by_field_name("declaration")
    if declaration is None:
        names.exported.add("default")
    elif declaration.type == "lexical_declaration":
        exported = {
            _text(part.child_by_field_name("name"))
            for part in declaration.children
            if part.type == "variable_declarator"
        }
        names.exported |= exported
        if declaration.children[0].type != "const":
            names.reassigned |= exported
    else:
        names.exported.add(_text(declaration.child_by_field_name("name")))


def _home(node: Node) -> Node | None:
    """The scope in which a name is declared by this node, or None where it is only used."""
    parent = node.parent
    if parent.type in ("function_declaration", "class_declaration") and parent.child_by_field_name("name") == node:
        return next(_around(parent))
    if parent.type == "arrow_function" and parent.child_by_field_name("parameter") == node:
        return parent
    inner, outer = node, parent
    while outer.type in PATTERNS:
        if (
            outer.type in ("assignment_pattern", "object_assignment_pattern")
            and outer.child_by_field_name("right") == inner
        ):
            return None  # a default value
        if outer.type == "formal_parameters":
            return outer.parent
        inner, outer = outer, outer.parent
    if outer.type == "variable_declarator" and outer.child_by_field_name("name") == inner:
        return next(_around(outer))
    if (
        outer.type == "for_in_statement"
        and outer.child_by_field_name("left") == inner
        and outer.child_by_field_name("kind") is not None
    ):
        return outer
    if outer.type == "catch_clause" and outer.child_by_field_name("parameter") == inner:
        return outer
    return None
