"""Reads from the source of the package which texts it may say, without running it.

1. A text is found where it is written: a constant, an f-string, a sentence with places, or a name for one
   of these. A text that depends on a condition is several.
2. What is only known at run time is a hole: its name between `OPEN` and `CLOSE`.
"""

from __future__ import annotations

import ast
import itertools
import re
from functools import cache
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

OPEN, CLOSE = "\x01", "\x02"

PACKAGE = Path(__file__).parents[1] / "handover_channel"

_PLACE = re.compile(r"%(?:\((\w+)\))?[-#0 +.\d]*[sdrgfo%]")
#: Of a text with conditions in it, so many wordings are enough.
_MOST_WORDINGS = 8
_DEEPEST = 9

#: Functions that show a value, and change nothing that is to be read.
_SHOWING = {
    "quoted",
    "str",
    "of_others",
    "list",
    "sorted",
    "round",
    "repr",
    "trace",
    "_few",
    "_said",
    "in_words",
}


class Source:
    """A module of the package: *name* is its path, "cli/doctor.py"."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
        self.texts: Dict[str, List[ast.expr]] = _assigned(self.tree.body)
        self.functions = {each.name: each for each in self.tree.body if isinstance(each, ast.FunctionDef)}
        self.imports = dict(_imports(self.tree))

    def calls(self) -> Iterator[Tuple[ast.Call, Scope]]:
        """Yield every call, with what the names in it stand for."""
        yield from _calls_in_order(self.tree.body, Scope(self))


class Scope:
    """What names stand for at a place of *source*: in the functions around it, then in the module."""

    def __init__(self, source: Source, names: Optional[Mapping[str, List[ast.expr]]] = None) -> None:
        self.source = source
        self.names = names or {}

    def knowing(self, names: Mapping[str, List[ast.expr]]) -> Scope:
        """Return the scope in which *names* stand for something else."""
        return Scope(self.source, {**self.names, **names})

    def within(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> Scope:
        """Return the scope at the beginning of *function*: its arguments are not known."""
        given = function.args
        return self.knowing({each.arg: [] for each in (*given.args, *given.kwonlyargs)})

    def wordings(self, node: Optional[ast.AST], depth: int = 0) -> List[str]:
        """Return the texts that *node* may be."""
        found = list(itertools.islice(dict.fromkeys(self._wordings(node, depth + 1)), _MOST_WORDINGS))
        return found or [hole(node)]

    def _wordings(self, node: Optional[ast.AST], depth: int) -> Iterable[str]:
        if node is None or depth > _DEEPEST:
            return ()
        if isinstance(node, ast.Constant):
            return (str("" if node.value is None else node.value),)
        if isinstance(node, ast.JoinedStr):
            return self._joined(node.values, depth)
        if isinstance(node, ast.FormattedValue):
            return self.wordings(node.value, depth)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            if isinstance(node.right, ast.Constant) and isinstance(node.right.value, int):
                return ()
            return self._joined((node.left, node.right), depth)
        if isinstance(node, ast.IfExp):
            return (*self.wordings(node.body, depth), *self.wordings(node.orelse, depth))
        if isinstance(node, ast.Name):
            return self._named(node.id, depth)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            imported = self.source.imports.get(node.value.id)
            return _in_module(imported, node.attr, depth) if imported and len(imported) == 1 else ()
        return self._called(node, depth) if isinstance(node, ast.Call) else ()

    def _joined(self, parts: Iterable[ast.AST], depth: int) -> Iterable[str]:
        each = [self.wordings(part, depth) for part in parts]
        return ("".join(texts) for texts in itertools.product(*each))

    def _named(self, name: str, depth: int) -> Iterable[str]:
        if name in self.names:
            return [text for each in self.names[name] for text in self.wordings(each, depth)]
        return _in_module((self.source.name,), name, depth)

    def _called(self, call: ast.Call, depth: int) -> Iterable[str]:
        name = called(call)
        if name == "counted" and len(call.args) > 2:
            return self.filled(call.args[1], call.keywords, depth)
        if name in ("Sentence", "sentence"):
            return self.filled(call.args[0], call.keywords, depth)
        module, function = _function(self.source, name)
        if function is None or name in _SHOWING:
            return ()
        inside = Scope(module).within(function).knowing(_assigned(function.body))
        ends = [each.value for each in ast.walk(function) if isinstance(each, ast.Return)]
        return [text for end in ends for text in inside.wordings(end, depth)]

    def filled(self, text: ast.AST, given: Iterable[ast.keyword], depth: int = 0) -> List[str]:
        """Return the wordings of a *text* with places, %(name)s, filled in as *given*."""
        values = {each.arg: each.value for each in given if each.arg}
        return [
            made
            for wording in self.wordings(text, depth)
            for made in (self._filled(wording, values, depth) if values or "%(" in wording else [wording])
        ]

    def filled_in_order(self, text: ast.AST, given: Iterable[ast.AST]) -> List[str]:
        """Return the wordings of a *text* of a log line, with %s filled in by *given*."""
        values = {str(number): value for number, value in enumerate(given)}
        made = []
        for wording in self.wordings(text):
            pieces = re.split(r"%[-#0 +.\d]*[sdrgfo]", wording)
            named = "".join(f"{piece}%({number})s" for number, piece in enumerate(pieces[:-1])) + pieces[-1]
            made += self._filled(named, values, 0)
        return made

    def _filled(self, wording: str, values: Mapping[str, ast.AST], depth: int) -> List[str]:
        pieces: List[List[str]] = []
        end = 0
        for found in _PLACE.finditer(wording):
            pieces.append([wording[end : found.start()]])
            end = found.end()
            name = found[1] or ""
            if found[0] == "%%":
                pieces.append(["%"])
            elif name in values:
                pieces.append(_or_called(self.wordings(values[name], depth), name))
            else:
                pieces.append([_hole(name or "…")])
        pieces.append([wording[end:]])
        return ["".join(each) for each in itertools.islice(itertools.product(*pieces), _MOST_WORDINGS)]


def _or_called(wordings: List[str], name: str) -> List[str]:
    """Return *wordings*; where one is known at run time only, or is nothing, what its place is called."""
    open_ones = [each for each in wordings if each.startswith(OPEN) or not each]
    return wordings if not open_ones else open_ones[:1] if name.isdigit() else [_hole(name)]


def called(call: ast.Call) -> str:
    """Return the name of what *call* calls: `_bad` for `_bad(facts)(...)`, too."""
    function: ast.AST = call.func
    while isinstance(function, ast.Call):
        function = function.func
    return str(getattr(function, "attr", "") or getattr(function, "id", ""))


def hole(node: Optional[ast.AST]) -> str:
    """Return the name of what *node* holds at run time."""
    if isinstance(node, ast.Call):
        inner = node.args[0] if node.args else getattr(node.func, "value", None)
        named = isinstance(node.func, ast.Attribute) and not node.args
        return _hole(called(node)) if named and inner is None else hole(inner)
    if isinstance(node, ast.Constant):
        return _hole(str(node.value))
    if isinstance(node, ast.Name):
        return _hole(node.id)
    if isinstance(node, ast.Attribute):
        return _hole(node.attr)
    inner = getattr(node, "value", None) or getattr(node, "elt", None) or getattr(node, "left", None)
    return hole(inner) if isinstance(inner, ast.AST) else _hole("…")


def _hole(name: str) -> str:
    return f"{OPEN}{name.strip('_').replace('_', ' ')}{CLOSE}"


@cache
def source(name: str) -> Source:
    """Return the module at the path *name* of the package."""
    return Source(name)


def sources() -> List[Source]:
    """Return every module."""
    return [source(path.relative_to(PACKAGE).as_posix()) for path in sorted(PACKAGE.rglob("*.py"))]


def _in_module(place: Tuple[str, ...], name: str, depth: int) -> Iterable[str]:
    """Return what *name* may be in the module at *place*; ("module", "other name") where it is another."""
    if len(place) > 1:
        name = place[1]
    if not (PACKAGE / place[0]).is_file():
        return ()
    module = source(place[0])
    if name in module.texts:
        inside = Scope(module)
        return [text for each in module.texts[name] for text in inside.wordings(each, depth)]
    elsewhere = module.imports.get(name)
    return _in_module(elsewhere, name, depth) if elsewhere and elsewhere[0] != place[0] else ()


def _imports(tree: ast.Module) -> Iterator[Tuple[str, Tuple[str, ...]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("handover_channel"):
            folder = "/".join((node.module or "").split(".")[1:])
            for each in node.names:
                as_module = f"{folder}/{each.name}.py".lstrip("/")
                of_package = (
                    f"{folder}.py" if (PACKAGE / f"{folder}.py").is_file() else f"{folder}/__init__.py"
                )
                is_module = (PACKAGE / as_module).is_file()
                yield each.asname or each.name, ((as_module,) if is_module else (of_package, each.name))


def _assigned(body: Iterable[ast.stmt]) -> Dict[str, List[ast.expr]]:
    """Return the names that *body* gives values, itself and not in a function in it; none for a loop's."""
    found: Dict[str, List[ast.expr]] = {}
    for node in _own(body):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _note(found, target, node.value)
        elif isinstance(node, ast.AnnAssign):
            _note(found, node.target, node.value)
        elif isinstance(node, (ast.For, ast.comprehension)):
            _note(found, node.target, None)
    return found


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for node in nodes:
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node
            yield from _own(ast.iter_child_nodes(node))


