"""The public names of the harness; `toolkit.lazy` reads them here."""

from toolkit.harness.fake_telegram import ApiError as ApiError
from toolkit.harness.fake_telegram import FakeTelegram as FakeTelegram
from toolkit.harness.fake_telegram import Fault as Fault
from toolkit.harness.fake_telegram import NetworkFailure as NetworkFailure
from toolkit.harness.fake_telegram import NoSuchButton as NoSuchButton
from toolkit.harness.fake_telegram import PersonError as PersonError
from toolkit.harness.simulator.terminal import chat_url as chat_url
from toolkit.harness.simulator.terminal import converse as converse
from toolkit.harness.simulator.web import serve as serve
from toolkit.harness.specs.person import Person as Person
from toolkit.harness.specs.runner import run_spec as run_spec
from toolkit.harness.specs.running_bot import MakeBot as MakeBot
from toolkit.harness.specs.running_bot import RunningBot as RunningBot
from toolkit.harness.specs.spec import SpecError as SpecError
from toolkit.harness.specs.spec import load_specs as load_specs
from toolkit.harness.storage import PersistentStorage as PersistentStorage
