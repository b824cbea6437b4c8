"""What cannot work in the function of a talk, seen in its source.

It runs from its top at each update, so what is otherwise at each run belongs into `talk.once`, and
its questions are awaited where they stand, one after the other.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import random
import secrets
import textwrap
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import date
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from toolkit.harness.specs.report import is_own, place_of

WAITING = ("ask", "ask_message", "event")
CALLS = (*WAITING, "say", "once")
NESTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
TASKS = (asyncio.gather, asyncio.create_task, asyncio.ensure_future)
OTHERWISE = (
    *(time.time, time.time_ns, time.monotonic, time.monotonic_ns, time.perf_counter),
    *(time.localtime, time.gmtime, time.ctime, uuid.uuid1, uuid.uuid4, os.urandom),
    *(secrets.token_bytes, secrets.token_hex, secrets.token_urlsafe, secrets.randbelow),
)
"""What is otherwise at each run, beside methods of dates and of random generators."""


class Mistake(NamedTuple):
    """A code of `CODES`, where it is, and what is to be done."""

    code: str
    place: str
    why: str
    fix: str


_known: dict[CodeType | None, list[Mistake]] = {}


def mistakes(function: Any) -> list[Mistake]:
    """Return what is wrong in the function of a talk, and in those that it gives the talk to."""
    # By its code: a factory may define the function anew for each bot.
    code = getattr(function, "__code__", None)
    if code not in _known:
        _known[code] = _read(function)
    return _known[code]


def _read(function: Any) -> list[Mistake]:
    found: list[Mistake] = []
    waiting, seen = [(function, True)], {function}
    while waiting:
        each, is_whole = waiting.pop()
        source = _Source.of(each, is_whole=is_whole)
        if source is not None:
            found += source.mistakes()
            others = [other for other in source.called() if other not in seen]
            seen |= {*others}
            waiting += [(other, False) for other in others]
    return found


class _Source:
    """The source of one function; the talk `is_whole` where it ends with it."""

    def __init__(self, function: FunctionType, tree: ast.AST, line: int, *, is_whole: bool) -> None:
        self._function, self._line, self._is_whole = function, line, is_whole
        arguments = tree.args.posonlyargs + tree.args.args  # type: ignore[attr-defined]
        self._talks = {each.arg for each in arguments if _is_named(each.annotation)}
        self._talks |= {each.arg for each in arguments[:1] if is_whole}
        self._nodes = [*_inner(tree.body)]  # type: ignore[attr-defined]
        for node in self._nodes:
            if isinstance(node, ast.Assign) and self._is_talk(node.value):
                self._talks |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        self._calls = [each for each in self._nodes if isinstance(each, ast.Call)]
        self._of_talk = [each for each in self._calls if self._method(each) in CALLS]
        self._waits = [each for each in self._calls if self._waits_in(each)]

    @classmethod
    def of(cls, function: Any, *, is_whole: bool) -> _Source | None:
        """Read a function of the bot; return None where there is no source of it."""
        if not isinstance(function, FunctionType) or not is_own(function.__code__.co_filename):
            return None
        try:
            lines, line = inspect.getsourcelines(function)
            (tree,) = ast.parse(textwrap.dedent("".join(lines))).body
        except (OSError, SyntaxError, ValueError):
            return None
        return cls(function, tree, line, is_whole=is_whole) if isinstance(tree, NESTED) else None

    def mistakes(self) -> Iterator[Mistake]:
        """Yield what is wrong in it."""
        yield from self._otherwise()
        in_tasks = [each for call in self._calls if self._starts(call) for each in call.args]
        apart = [node for node in _inner(in_tasks) if node in self._waits]
        for call in apart:
            yield self._misused(
                call,
                "runs in a task of its own, where it cannot be left to wait for an answer",
                "await it in the talk's own function, one question after the other",
            )
        for call in self._not_awaited():
            if call not in apart:
                yield self._misused(call, "is not awaited, so nothing is done", "put await here")
        for caught in self._swallowed():
            yield self._misused(
                caught,
                "catches what leaves the function when a question waits for its answer",
                "write `except Exception:`, or end it with `raise`",
            )

    def called(self) -> Iterator[FunctionType]:
        """Yield the functions that it gives the talk to."""
        for call in self._waits:
            found = self._resolved(call.func)
            if isinstance(found, FunctionType):
                yield found

    def _misused(self, node: ast.AST, why: str, fix: str) -> Mistake:
        place = self._place(node)
        what = "this except" if isinstance(node, ast.ExceptHandler) else ast.unparse(node)
        return Mistake("TALK_MISUSED", place, f"{place}: {_short(what)} {why}", fix)

    def _otherwise(self) -> Iterator[Mistake]:
        """Yield what is otherwise at each run, before a question that it is run again for."""
        loops = [each for each in self._nodes if isinstance(each, LOOPS)]
        loops = [each for each in loops if {*_inner([each])} & {*self._waits}]
        ends = [_end(each) for each in (*self._waits, *loops)]
        told = {node for each in self._of_talk for node in _inner(self._texts(each))}
        for call in self._calls:
            follows = not self._is_whole or (ends and _start(call) < max(ends))
            if follows and call not in told and _is_otherwise(self._resolved(call.func)):
                place, shown = self._place(call), _short(ast.unparse(call))
                yield Mistake(
                    "TALK_UNSTABLE",
                    place,
                    f"{place}: {shown} is something else each time that the talk's function runs",
                    f'put it into once: `await talk.once("a name", lambda: {shown})`, with a '
                    "result that is JSON",
                )

    def _texts(self, call: ast.Call) -> list[ast.expr]:
        """Return the arguments of a call of the talk that are only shown."""
        return call.args if self._method(call) == "say" else call.args[1:2]

    def _not_awaited(self) -> Iterator[ast.Call]:
        waits = [each for each in self._nodes if isinstance(each, ast.Await)]
        later = {name for each in waits for name in self._awaited_names(each.value)}
        # What is given on, returned, put into a list, or kept under a name that is awaited.
        kept: list[ast.AST] = [*waits, *(node for each in self._calls for node in each.args)]
        for each in self._nodes:
            if isinstance(each, ast.Return | ast.List | ast.ListComp):
                kept.append(each)
            elif isinstance(each, ast.Assign | ast.AnnAssign):
                targets = each.targets if isinstance(each, ast.Assign) else [each.target]
                kept += [each for one in targets if isinstance(one, ast.Name) and one.id in later]
        fine = {*_inner(kept)}
        yield from (each for each in self._of_talk if each not in fine)

    def _awaited_names(self, node: ast.expr) -> Iterator[str]:
        """Yield the names that are awaited, or given to what is, other than the talk."""
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Call) and self._method(node) is None:
            yield from (each.id for each in node.args if isinstance(each, ast.Name))

    def _swallowed(self) -> Iterator[ast.ExceptHandler]:
        for node in self._nodes:
            if isinstance(node, ast.Try) and {*_inner(node.body)} & {*self._waits}:
                for each in node.handlers:
                    if self._catches_all(each.type) and not _raises_again(each):
                        yield each

    def _catches_all(self, kind: ast.expr | None) -> bool:
        kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
        return any(each is None or self._resolved(each) is BaseException for each in kinds)

    def _starts(self, call: ast.Call) -> bool:
        found = self._resolved(call.func)
        is_method = isinstance(call.func, ast.Attribute) and call.func.attr == "create_task"
        return is_method or any(found is each for each in TASKS)

    def _waits_in(self, call: ast.Call) -> bool:
        given = [*call.args, *(each.value for each in call.keywords)]
        return self._method(call) in WAITING or any(map(self._is_talk, given))

    def _method(self, call: ast.Call) -> str | None:
        """Return the name of what is called, where it is a method of the talk."""
        found = call.func
        if isinstance(found, ast.Attribute) and self._is_talk(found.value):
            return found.attr
        return None

    def _is_talk(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Name):
            return node.id in self._talks
        return isinstance(node, ast.Call) and self._method(node) == "at"

    def _resolved(self, node: ast.expr) -> Any:
        """Return what an expression stands for, None for a local variable and all else."""
        if isinstance(node, ast.Attribute):
            owner = self._resolved(node.value)
            return None if owner is None else getattr(owner, node.attr, None)
        code = self._function.__code__
        if not isinstance(node, ast.Name) or node.id in (*code.co_varnames, *code.co_cellvars):
            return None
        known = inspect.getclosurevars(self._function)
        return {**known.builtins, **known.globals, **known.nonlocals}.get(node.id)

    def _place(self, node: ast.AST) -> str:
        file, _, _ = place_of(self._function.__code__).rpartition(":")
        return f"{file}:{self._line + node.lineno - 1}"  # type: ignore[attr-defined]


def _inner(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield these and all in them, but for functions that run at another time."""
    for node in nodes:
        if not isinstance(node, NESTED):
            yield node
            yield from _inner(ast.iter_child_nodes(node))


def _start(node: Any) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: Any) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset


def _is_named(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation).strip("'\"").endswith("Talk")


def _is_otherwise(found: Any) -> bool:
    owner, name = getattr(found, "__self__", None), getattr(found, "__name__", "")
    if isinstance(owner, type) and issubclass(owner, date):
        return name in ("now", "utcnow", "today")
    return isinstance(owner, random.Random) or any(found is each for each in OTHERWISE)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and (
        last.exc is None or (isinstance(last.exc, ast.Name) and last.exc.id == handler.name)
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
