"""Write the reference of the generated project: `scripts/reference.md`, with what the code says.

A line `::: toolkit.create_bot` becomes the signature and the docstring of the name, and indented
lines below it say how:

    as: app              what a reader calls an object of the class; its members are shown so
    members: bot close   which of them, in this order
    inner: begin         members that the toolkit calls itself, `*` for all the others; what is
                         neither here nor above is an error
    bare: yes            leave out how an object is made: something else makes it
    style: item          a line of a list, not a section

`::: command MODULE` becomes the commands and flags of `python -m MODULE`, `::: make` the targets of
the Makefile, `::: environment` the variables of `.env.example`. Without `--check` the page is
written, with it the exit code tells whether it has to be.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
SOURCE = PROJECT / "src"
LAYOUT = Path(__file__).with_name("reference.md")
PAGE = PROJECT / "docs" / "reference.md"

WIDTH = 140
SIGNATURE_WIDTH = 88
Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> None:
    """Write the page, or check it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    page = make_page()
    if check and PAGE.read_text(encoding="utf-8") != page:
        sys.exit("docs/reference.md is out of date: run scripts/make_reference.py")
    if not check:
        PAGE.write_text(page, encoding="utf-8")


def make_page() -> str:
    """Return the page as it stands in the template: Jinja renders it."""
    parts = re.split(r"^::: (.*)\n((?:    .*\n)*)", LAYOUT.read_text(encoding="utf-8"), flags=re.M)
    page = parts[0]
    for what, options, text in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        given = dict(re.findall(r"^    (\w+): (.*)$", options, re.M))
        page += _entry(what, given) + text
    return page


def _entry(what: str, options: dict[str, str]) -> str:
    kind, _, argument = what.partition(" ")
    if kind == "command":
        return escape(commands(argument))
    if kind == "make":
        return make_targets()
    if kind == "environment":
        return environment()
    return escape(describe(what, options))


def escape(text: str) -> str:
    """Return the text as Jinja has to find it, to render it as it is."""
    return re.sub(r"\{[{%#]", lambda found: f'{{{{ "{found[0]}" }}}}', text)


# The names.


def find(path: str) -> tuple[str, ast.stmt, list[ast.stmt]]:
    """Return the module of a name, its statement, and the statements around. Raises LookupError."""
    package, _, name = path.rpartition(".")
    stub = SOURCE / package.replace(".", "/") / "__init__.pyi"
    if stub.exists():
        for statement in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.ImportFrom) and statement.names[0].asname == name:
                return find(f"{statement.module}.{statement.names[0].name}")
    module = SOURCE / package.replace(".", "/")
    file = module / "__init__.py" if module.is_dir() else module.with_suffix(".py")
    body = ast.parse(file.read_text(encoding="utf-8")).body
    for statement in body:
        if isinstance(statement, ast.ImportFrom) and statement.module != "__future__":
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    return find(f"{statement.module}.{alias.name}")
        elif name in _names_of(statement):
            return package, statement, body
    raise LookupError(f"there is no {path}")


def _names_of(statement: ast.stmt) -> list[str]:
    if isinstance(statement, Function | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign):
        return [unparse(statement.target)]
    if isinstance(statement, ast.Assign):
        return [unparse(target) for target in statement.targets]
    return []


def describe(path: str, options: dict[str, str]) -> str:
    """Return the entry of a public name."""
    name = path.rpartition(".")[2]
    module, found, around = find(path)
    if isinstance(found, ast.ClassDef):
        text = ast.get_docstring(found) or ""
        shown = class_signature(path, found, bare="bare" in options)
    elif isinstance(found, Function):
        text = ast.get_docstring(found) or ""
        shown = signature(found, module)
    else:
        text = _string_after(found, around)
        shown = unparse(found)
    if not text:
        raise LookupError(f"{path} has no docstring")
    if options.get("style") == "item":
        attributes = own_attributes(found) if isinstance(found, ast.ClassDef) else {}
        more = [f"`{each}`" for each in attributes if f"`{each}`" not in text and each != "args"]
        return item(f"`{name}`", f"{text} It has {_listed(more)}." if more else text)
    title = options.get("title", f"`{name}`")
    parts = [f"### {title}\n", f"```py\n{shown}\n```\n", prose(text)]
    if isinstance(found, ast.ClassDef):
        parts.append(members(path, found, options))
    return "\n".join(filter(None, parts))


