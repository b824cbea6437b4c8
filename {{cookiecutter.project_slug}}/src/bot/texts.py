"""Everything that the bot says, in English; the other languages are in `locales/`.

    texts.has_passed(when=start)     "Tue 24 Nov at 14:00 has passed."

Days, moments, visits and amounts that are put into a text are written in its language. `make texts`
carries new and changed texts into the catalogues, and `make test` tells what is missing there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from gettext import NullTranslations
from typing import Any

from aiogram import html
from babel import Locale
from babel.dates import format_date, get_day_names
from babel.numbers import format_currency

from bot.shop import WEEKDAYS, Booking, Opening, Service, Shop


class Text:
    """A message: HTML, so what is put into it is quoted. With `many` there is a plural, by `n`."""

    def __init__(self, one: str, many: str | None = None) -> None:
        self.one, self.many = one, many

    def quote(self, field: str) -> str:
        """Return what is put into the text, so that it means nothing but itself."""
        return html.quote(field)

    def __get__(self, texts: Texts, owner: type[Texts]) -> Callable[..., str]:
        return lambda **fields: texts.write(self, fields)


class Label(Text):
    """The text of a button, a notice or a command: plain."""

    def quote(self, field: str) -> str:
        """Return it as it is."""
        return field


class Texts:
    """What the bot says in one language."""

    # Booking
    what_service = Text("What service?")
    not_offered = Text("We do not offer that.")
    what_day = Text("When?")
    what_time = Text("When on {day}?")
    change_service = Label("Change service")
    another_day = Label("Pick another day")
    unreadable = Text("I cannot read that as a day and time. Try “Tomorrow 2pm”.")
    away_too_long = Text(
        "You were away for over {n} minute, so let us start again.",
        "You were away for over {n} minutes, so let us start again.",
    )
    booked = Text("Booked! {visit}.")
    price = Text("It costs {amount}.")
    how_to_cancel = Text("/bookings shows and cancels your visits.")

    # Why not
    has_passed = Text("{when} has passed.")
    bookable_until = Text("Bookings are open until {day}.")
    closed_on = Text("We are closed on {day}.")
    nothing_free = Text("Nothing is free on {day}.")
    visits_start_at = Text("Visits start at {times}.")
    just_taken = Text("Sorry, {when} was just taken.")
    booked_already = Text("You have booked {visit} already.")
    open_every_day = Text("We are open every day from {opens} to {closes}.")
    open_on = Text("We are open:\n{days}")

    # One's visits
    your_visits = Text("Your visits:")
    and_more = Text("… and {n} more", "… and {n} more")
    no_visits = Text("You have no visits booked. /book books one.")
    not_your_visits = Label("These visits belong to another user. Send /bookings to see yours.")
    not_booked_any_more = Text("That visit is not booked any more.")
    cancel_one = Label("Cancel {day}, {time}")
    cancel_really = Text("Cancel {visit}?")
    cancel_yes = Label("Cancel the visit")
    cancel_no = Label("Keep it")
    cancelled = Text("Cancelled: {visit}.")
    see_you = Text("See you soon: {visit}.")

    # The phone number
    what_phone = Text("At which number can we reach you if your visit has to change?")
    send_phone = Label("Send my number")
    skip_phone = Label("Skip")
    phone_kept = Text("Thank you. We call {phone} only if your visit has to change.")
    phone_skipped = Text("All right, without a number.")
    no_phone = Text("That is no phone number. Type one like 030 1234567, or skip it.")
    not_your_phone = Text("That is not your own number. Send yours, type it, or skip it.")

    # After the visit
    how_was_it = Text("How was it?")
    what_went_wrong = Text("What went wrong?")
    say_no_more = Label("Skip")
    thanks = Text("Thank you for telling us.")

    # What the admins see, and what their customers are told
    visits_on = Text("Visits on {day}:")
    no_visits_on = Text("No visits on {day}.")
    visit_line = Text("{time} {service}: {customer}")
    day_closed = Text("Closed: nobody can book on this day.")
    close_day = Label("Close the day")
    open_day = Label("Open the day again")
    cancel_one_of = Label("Cancel {time}, {name}")
    cancel_for = Text("Cancel {visit}, for {customer}? The bot writes to them.")
    shop_cancels = Text("We are sorry: we had to cancel {visit}. /book books another visit.")
    customer_not_told = Text("The bot could not write to {customer}: they do not know yet.")
    new_visit = Text("New: {visit}, {customer}.")
    rated = Text("{stars} for {visit}, {customer}.")
    quoted = Text("“{words}”")
    visit_off = Text("Cancelled by the customer: {visit}, {customer}.")

    # Everything else
    hello = Text("Hello {name}! I book visits to the barber.")
    everybody = Label("everybody")
    nothing_to_stop = Text("Nothing is being booked. /bookings shows and cancels your visits.")
    stopped = Text("Stopped; nothing was booked. /book starts again.")
    not_understood = Text("I did not understand that.")
    old_button = Label("That button is out of date. Send /book or /bookings.")
    what_language = Text("Which language do you speak?")
    language_chosen = Text("We speak English now.")
    language_name = Label("English")

    # Commands
    book_command = Label("Book a visit")
    bookings_command = Label("Show or cancel your visits")
    cancel_command = Label("Stop booking")
    language_command = Label("Change the language")
    help_command = Label("Show what I can do")
    start_command = Label("Say hello")
    today_command = Label("Show the visits of today")
    tomorrow_command = Label("Show the visits of tomorrow")

    # What users type: words of which one begins a booking, and how words end before a bare hour.
    booking_words = Label("book, booking, appointment")
    at_words = Label("at")
    day_words = Label("day, tomorrow")

    # How things are written. For days see "Date Format Patterns" of Unicode TR 35.
    visit_format = Label("{service} on {when}")
    moment_format = Label("{day} at {time}")
    day_format = Label("EEE d MMM")

    def __init__(self, language: str, translations: NullTranslations) -> None:
        self.language = language
        self.translations = translations
        self._locale = Locale.parse(language)

    def write(self, text: Text, fields: dict[str, Any]) -> str:
        """Write a text in this language. Raises `KeyError` when one of its fields is missing."""
        found = self._find(text, fields.get("n", 1))
        return found.format(**{name: text.quote(self.say(each)) for name, each in fields.items()})

    def say(self, value: Any) -> str:
        """Write what is put into a text: a visit, a day, a moment, or anything else as it is."""
        match value:
            case Booking(service=service, start=start):
                return self.visit_format(service=service, when=start)
            case datetime():
                return self.moment_format(day=value.date(), time=f"{value:%H:%M}")
            case date():
                return format_date(value, self.day_format(), locale=self._locale)
        return str(value)

    def amount(self, service: Service, shop: Shop) -> str:
        """Write the price of a service."""
        return format_currency(service.price or 0, shop.currency, locale=self._locale)

    def hours(self, shop: Shop) -> str:
        """Say when the shop is open."""
        week = [shop.hours.get(day, ()) for day in WEEKDAYS]
        if len({*week}) == 1 and len(week[0]) == 1:
            opens, closes = map(_clock, week[0][0])
            return self.open_every_day(opens=opens, closes=closes)
        names = get_day_names("abbreviated", locale=self._locale)
        lines = []
        for first, last, openings in _alike(week):
            days = names[first] if first == last else f"{names[first]}–{names[last]}"
            lines.append(f"{days} {', '.join('–'.join(map(_clock, each)) for each in openings)}")
        return self.open_on(days="\n".join(lines))

    def commands(self) -> dict[str, str]:
        """Return the commands that Telegram offers, each with what it does."""
        return {
            "book": self.book_command(),
            "bookings": self.bookings_command(),
            "cancel": self.cancel_command(),
            "language": self.language_command(),
            "help": self.help_command(),
            "start": self.start_command(),
        }

    def admin_commands(self) -> dict[str, str]:
        """Return those that it offers to admins: theirs, then everybody's."""
        own = {"today": self.today_command(), "tomorrow": self.tomorrow_command()}
        return {**own, **self.commands()}

    def help(self) -> str:
        """List the commands."""
        return "\n".join(f"/{name}: {html.quote(does)}" for name, does in self.commands().items())

    def pattern(self, name: str, fields: dict[str, str]) -> str:
        """Return a regular expression for a text, whatever is in it: specs say `{"$text": name}`.

        Raises `LookupError` for a name that no text has.
        """
        text = vars(type(self)).get(name)
        if isinstance(text, Text):
            forms = {self._find(text, n) for n in range(1 if text.many is None else 101)}
            return "|".join(_pattern(form, fields) for form in sorted(forms))
        raise LookupError(f"there is no text {name!r}")

    def _find(self, text: Text, n: int) -> str:
        if text.many is None:
            return self.translations.gettext(text.one)
        return self.translations.ngettext(text.one, text.many, n)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _alike(week: Sequence[tuple[Opening, ...]]) -> Iterator[tuple[int, int, tuple[Opening, ...]]]:
    """Yield runs of days with equal openings, by their first and last day; no closed ones."""
    first = 0
    for day, openings in enumerate(week):
        if day + 1 == len(week) or week[day + 1] != openings:
            if openings:
                yield first, day, openings
            first = day + 1


def _pattern(form: str, fields: dict[str, str]) -> str:
    parts = re.split(r"{(\w+)}", form)
    texts = (re.escape(part) for part in parts[::2])
    gaps = (f"({fields.get(name, '.+')})" for name in parts[1::2])
    return "".join(f"{text}{gap}" for text, gap in zip(texts, [*gaps, ""], strict=True))
