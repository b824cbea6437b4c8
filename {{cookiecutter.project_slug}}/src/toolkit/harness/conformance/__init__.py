"""The tests that every store passes, your own included.

    class TestMyStore(
        SharedStorageConformance,
        DurableStorageConformance,
        PortableStorageConformance,
        WakingStorageConformance,
    ):
        @pytest.fixture
        def open_store(self, tmp_path):
            return lambda: MyStore(tmp_path / "data")

`open_store` is the one fixture to give: a function that opens a store. Within one test every call
opens the same data, which is empty at first. A store with the plain verbs only takes
`StorageConformance`; one that forgets when it is closed leaves `DurableStorageConformance` out, and
one that cannot tell when records expire `PortableStorageConformance`, one that does not find the
records that want to be woken `WakingStorageConformance`.
The tests are coroutines: pytest-asyncio runs them in its auto mode.
"""

from __future__ import annotations

from toolkit.harness.conformance.durability import DurableStorageConformance
from toolkit.harness.conformance.helpers import OpenStore, all_keys, check_paging, until_absent
from toolkit.harness.conformance.leases import SharedStorageConformance
from toolkit.harness.conformance.portability import PortableStorageConformance
from toolkit.harness.conformance.samples import ODD_KEYS, ODD_VALUES
from toolkit.harness.conformance.verbs import StorageConformance
from toolkit.harness.conformance.waking import WakingStorageConformance

__all__ = [
    "ODD_KEYS",
    "ODD_VALUES",
    "DurableStorageConformance",
    "OpenStore",
    "PortableStorageConformance",
    "SharedStorageConformance",
    "StorageConformance",
    "WakingStorageConformance",
    "all_keys",
    "check_paging",
    "until_absent",
]