def members(path: str, found: ast.ClassDef, options: dict[str, str]) -> str:
    """Return what an object of the class offers."""
    known = all_members(path)
    module, _, _ = find(path)
    shown = options.get("members", "").split()
    inner = options.get("inner", "").split()
    if missing := [name for name in (*shown, *inner) if name not in known and name != "*"]:
        raise LookupError(f"{path} has no {', '.join(missing)}")
    left = [name for name in known if name not in (*shown, *inner)]
    if left and inner != ["*"]:
        raise LookupError(f"members or inner of {path} must name {', '.join(left)}")
    owner = options.get("as", found.name.lower())
    items, sections = "", ""
    for name in shown:
        member, text = known[name]
        if not text:
            raise LookupError(f"{path}.{name} has no docstring")
        if isinstance(member, Function) and "\n- `" in text:
            code = f"```py\n{signature(member, module, of_object=True)}\n```\n"
            sections += f"\n#### `{owner}.{name}`\n\n{code}\n{prose(text)}"
        else:
            items += item(f"`{_called(owner, found.name, name, member, module)}`", text)
    return items + sections


def all_members(path: str) -> dict[str, tuple[ast.stmt | str, str]]:
    """Return the public members of a class and of its bases in the toolkit, with their docstrings.

    One that is a text is an attribute, and the text its type.
    """
    module, found, _ = find(path)
    if not isinstance(found, ast.ClassDef):
        raise LookupError(f"{path} is no class")  # noqa: TRY004 - a mistake of the page
    all_of_them: dict[str, tuple[ast.stmt | str, str]] = {}
    for base in found.bases:
        name = unparse(base).partition("[")[0]
        try:
            home, _, _ = find(f"{module}.{name}")
        except (LookupError, FileNotFoundError):
            continue  # of the standard library, or of aiogram
        all_of_them |= all_members(f"{home}.{name}")
    for statement in found.body:
        if isinstance(statement, Function) and not statement.name.startswith("_"):
            marks = [unparse(each) for each in statement.decorator_list]
            if not any(mark.endswith((".setter", ".deleter")) for mark in marks):
                all_of_them[statement.name] = statement, ast.get_docstring(statement) or ""
    return {**all_of_them, **own_attributes(found)}


def own_attributes(found: ast.ClassDef) -> dict[str, tuple[str, str]]:
    """Return the public attributes that `__init__` sets, with their types and docstrings."""
    attributes: dict[str, tuple[str, str]] = {}
    for statement in found.body:
        if isinstance(statement, Function) and statement.name == "__init__":
            types = {
                each.arg: each.annotation
                for each in statement.args.args + statement.args.kwonlyargs
            }
            for each in statement.body:
                for target in _names_of(each):
                    name = target.removeprefix("self.")
                    if target == f"self.{name}" and name.isidentifier() and name[0] != "_":
                        kind = getattr(each, "annotation", None)
                        value = getattr(each, "value", None)
                        if kind is None and isinstance(value, ast.Name):
                            kind = types.get(value.id)
                        shown = unparse(kind) if kind is not None else ""
                        if name not in attributes:
                            attributes[name] = shown, _string_after(each, statement.body)
        elif isinstance(statement, ast.AnnAssign) and (
            text := _string_after(statement, found.body)
        ):
            attributes[unparse(statement.target)] = unparse(statement.annotation), text
    return attributes


def _string_after(statement: ast.stmt, body: list[ast.stmt]) -> str:
    after = body[body.index(statement) + 1 :][:1]
    for each in after:
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
            return textwrap.dedent(str(each.value.value))
    return ""


# Signatures.


def unparse(node: ast.AST) -> str:
    """Return the code of a node, with the quotes that formatters write."""
    text = ast.unparse(node)
    return text if '"' in text else text.replace("'", '"')


def signature(found: Function, module: str, *, of_object: bool = False) -> str:
    """Return how a function is declared; that of an object without `self`."""
    returns = f" -> {unparse(found.returns)}" if found.returns else ""
    start = "async def" if isinstance(found, ast.AsyncFunctionDef) else "def"
    each = parameters(found.args, module, of_object=of_object)
    return _broken(f"{start} {found.name}", each, f"{returns}: ...")


def class_signature(path: str, found: ast.ClassDef, *, bare: bool) -> str:
    """Return how an object of the class is made; where it is `bare`, only the class."""
    init = next(
        (each for each in found.body if isinstance(each, Function) and each.name == "__init__"),
        None,
    )
    if bare:
        bases = [name for name in map(ast.unparse, found.bases) if _is_known(path, name)]
        return (
            f"class {found.name}({', '.join(bases)}): ..." if bases else f"class {found.name}: ..."
        )
    if init is not None:
        return _broken(found.name, parameters(init.args, find(path)[0], of_object=True), "")
    fields = [each for each in found.body if isinstance(each, ast.AnnAssign)]
    shown = [unparse(each).replace("field(default_factory=dict)", "{}") for each in fields]
    return _broken(found.name, shown, "")


