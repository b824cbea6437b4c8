"""The questions and their answers."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message
from aiogram.utils.keyboard import InlineKeyboardBuilder

from tests.plain_bots.quiz.questions import QUESTIONS, RIGHT

router = Router()


class Quiz(StatesGroup):
    """Where somebody is."""

    asking = State()


class Choice(CallbackData, prefix="choice"):
    """An answer to a question, by their numbers."""

    question: int
    answer: int


def choices(number: int) -> InlineKeyboardMarkup:
    """Return the buttons of a question."""
    builder = InlineKeyboardBuilder()
    for answer, label in enumerate([*QUESTIONS.values()][number]):
        builder.button(text=label, callback_data=Choice(question=number, answer=answer))
    return InlineKeyboardMarkup(inline_keyboard=builder.adjust(1).export())


@router.message(Command("quiz"))
async def begin(message: Message, state: FSMContext) -> None:
    """Ask the first question."""
    await state.set_state(Quiz.asking)
    await state.set_data({"right": 0})
    await message.answer(next(iter(QUESTIONS)), reply_markup=choices(0))


@router.callback_query(Quiz.asking, Choice.filter(F.question == len(QUESTIONS) - 1))
async def finish(query: CallbackQuery, callback_data: Choice, state: FSMContext) -> None:
    """Count what was right."""
    right = await count(callback_data, state)
    await state.clear()
    await query.answer()
    if isinstance(query.message, Message):
        await query.message.edit_text(f"{right} of {len(QUESTIONS)} are right.")


@router.callback_query(Quiz.asking, Choice.filter())
async def go_on(query: CallbackQuery, callback_data: Choice, state: FSMContext) -> None:
    """Ask the next question."""
    await count(callback_data, state)
    await query.answer()
    number = callback_data.question + 1
    if isinstance(query.message, Message):
        await query.message.edit_text([*QUESTIONS][number], reply_markup=choices(number))


@router.callback_query()
async def too_late(query: CallbackQuery) -> None:
    """Say that nobody asks any more."""
    await query.answer("This quiz is over.")


async def count(choice: Choice, state: FSMContext) -> int:
    """Return how many answers were right, with this one."""
    answer = [*QUESTIONS.values()][choice.question][choice.answer]
    right = int((await state.get_data())["right"]) + (answer == RIGHT[choice.question])
    await state.update_data(right=right)
    return right
