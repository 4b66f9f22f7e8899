"""The mutants of a module: its text with one small mistake each.

The mistakes are those that people make where money is decided: a bound that is off by one, a condition turned round, a
step left out, a wrong state of two, an entry that is missing from a table, a wrong word of a SQL statement, a counter's
word that is not known. Log lines, documentation and types are left alone.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise

_COMPARE: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_ARITHMETIC: Mapping[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
}  # fmt: skip
_CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
_SQL = re.compile(r"\b(SELECT|UPDATE|INSERT|DELETE|WHERE)\b.*\s", re.DOTALL)
_SQL_WORDS = (
    (re.compile(r"\bAND\b"), "OR"),
    (re.compile(r"\bOR\b(?! (IGNORE|REPLACE|ROLLBACK|ABORT|FAIL))"), "AND"),
    (re.compile(r"\bIS NOT NULL\b"), "IS NULL"),
    (re.compile(r"\bIS NULL\b"), "IS NOT NULL"),
    (re.compile(r"\bNOT IN\b"), "IN"),
    (re.compile(r"(?<!NOT )\bIN\b"), "NOT IN"),
    (re.compile(r"\bNOT EXISTS\b"), "EXISTS"),
    (re.compile(r"(?<!NOT )\bEXISTS\b"), "NOT EXISTS"),
    (re.compile(r"\bDESC\b"), "ASC"),
    (re.compile(r"\b(ORDER BY \w+)$", re.MULTILINE), r"\1 DESC"),
    (re.compile(r"\bmax\("), "min("),
    (re.compile(r"\bmin\("), "max("),
    (re.compile(r" < "), " <= "),
    (re.compile(r" <= "), " < "),
    (re.compile(r" > "), " >= "),
    (re.compile(r" >= "), " > "),
    (re.compile(r" \+ "), " - "),
    (re.compile(r" - "), " + "),
)
_SQL_EQUAL = re.compile(r" = ")
_AROUND = 30
"""Letters that are shown on each side of a change."""
_TELLS_NOBODY = {"log", "_log", "logger"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mistake: `old` at `start` (in bytes) of the module's text becomes `new`."""

    module: str
    """Below `src/jqfollow`, such as `execution/sizing.py`."""
    line: int
    text: str
    """Of that line."""
    start: int
    old: str
    new: str
    nth: int = 1
    """Which of those that look alike on their lines."""

    @property
    def name(self) -> str:
        """Names it among the mutants of the module: its line's number is not part of it."""
        again = "" if self.nth == 1 else f" #{self.nth}"
        line = "" if self.text in self.shown else f" | {self.text}"
        return f"{self.module}: {self.shown}{line}{again}"

    @property
    def shown(self) -> str:
        """What is changed, with a little of what stands around it."""
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        if new[:1] + new[-1:] == "()":
            new = new[1:-1]
        old, new = (text.replace("'", '"') for text in (old, new))
        before = max(_alike(old, new) - _AROUND, 0)
        after = max(_alike(old[before:][::-1], new[before:][::-1]) - _AROUND, 0)
        parts = [f"{text[before : len(text) - after]}" for text in (old, new)]
        return " -> ".join(f"{'…' * (before > 0)}{part}{'…' * (after > 0)}" for part in parts)

    def applied(self, text: str) -> str:
        """The module's text with the mistake in it."""
        data, old = text.encode(), self.old.encode()
        assert data[self.start : self.start + len(old)] == old
        return (data[: self.start] + self.new.encode() + data[self.start + len(old) :]).decode()


def mutants(module: str, text: str) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    tree = ast.parse(text)
    _leave_alone(tree)
    members = _enum_members(tree)
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    data = text.encode()
    found: dict[tuple[int, str, str], Mutant] = {}
    lines = text.splitlines()
    for node in _walk(tree):
        start = starts[node.lineno - 1] + node.col_offset
        old = data[start : starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)].decode()
        for change in _changes(node, members):
            new = change if isinstance(change, str) else ast.unparse(ast.fix_missing_locations(change))
            if isinstance(node, ast.expr) and not isinstance(node, ast.Constant | ast.Attribute | ast.Name):
                new = f"({new})"
            if new not in {old, f"({old})"}:
                found[start, old, new] = Mutant(
                    module=module, line=node.lineno, text=lines[node.lineno - 1].strip(), start=start, old=old, new=new
                )
    seen: Counter[str] = Counter()
    numbered = []
    for mutant in sorted(found.values(), key=lambda m: (m.start, m.new)):
        seen[mutant.name] += 1
        numbered.append(replace(mutant, nth=seen[mutant.name]))
    return numbered


def _alike(one: str, other: str) -> int:
    """With how many letters both begin."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _leave_alone(tree: ast.Module) -> None:  # noqa: C901, PLR0912  # a case for each kind of node
    """Marks what is no rule: documentation, types, decorators, log lines, the text of f-strings, error messages."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                _mark(node)
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if name in _TELLS_NOBODY:
                _mark(node)
            case ast.Expr(value=ast.Call(func=ast.Name(id="reach"))):  # a fail-point
                _mark(node)
            case ast.Raise():
                for child in ast.walk(node):
                    if child is not node:
                        _mark(child)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                for part in [*node.decorator_list, node.returns]:
                    _mark(part)
                for argument in ast.walk(node.args):
                    if isinstance(argument, ast.arg):
                        _mark(argument.annotation)
            case ast.ClassDef():
                for part in [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]:
                    _mark(part)
            case ast.AnnAssign():
                _mark(node.annotation)
            case ast.JoinedStr():
                for part in ast.iter_child_nodes(node):
                    _mark(part)  # its positions are not told by every Python
            case ast.Call(func=ast.Name(id="cast" | "TypeVar")):
                _mark(node.args[0])
            case _:
                pass