def _is_known(path: str, base: str) -> bool:
    """Tell whether a reader can know the base: it is aiogram's, or an entry of the page."""
    if base.startswith(("Generic", "Protocol")):
        return False
    try:
        module, _, _ = find(f"{find(path)[0]}.{base.partition('[')[0]}")
    except FileNotFoundError:
        return True
    return base in LAYOUT.read_text(encoding="utf-8") or not module.startswith("toolkit")


def _broken(start: str, each: list[str], end: str) -> str:
    line = f"{start}({', '.join(each)}){end}"
    if len(line) <= SIGNATURE_WIDTH:
        return line
    lines = "".join(f"    {one},\n" for one in each)
    return f"{start}(\n{lines}){end}"


def parameters(given: ast.arguments, module: str, *, of_object: bool) -> list[str]:
    """Return the parameters as they are written, with `*` where only names are taken."""
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    shown = [_parameter(one, value, module) for one, value in zip(plain, defaults, strict=True)]
    if of_object:
        del shown[0]
    if given.vararg:
        shown.append(f"*{_parameter(given.vararg, None, module)}")
    elif given.kwonlyargs:
        shown.append("*")
    for one, value in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        shown.append(_parameter(one, value, module))
    if given.kwarg:
        shown.append(f"**{_parameter(given.kwarg, None, module)}")
    return shown


def _parameter(one: ast.arg, default: ast.expr | None, module: str) -> str:
    kind = f": {unparse(one.annotation)}" if one.annotation else ""
    if default is None:
        return one.arg + kind
    equals = " = " if kind else "="
    return f"{one.arg}{kind}{equals}{_value(default, module)}"


def _value(default: ast.expr, module: str) -> str:
    shown = unparse(default)
    if isinstance(default, ast.Name):
        with contextlib.suppress(LookupError, FileNotFoundError):
            _, found, _ = find(f"{module}.{shown}")
            value = getattr(found, "value", None)
            return unparse(value) if isinstance(value, ast.Constant) else shown
    return shown


def _called(owner: str, of_class: str, name: str, member: ast.stmt | str, module: str) -> str:
    """Return how the member of an object is used."""
    if isinstance(member, str):
        return f"{owner}.{name}: {member}" if member else f"{owner}.{name}"
    if not isinstance(member, Function):
        raise LookupError(f"{name} cannot be shown")  # noqa: TRY004 - a mistake of the page
    marks = [unparse(each) for each in member.decorator_list]
    returns = unparse(member.returns) if member.returns else "None"
    if "property" in marks:
        return f"{owner}.{name}: {returns}"
    call = f"{of_class if 'classmethod' in marks else owner}.{name}"
    each = parameters(member.args, module, of_object=True)
    if len(", ".join(each)) > SIGNATURE_WIDTH:
        each = [re.sub(r": .*?(?= = |$)", "", one).replace(" = ", "=") for one in each]
    shown = f"{call}({', '.join(each)})"
    if "contextlib.asynccontextmanager" in marks or "AsyncContextManager" in returns:
        return f"async with {shown}"
    if returns.startswith("AsyncIterator"):
        return f"async for key in {shown}"
    if isinstance(member, ast.AsyncFunctionDef):
        shown = f"await {shown}"
    return shown if returns == "None" else f"{shown} -> {returns}"


# Text.


def prose(text: str) -> str:
    """Return a docstring as Markdown, in lines of the page's width."""
    blocks = []
    for block in text.strip().split("\n\n"):
        lines = re.split(r"\n(?=- )", block)
        indent = "  " if block.startswith("- ") else ""
        blocks.append("\n".join(_wrap(" ".join(line.split()), indent) for line in lines))
    return "\n\n".join(blocks) + "\n"


def item(name: str, text: str) -> str:
    """Return a line of a list."""
    return _wrap(f"- {name}: {' '.join(text.split())}", indent="  ") + "\n"


def _wrap(text: str, indent: str = "") -> str:
    # A code span stays on one line, where that is possible.
    words = re.findall(r"`[^`]*`\S*|\S+", text)
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines[-1].strip() else lines[-1] + word
        if len(longer) > WIDTH and lines[-1].strip():
            lines.append(indent + word)
        else:
            lines[-1] = longer
    return "\n".join(lines)


def _listed(each: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(each[:-1]), each[-1]]))


# Commands, targets, variables.


class _Found(Exception):
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        super().__init__()
        self.parser = parser


