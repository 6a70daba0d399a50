"""The Lua scripts of the shared store, one per step; the files beside this one."""

from importlib import resources
from typing import Final

from kaigate.store.redis.script import Script

# Entries of a window per field of its hash: fewer cost more fields, more cost longer copies.
CHUNK_ENTRIES: Final = 128


class Scripts:
    """All of them, read once."""

    def __init__(self, chunk_entries: int = CHUNK_ENTRIES) -> None:
        folder = resources.files("kaigate.limits")
        prelude = folder.joinpath("prelude.lua").read_text().replace("$CHUNK_ENTRIES", str(chunk_entries))

        def script(name: str) -> Script:
            return Script(prelude + folder.joinpath(f"{name}.lua").read_text())

        self.admit: Final = script("admit")
        self.settle: Final = script("settle")
        self.renew: Final = script("renew")
        self.expire: Final = script("expire")
        self.restore: Final = script("restore")


# Read when the program starts: a store may be built in the event loop, where files are not read.
SCRIPTS: Final = Scripts()