def _note(found: Dict[str, List[ast.expr]], target: ast.expr, value: Optional[ast.expr]) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).extend([] if value is None else [value])
    elif isinstance(target, ast.Tuple):
        values = value.elts if isinstance(value, ast.Tuple) else [None] * len(target.elts)
        for each, its in zip(target.elts, values):
            _note(found, each, its)


def _calls_in_order(body: Iterable[ast.stmt], scope: Scope) -> Iterator[Tuple[ast.Call, Scope]]:
    """Yield the calls in *body*; a name stands for what it was given last, or may have been."""
    for statement in body:
        yield from _calls(statement, scope)
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            scope = scope.knowing(_assigned([statement]))
        elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            perhaps = _assigned([statement])
            scope = scope.knowing({name: [*scope.names.get(name, []), *its] for name, its in perhaps.items()})


def _calls(node: ast.AST, scope: Scope) -> Iterator[Tuple[ast.Call, Scope]]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        scope = scope.within(node)
    if isinstance(node, ast.Call):
        yield node, scope
    for _, value in ast.iter_fields(node):
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            yield from _calls_in_order(value, scope)
        else:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _calls(child, scope)


def _function(module: Source, name: str) -> Tuple[Source, Optional[ast.FunctionDef]]:
    """Return the function that *module* calls *name*, and the module that has it."""
    if name in module.functions:
        return module, module.functions[name]
    place = module.imports.get(name, ())
    if len(place) < 2 or not (PACKAGE / place[0]).is_file():
        return module, None
    return source(place[0]), source(place[0]).functions.get(place[1])
