"""Nothing of POSIX is needed where a module is imported: the bot, chat and web run on Windows."""

import ast
from pathlib import Path

import pytest

from tests.support import TEMPLATE

MODULES = sorted((TEMPLATE / "src").rglob("*.py"))
# https://docs.python.org/3/library/unix.html, and what is in it alone of os and signal.
POSIX = {"fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"}
NAMES = {"fork", "getuid", "geteuid", "fchmod", "mkfifo", "killpg", "setsid", "SIGKILL", "SIGHUP"}


def at_import(module: ast.Module) -> list[ast.AST]:
    """What runs when a module is imported: everything outside its functions."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = [module]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                found.append(node)
                waiting.append(node)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(TEMPLATE / "src")))
def test_a_module_imports_nothing_that_only_posix_has(path: Path) -> None:
    nodes = at_import(ast.parse(path.read_text(encoding="utf-8")))
    imported = {
        name.split(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
    }
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    assert not imported & POSIX
    assert not used & NAMES


def test_what_runs_at_import_is_found() -> None:
    module = ast.parse("import pwd\ndef later():\n    import fcntl\nclass Here:\n    import tty\n")

    names = {alias.name for node in at_import(module) for alias in getattr(node, "names", [])}

    assert names == {"pwd", "tty"}