def parser_of(module: str) -> argparse.ArgumentParser:
    """Return the parser that the `main` of a module makes: it is stopped where it would parse."""

    def stop(parser: argparse.ArgumentParser, *_: Any, **__: Any) -> NoReturn:
        raise _Found(parser)

    if str(SOURCE) not in sys.path:
        sys.path.insert(0, str(SOURCE))
    run: Callable[[], object] = importlib.import_module(f"{module}.__main__").main
    parse, arguments = argparse.ArgumentParser.parse_args, sys.argv
    argparse.ArgumentParser.parse_args = stop  # type: ignore[assignment, method-assign]
    sys.argv = [module]
    try:
        run()
    except _Found as found:
        return found.parser
    finally:
        argparse.ArgumentParser.parse_args = parse  # type: ignore[method-assign]
        sys.argv = arguments
    raise LookupError(f"{module} reads no arguments")


def commands(module: str) -> str:
    """Return the commands and flags of `python -m MODULE`."""
    return "".join(_command(parser_of(module), f"python -m {module}", ""))


def _command(
    parser: argparse.ArgumentParser, name: str, says: str, but: tuple[str, ...] = ()
) -> Iterator[str]:
    below = subcommands(parser)
    own = [each for each in arguments(parser) if _flag(each) not in but]
    positional = "".join(f" {_flag(each)}" for each in own if not each.option_strings)
    if says or own:
        yield item(f"`{name}{positional}`", says or (parser.description or ""))
    yield from (_argument(parser, each) for each in own)
    if shared := _shared([one for one, _ in below.values()]):
        first = next(iter(below.values()))[0]
        yield item(f"`{name} …`", "each of its commands takes")
        yield from (_argument(first, each) for each in arguments(first) if _flag(each) in shared)
    for verb, (one, help_text) in below.items():
        yield from _command(one, f"{name} {verb}", help_text, shared)


def subcommands(parser: argparse.ArgumentParser) -> dict[str, tuple[argparse.ArgumentParser, str]]:
    """Return the commands of a parser, each with what is said about it."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            says = {each.dest: each.help or "" for each in action._choices_actions}
            return {name: (one, says.get(name, "")) for name, one in action.choices.items()}
    return {}


def arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments and flags of a parser, without `--help` and its commands."""
    left_out = (argparse._HelpAction, argparse._SubParsersAction)
    return [each for each in parser._actions if not isinstance(each, left_out)]


def _shared(parsers: list[argparse.ArgumentParser]) -> tuple[str, ...]:
    if len(parsers) < 2:
        return ()
    flags = [[_flag(each) for each in arguments(one) if each.option_strings] for one in parsers]
    return tuple(flag for flag in flags[0] if all(flag in others for others in flags))


def _flag(action: argparse.Action) -> str:
    value = str(action.metavar or action.dest.upper())
    if not action.option_strings:
        return (
            f"[{value}]" if action.nargs == "?" else f"{value} …" if action.nargs == "+" else value
        )
    many = f"{value} …" if action.nargs == "+" else value
    return action.option_strings[0] if action.nargs == 0 else f"{action.option_strings[0]} {many}"


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    says = parser._get_formatter()._expand_help(action) if action.help else ""
    return textwrap.indent(item(f"`{_flag(action)}`", says), "  ")


def make_targets() -> str:
    """Return the targets that `make help` explains, in the places where Jinja puts them."""
    shown = ""
    for line in _between(PROJECT / "Makefile", "help:", ""):
        if found := re.fullmatch(r"\t@echo 'make (\S+) +(.*)'", line):
            shown += item(f"`make {found[1]}`", found[2])
        elif line.startswith("{%"):
            shown += f"{line}\n"
    return shown


def _between(file: Path, start: str, end: str) -> Iterator[str]:
    lines = iter(file.read_text(encoding="utf-8").split("\n"))
    for line in lines:
        if line == start:
            break
    for line in lines:
        if line == end:
            return
        yield line


def environment() -> str:
    """Return the variables of `.env.example`, in the places where Jinja puts them."""
    shown, said = "", ""
    for line in (PROJECT / ".env.example").read_text(encoding="utf-8").split("\n"):
        if line.startswith("# "):
            said += f" {line.removeprefix('# ')}"
        elif found := re.fullmatch(r"#?([A-Z_]+)=(.*)", line):
            example = f", for example `{found[2]}`" if found[2] else ""
            shown += item(f"`{found[1]}`{example}", said)
            said = ""
        elif line.startswith("{%") and "{%- set" not in line:
            shown += f"{line}\n"
        elif not line:
            said = ""
    return shown


if __name__ == "__main__":
    main()