def _mark(node: ast.AST | None) -> None:
    if node is not None:
        for child in ast.walk(node):
            child.alone = True  # type: ignore[attr-defined]


def _walk(tree: ast.Module) -> Iterator[ast.stmt | ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt | ast.expr) and not hasattr(node, "alone"):
            yield node


def _enum_members(tree: ast.Module) -> Mapping[str, list[str]]:
    """The members of enumerations that the module names, by the enumeration's name there."""
    members: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if _is_member(owner, name):
                members.setdefault(owner, set()).add(name)
            case _:
                pass
    return {owner: sorted(names) for owner, names in members.items()}


def _is_member(owner: str, name: str) -> bool:
    return owner[:1].isupper() and name.isupper() and not name.startswith("_")


def _changes(node: ast.stmt | ast.expr, members: Mapping[str, list[str]]) -> Iterator[ast.AST | str]:
    if isinstance(node, ast.stmt):
        yield from _of_statement(node)
    else:
        yield from _of_expression(node, members)


def _of_statement(node: ast.stmt) -> Iterator[ast.AST | str]:
    match node:
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
            yield "pass"  # left out
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"
        case _:
            pass
    match node:
        case ast.AugAssign() if type(node.op) in _ARITHMETIC:
            other = deepcopy(node)
            other.op = _ARITHMETIC[type(node.op)]()
            yield other
        case _:
            pass


def _of_expression(  # noqa: C901, PLR0912  # a case for each kind of node
    node: ast.expr, members: Mapping[str, list[str]]
) -> Iterator[ast.AST | str]:
    match node:
        case ast.Compare():
            for i, operator in enumerate(node.ops):
                other = deepcopy(node)
                other.ops[i] = _COMPARE[type(operator)]()
                yield other
        case ast.BoolOp():
            other = deepcopy(node)
            other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield other
            for i in range(len(node.values)):  # one of them forgotten
                fewer = deepcopy(node)
                del fewer.values[i]
                yield fewer if len(fewer.values) > 1 else fewer.values[0]
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield deepcopy(node.operand)
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            other = deepcopy(node)
            other.op = _ARITHMETIC[type(node.op)]()
            yield other
        case ast.IfExp():
            yield deepcopy(node.body)
            yield deepcopy(node.orelse)
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for i, loop in enumerate(node.generators):
                for j in range(len(loop.ifs)):
                    other = deepcopy(node)
                    del other.generators[i].ifs[j]
                    yield other
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            other = deepcopy(node)
            other.func = ast.Name(id=_CALLS[name], ctx=ast.Load())
            yield other
        case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant(value=str(text))]):
            yield f'Decimal("{text}1")'
        case ast.Set(elts=elements) if len(elements) > 1:
            for i in range(len(elements)):
                fewer_of_set = deepcopy(node)
                del fewer_of_set.elts[i]
                yield fewer_of_set
        case ast.Dict(keys=keys) if len(keys) > 1:
            for i in range(len(keys)):
                fewer_of_dict = deepcopy(node)
                del fewer_of_dict.keys[i]
                del fewer_of_dict.values[i]
                yield fewer_of_dict
        case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in members.get(owner, ()):
            others = [other for other in members[owner] if other != name]
            if others:
                following = [other for other in others if other > name]
                yield f"{owner}.{(following or others)[0]}"
        case ast.Constant() | ast.JoinedStr():
            yield from _of_constant(node)
        case _:
            pass


def _of_constant(node: ast.Constant | ast.JoinedStr) -> Iterator[ast.AST | str]:
    match node:
        case ast.Constant(value=bool(value)):
            yield str(not value)
        case ast.Constant(value=int(value) | float(value)):
            yield str(value + 1 if value < 10 else 2 * value)
        case ast.Constant(value=str(text)) if _SQL.search(text):
            yield from (repr(new) for new in _of_sql(text))
        case ast.Constant(value=str(text)) if "|" in text:
            yield from (repr(new) for new in _fewer_words(text))
        case ast.JoinedStr() if _SQL.search("".join(v.value for v in node.values if isinstance(v, ast.Constant))):
            for i, part in enumerate(node.values):
                if isinstance(part, ast.Constant):
                    for new in _of_sql(part.value):
                        other = deepcopy(node)
                        other.values[i] = ast.Constant(value=new)
                        yield other
        case _:
            pass


def _of_sql(text: str) -> Iterator[str]:
    for pattern, new in _SQL_WORDS:
        for match in pattern.finditer(text):
            yield text[: match.start()] + match.expand(new) + text[match.end() :]
    asked = re.search(r"\b(WHERE|ON|AND|WHEN)\b", text)
    for match in _SQL_EQUAL.finditer(text, asked.start() if asked else len(text)):
        yield f"{text[: match.start()]} <> {text[match.end() :]}"


def _fewer_words(text: str) -> Iterator[str]:
    """A regular expression without one of its alternatives, at whatever depth."""
    cuts, inside = [-1], 0
    for at, letter in enumerate(text):
        inside += (letter == "(") - (letter == ")")
        if letter == "|" and inside == 0:
            cuts.append(at)
    cuts.append(len(text))
    for begin, end in pairwise(cuts):
        if len(cuts) > 2:
            yield text[:begin] + text[end:] if begin >= 0 else text[end + 1 :]
    for group in re.finditer(r"\((?!\?)([^()]*\|[^()]*)\)", text):
        for fewer in _fewer_words(group[1]):
            yield f"{text[: group.start(1)]}{fewer}{text[group.end(1) :]}"
