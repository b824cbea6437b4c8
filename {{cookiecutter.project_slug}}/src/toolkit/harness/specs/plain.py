"""Bots that `create_bot` did not make: any aiogram dispatcher, with its bot or with its `main`.

A dispatcher, a function that returns one, alone or with its bot, and the `main` that polls serve as
a `BotApp`. After each run all routers, handlers, middlewares and data are put back as they were
after the import; FSM states and data begin empty, in memory.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from aiogram import Bot, Dispatcher, Router

from toolkit.app import BotApp
from toolkit.harness.specs.fsm_session import Kept
from toolkit.harness.specs.making import Polled, making
from toolkit.harness.specs.plain_app import PlainApp
from toolkit.harness.specs.registrations import Registrations, own_values

if TYPE_CHECKING:
    from toolkit.harness.storage import PersistentStorage

_copying: WeakSet[Any] = WeakSet()
"""Functions that return a `BotApp`, which leaves routers as they are."""

_plain: WeakSet[Any] = WeakSet()
"""Functions that are known to return a dispatcher: their `storage` is not one of the toolkit's."""

_unused: Registrations | None = None
"""What to put back for a bot that was made and has not been run."""


def is_plain(app: Any) -> bool:
    """Tell whether a bot was not made by `create_bot`."""
    return isinstance(app, PlainApp)


def when_up(app: BotApp[Any], do: Callable[[BotApp[Any]], object]) -> None:
    """Call `do` with the bot as soon as it has handlers: a `main` may make them as it starts."""
    if isinstance(app, PlainApp):
        app.when_up.append(do)
    else:
        do(app)


def factory_of(found: Any, names: Mapping[str, Any]) -> Callable[..., Any] | None:
    """Return what makes bots of something with a name in a module; None for anything else.

    `names` are all names of that module: a bot among them is the one of a dispatcher.
    """
    if isinstance(found, Dispatcher) and not isinstance(found, BotApp):
        return lambda: PlainApp(found, _bot_among(names))
    return found if callable(found) else None


def make_app(
    make_bot: Any,
    options: Mapping[str, Any] | None = None,
    *,
    storage: PersistentStorage | None = None,
) -> BotApp[Any]:
    """Return a new bot of a factory; `make_bot` may be a dispatcher or a `main`, too.

    It is called with the `options`. With `storage` it runs on that store; a plain one keeps its FSM
    states beside it.
    """
    takes = storage is not None and accepts(make_bot, "storage")
    given = {**(options or {}), **({"storage": storage} if takes else {})}
    before = _note(make_bot)
    try:
        made = _make(make_bot, given)
    except BaseException as error:
        before.put_back()
        if not takes or "BaseStorage" not in str(error):
            raise
        # What it takes is aiogram's own storage.
        _plain.add(_innermost(make_bot))
        return make_app(make_bot, options, storage=storage)
    if isinstance(made, PlainApp):
        made.before = made.before or before
        if storage is not None:
            made.keep_in(cast(Kept, storage.beside))
        return cast("BotApp[Any]", made)
    before.in_use = True
    made.tasks.leaves_errors = True  # `settle` finds them, as those of other tasks
    if storage is not None and not takes:
        raise TypeError(f"{_name(make_bot)} takes no storage: give it a parameter storage=None")
    return made


def _make(make_bot: Any, options: dict[str, Any]) -> BotApp[Any] | PlainApp:
    is_main = inspect.iscoroutinefunction(make_bot)
    alone = is_main or isinstance(make_bot, Dispatcher)
    if refused := [each for each in options if alone or not _has_parameter(make_bot, each)]:
        raise TypeError(f"{_name(make_bot)} takes no {', '.join(refused)}, as a factory may")
    if isinstance(make_bot, Dispatcher):
        return PlainApp(make_bot)
    if is_main:
        return PlainApp(main=make_bot)
    with making():
        try:
            made = make_bot(**options)
        except Polled as polled:
            dispatcher, bots, given = polled.args
            return PlainApp(dispatcher, bots[-1], options=given)
    (_copying if isinstance(made, BotApp) else _plain).add(_innermost(make_bot))
    if isinstance(made, BotApp):
        return made
    return made if isinstance(made, PlainApp) else _plain_app(made, make_bot)


def _plain_app(made: Any, make_bot: Any) -> PlainApp:
    several = made if isinstance(made, tuple) else (made,)
    dispatchers = [each for each in several if isinstance(each, Dispatcher)]
    bots = [each for each in several if isinstance(each, Bot)]
    if len(dispatchers) != 1 or len(bots) > 1 or len(several) > len(dispatchers + bots):
        what = " and ".join(type(each).__name__ for each in several) or "nothing"
        raise TypeError(
            f"{_name(make_bot)} returned {what}; it has to return a bot of create_bot, a "
            "Dispatcher, or a Dispatcher and its Bot"
        )
    names = getattr(_innermost(make_bot), "__globals__", {})
    return PlainApp(dispatchers[0], bots[0] if bots else _bot_among(names))


def _bot_among(names: Mapping[str, Any]) -> Bot | None:
    found = {id(each): each for each in names.values() if isinstance(each, Bot)}
    if len(found) > 1:
        raise TypeError(
            f"there are {len(found)} bots beside the dispatcher; name a function that returns it "
            "with its bot"
        )
    return next(iter(found.values()), None)


def accepts(make_bot: Any, name: str) -> bool:
    """Tell whether a factory of bots of `create_bot` has a parameter of this name."""
    if isinstance(make_bot, Dispatcher) or _innermost(make_bot) in _plain:
        return False
    return _has_parameter(make_bot, name)


def _has_parameter(make_bot: Any, name: str) -> bool:
    parameters = inspect.signature(make_bot).parameters.values()
    return any(each.name == name or each.kind is each.VAR_KEYWORD for each in parameters)


def _note(make_bot: Any) -> Registrations:
    """Note what is registered before this is called, if it may change that."""
    global _unused
    if isinstance(make_bot, Dispatcher) or _innermost(make_bot) in _copying:
        return Registrations(())
    if _unused is not None and not _unused.in_use:
        _unused.put_back()
    _unused = Registrations(own_values(Router))
    return _unused


def _innermost(make_bot: Any) -> Any:
    while isinstance(make_bot, partial):
        make_bot = make_bot.func
    return inspect.unwrap(getattr(make_bot, "__func__", make_bot))


def _name(make_bot: Any) -> str:
    function = _innermost(make_bot)
    named = getattr(function, "__qualname__", None)
    return named or ("the Dispatcher" if isinstance(function, Dispatcher) else repr(function))
